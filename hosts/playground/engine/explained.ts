// Explained: errors of the store, for people.
// Holds   what each code means and what to do about it.
// Never   hides the code.
// Source  the XenStore protocol, Errors.

import { isXenstoreError } from "../../entry/browser.ts";

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such node",
  EACCES: "this is not allowed by its permissions",
  EEXIST: "it is there already",
  EINVAL: "the store can't take this as it is; look at the path and the value",
  ENOSPC: "a quota is used up; look at the quotas",
  E2BIG: "it is longer than a message may be: 4096 bytes",
  EAGAIN: "others have changed what the transaction saw; try again",
  EISCONN: "it is introduced already",
  EPERM: "only domain 0 may do this",
  EROFS: "this connection may only read",
  ECONNRESET: "the connection has ended",
  ENXIO: "the domain has no connection: introduce it, or reconnect its ring",
};

/** An error of the store in words for people. */
class ExplainedError extends Error {
  readonly code: string;

  constructor(text: string, code: string) {
    super(text);
    this.name = "ExplainedError";
    this.code = code;
  }
}

/** The same error with words for people; as it is where it has them. */
export function explained(error: Error & { code?: unknown }, path = ""): Error {
  if (!isXenstoreError(error) || error instanceof ExplainedError) return error;
  const words = WORDS[error.code];
  const place = path === "" ? "" : `${path}: `;
  const said = words ? `${place}${words} (${error.code}).` : `${place}${error.message}`;
  const text = path === "" ? said.charAt(0).toUpperCase() + said.slice(1) : said;
  return new ExplainedError(text, error.code);
}
