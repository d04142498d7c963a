// Nodes: xenstore read, write, rm, exists and list.
// Holds   what each of them sends and prints.
// Never   walks a tree (ls.ts does) or knows about transactions.
// Source  the XenStore command line, read to list.

import type { Store } from "../client.ts";
import { isXenstoreError } from "../errors.ts";
import { type Call, type Command, JSON_OPTION, orFail } from "./command.ts";
import { escapeValue, unescapeValue } from "./escape.ts";
import { type ByteString, byteString, bytesOf, ToolExit, utf8 } from "./host.ts";
import { jsonLine, jsonText, jsonValue } from "./json.ts";

export const read: Command = {
  usage: "[-h] [-p] [-s] [-R] key [...]",
  accepts: "pR",
  extra: [JSON_OPTION],
  fits: (count) => count >= 1,
  inTransaction: (count) => count > 1,
  async run(store, call) {
    for (const path of call.operands) {
      const value = await orFail(call, store.read(bytesOf(path)), `couldn't read path ${path}`);
      if (call.json) call.print(jsonLine({ path: jsonText(path), value: jsonValue(value) }));
      else printValue(call, path, byteString(value));
    }
  },
};

function printValue(call: Call, path: ByteString, value: ByteString): void {
  const prefix = call.flags.has("p") ? `${path}: ` : "";
  call.print(prefix + (call.flags.has("R") ? value : `${escapeValue(value)}\n`));
}

export const write: Command = {
  usage: "[-h] [-s] [-R] key value [...]",
  accepts: "R",
  fits: (count) => count >= 2 && count % 2 === 0,
  inTransaction: (count) => count > 2,
  async run(store, call) {
    for (let at = 0; at < call.operands.length; at += 2) {
      const [path, text] = call.operands.slice(at);
      const value = call.flags.has("R") ? text : unescapeValue(text);
      const request = store.write(bytesOf(path), bytesOf(value));
      await orFail(call, request, `could not write path ${path}`);
    }
  },
};

export const rm: Command = {
  usage: "[-h] [-s] [-t] key [...]",
  accepts: "t",
  fits: (count) => count >= 1,
  inTransaction: () => true,
  async run(store, call) {
    for (const path of call.operands) {
      await remove(store, call, path);
      if (call.flags.has("t")) await tidy(store, call, path);
    }
  },
};

async function remove(store: Store, call: Call, path: ByteString): Promise<void> {
  await orFail(call, store.rm(bytesOf(path)), `could not remove path ${path}`);
}

/** Removes the parents of `path`, upwards, as long as they are empty. */
async function tidy(store: Store, call: Call, path: ByteString): Promise<void> {
  for (let slash = path.lastIndexOf("/"); slash >= 0; slash = path.lastIndexOf("/")) {
    path = path.slice(0, slash);
    if (!(await isEmpty(store, path))) return;
    await remove(store, call, path);
  }
}

/** Whether a node has neither value nor children; false too when that can't be seen. */
async function isEmpty(store: Store, path: ByteString): Promise<boolean> {
  try {
    if ((await store.read(bytesOf(path))).length > 0) return false;
    return (await store.directory(bytesOf(path))).length === 0;
  } catch (error) {
    if (isXenstoreError(error)) return false;
    throw error;
  }
}

export const exists: Command = {
  usage: "[-h] [-p] [-s] key [...]",
  accepts: "",
  extra: [JSON_OPTION],
  fits: (count) => count >= 1,
  inTransaction: () => true,
  async run(store, call) {
    let missing = 0;
    for (const path of call.operands) {
      const there = await canRead(store, path);
      if (call.json) call.print(jsonLine({ path: jsonText(path), exists: there }));
      else if (!there) throw new ToolExit(1);
      if (!there) missing++;
    }
    if (missing > 0) throw new ToolExit(1);
  },
};

async function canRead(store: Store, path: ByteString): Promise<boolean> {
  return store.read(bytesOf(path)).then(
    () => true,
    () => false,
  );
}

export const list: Command = {
  usage: "[-h] [-p] [-s] key [...]",
  accepts: "p",
  extra: [JSON_OPTION],
  fits: (count) => count >= 1,
  inTransaction: () => true,
  async run(store, call) {
    for (const path of call.operands) {
      const request = store.directory(bytesOf(path));
      const names = await orFail(call, request, `could not list path ${path}`);
      if (call.json) call.print(jsonLine({ path: jsonText(path), children: names }));
      else for (const name of names) call.print(nameLine(call, path, utf8(name)));
    }
  },
};

function nameLine(call: Call, path: ByteString, name: ByteString): ByteString {
  return call.flags.has("p") ? `${path}/${name}\n` : `${name}\n`;
}
