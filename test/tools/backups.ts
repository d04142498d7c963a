// Backups: what tests of the backup tools share.
// Holds   a run against a store in memory, a small tree in each format.
// Never   judges what a run gave.
// Source  docs/tools.md, Backup.

import { encodeRecord, streamHeader } from "../../hosts/shared/stream.ts";
import { words } from "./cases.ts";
import { type Rules, ScriptedStore, ScriptedStream } from "./scripted.ts";
import { type Call, runOurs } from "./tools.ts";

type Options = Partial<Omit<Call, "argv">>;

/** Runs a tool against a scripted store; also says what it asked, and what files there are. */
export async function run(line: string, rules: Rules = {}, options: Options = {}) {
  const store = new ScriptedStore(rules);
  const files = options.files ?? new Map<string, Uint8Array>();
  const done = await runOurs({ argv: words(line), ...options, files }, new ScriptedStream(store));
  const text = (name: string) => {
    const bytes = files.get(name);
    return bytes === undefined ? null : Buffer.from(bytes).toString();
  };
  return { ...done, asked: store.log, files, text };
}

export const file = (name: string, content: string | Uint8Array) =>
  new Map([[name, typeof content === "string" ? new TextEncoder().encode(content) : content]]);

export const TREE: Rules = {
  "DIRECTORY /|": "a|b|",
  "DIRECTORY /a|": "x|y|",
  "READ /a/x|": "1",
  "READ /b|": "\xff\x00",
  "GET_PERMS /a/y|": "n3|r0|",
  "GET_PERMS @releaseDomain": "n0|r32757|",
};
export const LINES = [
  '{"format":"xenstore-export","version":1,"root":"/","nodes":[',
  ' {"path":"/","value":"","perms":["n0"]}',
  ',{"path":"/a","value":"","perms":["n0"]}',
  ',{"path":"/a/x","value":"1","perms":["n0"]}',
  ',{"path":"/a/y","value":"","perms":["n3","r0"]}',
  ',{"path":"/b","value":{"base64":"/wA="},"perms":["n0"]}',
  ',{"path":"@releaseDomain","value":"","perms":["n0","r32757"]}',
  ',{"path":"@introduceDomain","value":"","perms":["n0"]}',
  "]}",
  "",
];
export const EXPORT = LINES.join("\n");

export const node = (path: string, value = "", ...perms: string[]) =>
  encodeRecord({
    kind: "node",
    conn: 0,
    txId: 0,
    access: 0,
    path,
    value: Buffer.from(value),
    perms: (perms.length === 0 ? ["n0"] : perms).map((perm) => ({
      access: perm[0],
      domid: Number.parseInt(perm.slice(1), 10),
      inert: perm.endsWith("!"),
    })),
  });
export const stream = (...records: Uint8Array[]) =>
  new Uint8Array(Buffer.concat([streamHeader(), ...records, encodeRecord({ kind: "end" })]));

export const small = () =>
  stream(node("/"), node("/a", "1", "n3", "r0"), node("@releaseDomain", "", "n0", "r32757"));
