// Make: short words for what scenarios are made of.
// Holds   actions and expectations by name, and listings by parts.
// Never   does anything.
// Source  our own.

import type { Action, Expect } from "../model/scenario.ts";

/** Paragraphs, with empty lines between them. */
export function told(parts: TemplateStringsArray, ...values: readonly unknown[]): string[] {
  const text = String.raw({ raw: parts }, ...values);
  return text.split(/\n\s*\n/).map((paragraph) => paragraph.replace(/\s+/g, " ").trim());
}

/** A line in a domain's console. */
export const run = (domid: number, line: string): Action => ({ kind: "console", domid, line });
/** Ends whatever runs in a domain's console. */
export const stop = (domid: number): Action => ({ kind: "stop", domid });
/** As which domain the tree is seen. */
export const lens = (domid: number | null): Action => ({ kind: "lens", domid });

/** A transaction of the page, with lines that are run in it. */
export function begin(name: string, domid: number, ...lines: string[]): Action[] {
  return [{ kind: "begin", name, domid }, ...within(name, ...lines)];
}
/** Further lines of a transaction. */
export function within(name: string, ...lines: string[]): Action[] {
  return lines.map((line): Action => ({ kind: "in", name, line }));
}
export const commit = (name: string): Action => ({ kind: "commit", name });

export const out = (domid: number, text: string): Expect => ({ kind: "out", domid, text });
export const err = (domid: number, text: string): Expect => ({ kind: "err", domid, text });
export const heard = (domid: number, path: string): Expect => ({ kind: "event", domid, path });
export const silent = (domid: number, path: string): Expect => ({ kind: "noEvent", domid, path });
export const value = (path: string, text: string): Expect => ({ kind: "value", path, value: text });
export const missing = (path: string): Expect => ({ kind: "missing", path });
export const committed = (result = ""): Expect => ({ kind: "commit", result });
export const ringError = (domid: number, error: number): Expect => {
  return { kind: "ringError", domid, error };
};
export const events = (path: string, atLeast: number): Expect => ({
  kind: "events",
  path,
  atLeast,
});

/** What a tool prints that could not do it. */
export const notRead = (path: string) => `xenstore-read: couldn't read path ${path}`;
export const notWritten = (path: string) => `xenstore-write: could not write path ${path}`;
export const notRemoved = (path: string) => `xenstore-rm: could not remove path ${path}`;

/** Nodes by their names. */
export type Nodes = Readonly<Record<string, string>>;

/** Lines of `xenstore-ls -fp`: a node, and nodes below it with the same permissions. */
export function listed(path: string, perms: string, nodes: Nodes = {}): string {
  const line = (at: string, text: string) => `${at} = "${text}"   (${perms})`;
  const below = Object.entries(nodes).map(([name, text]) => line(`${path}/${name}`, text));
  return [line(path, ""), ...below].join("\n");
}
