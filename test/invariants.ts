// Invariants: what must hold of a store at any time, asked for over its own protocol.
// Holds   a walk over the whole tree by a connection of its own, and the counts it must agree with.
// Never   changes anything.
// Source  the security rules of the specification, Invariants.

import { STAT_FAULTS, STAT_NODES } from "./core.ts";
import type { Hub } from "./hub.ts";
import { ERROR, encode, type Message, TYPE_NAMES } from "./message.ts";

const WALKER = "dom0z";

/** Returns what is wrong with the store behind a hub, in sentences; nothing if all is well. */
export function storeProblems(hub: Hub): string[] {
  const ask = asker(hub);
  const problems: string[] = [];
  hub.core.log();
  const check = ask("CONTROL", "check\0");
  if (check.payload !== "OK\0") problems.push(`CONTROL check answers ${check.payload}`);
  const report = hub.core.log().map((record) => record.text);
  const faults = hub.core.stat(STAT_FAULTS);
  if (faults !== 0) problems.push(`${faults} faults: ${report.join("; ")}`);
  const owners = new Map<number, Owned>();
  let nodes = 0;
  for (const { path, bytes } of walk(ask, problems)) {
    nodes += 1;
    const perms = ask("GET_PERMS", `${path}\0`).payload.split("\0").slice(0, -1);
    const owned = owners.get(Number(perms[0].slice(1))) ?? { count: 0, bytes: 0 };
    owned.count += 1;
    owned.bytes += NODE_HEAD + PERM_BYTES * perms.length + bytes + path.length;
    owners.set(Number(perms[0].slice(1)), owned);
  }
  if (nodes !== hub.core.stat(STAT_NODES)) {
    problems.push(`the tree has ${nodes} nodes, the core counts ${hub.core.stat(STAT_NODES)}`);
  }
  for (const [domid, owned] of owners) problems.push(...countProblems(ask, domid, owned));
  hub.disconnect(WALKER);
  return problems;
}

/** What a node counts besides its value, the names of its children and its path. */
const NODE_HEAD = 16;
const PERM_BYTES = 8;

type Owned = { count: number; bytes: number };

type Ask = (name: string, payload: string) => Message;

function asker(hub: Hub): Ask {
  let reqId = 0;
  return (name, payload) => {
    reqId += 1;
    const type = TYPE_NAMES.indexOf(name);
    hub.send(WALKER, encode({ type, reqId, txId: 0, payload }));
    const messages = hub.collect().get(WALKER)?.messages ?? [];
    if (messages.length !== 1) throw new Error(`${name} has ${messages.length} replies`);
    return messages[0];
  };
}

/** Every node, with the bytes of its value and of its children's names. */
function walk(ask: Ask, problems: string[]): { path: string; bytes: number }[] {
  const found: { path: string; bytes: number }[] = [
    { path: "@introduceDomain", bytes: 0 },
    { path: "@releaseDomain", bytes: 0 },
  ];
  const open = ["/"];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const value = ask("READ", `${path}\0`);
    if (value.type === ERROR) problems.push(`${path} is listed, but not there`);
    const names = childrenOf(ask, path);
    if (new Set(names).size !== names.length) problems.push(`${path} lists a child twice`);
    const namesLen = names.reduce((sum, name) => sum + name.length + 1, 0);
    found.push({ path, bytes: value.payload.length + namesLen });
    for (const name of names) open.push(path === "/" ? `/${name}` : `${path}/${name}`);
  }
  return found;
}

function childrenOf(ask: Ask, path: string): string[] {
  const reply = ask("DIRECTORY", `${path}\0`);
  if (reply.type !== ERROR) return reply.payload.split("\0").slice(0, -1);
  let list = "";
  for (;;) {
    const part = ask("DIRECTORY_PART", `${path}\0${list.length}\0`).payload;
    const names = part.slice(part.indexOf("\0") + 1);
    if (names.endsWith("\0\0") || names === "\0") {
      return (list + names.slice(0, -1)).split("\0").slice(0, -1);
    }
    list += names;
  }
}

function countProblems(ask: Ask, domid: number, owned: Owned): string[] {
  const reply = ask("CONTROL", `quota\0${domid}\0`);
  if (reply.type === ERROR) {
    return [`domain ${domid} owns ${owned.count} nodes: CONTROL quota answers ${reply.payload}`];
  }
  const shown = (name: string) => {
    return Number(new RegExp(`^${name} +: +(\\d+)`, "m").exec(reply.payload)?.[1]);
  };
  const problems: string[] = [];
  if (shown("nodes") !== owned.count) {
    problems.push(
      `domain ${domid} owns ${owned.count} nodes, CONTROL quota says ${shown("nodes")}`,
    );
  }
  // Watches and copies in transactions count, too: the sum is known only without them.
  const alone = shown("watches") === 0 && shown("transactions") === 0 && domid !== 0;
  if (alone && shown("outstanding") === 0 && shown("memory") !== owned.bytes) {
    const said = shown("memory");
    problems.push(`nodes of domain ${domid} take ${owned.bytes} bytes, CONTROL quota says ${said}`);
  }
  return problems;
}
