// Inventory: all that a store holds, asked for over its own protocol.
// Holds   nothing.
// Never   changes the store, but for a connection that comes and goes.
// Source  the XenStore protocol.

import { CONN_SOCKET } from "../../assembly/abi.ts";
import type { Core } from "../core.ts";
import { ERROR, encode, type Message, Splitter, typeNumber } from "../message.ts";

type Ask = (type: string, payload: string) => string;

/** Every node, parents first, children in their order: path, permissions and value. */
export function treeOf(core: Core): string[] {
  return asking(core, (ask) => {
    const lines: string[] = [];
    const visit = (path: string) => {
      const perms = ask("GET_PERMS", `${path}\0`).replaceAll("\0", ",");
      lines.push(`${path} ${perms} ${JSON.stringify(ask("READ", `${path}\0`))}`);
      const names = ask("DIRECTORY", `${path}\0`).split("\0").slice(0, -1);
      for (const name of names) visit(path === "/" ? `/${name}` : `${path}/${name}`);
    };
    visit("/");
    for (const path of ["@releaseDomain", "@introduceDomain"]) {
      lines.push(`${path} ${ask("GET_PERMS", `${path}\0`).replaceAll("\0", ",")}`);
    }
    return lines;
  });
}

/** What is counted and set for each domain, and which of them are there. */
export function accountsOf(core: Core, domids: readonly number[]): string[] {
  return asking(core, (ask) => {
    const lines = [ask("CONTROL", "quota\0")];
    for (const domid of domids) {
      const counts = ask("CONTROL", `quota\0${domid}\0`).replaceAll(/ +\(max +\d+\)/g, "");
      lines.push(counts);
      for (const name of ask("GET_QUOTA", "").split("\0")[0].split(" ")) {
        lines.push(`${domid} ${name} ${ask("GET_QUOTA", `${domid}\0${name}\0`)}`);
      }
      lines.push(`${domid} features ${ask("GET_FEATURE", `${domid}\0`)}`);
    }
    lines.push(ask("CONTROL", "domains\0").replaceAll(/ (un)?connected /g, " "));
    return lines;
  });
}

/** The watches of all connections but the one that asks, without their connections' numbers. */
export function watchesOf(core: Core): string[] {
  return asking(core, (ask) => {
    return ask("CONTROL", "watches\0")
      .replaceAll(/ conn \d+ /g, " ")
      .split("\n");
  });
}

function asking<T>(core: Core, what: (ask: Ask) => T): T {
  const conn = core.connect(CONN_SOCKET, 0);
  const splitter = new Splitter();
  try {
    return what((type, payload) => {
      const request = { type: typeNumber(type), reqId: 1, txId: 0, payload };
      core.receive(conn, encode(request));
      const [reply] = splitter.push(core.take(conn)) as (Message | undefined)[];
      if (!reply) throw new Error(`no reply to ${type} ${payload}`);
      return reply.type === ERROR ? `ERROR ${reply.payload}` : reply.payload;
    });
  } finally {
    core.disconnect(conn);
  }
}
