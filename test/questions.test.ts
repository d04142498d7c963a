// Questions and endings: requests that are put back, and what ends while others still hold it.
// Holds   guests that are asked about, domains that end inside transactions, counts beyond 2 GiB.
// Never   measures time: what would never end is ended by the runner.
// Source  the XenStore protocol, domains and transactions; "Questions" in ARCHITECTURE.md.

import { afterEach, describe, expect, it } from "vitest";
import {
  CONN_DOMAIN,
  DOMAIN_GONE,
  OPT_MACHINE,
  OPT_MEMORY_PAGES,
  OPT_QUOTA_MEMORY,
  OPT_QUOTA_NODES,
  OPT_STRICT_CONFLICTS,
  OPT_TRACE,
} from "../assembly/abi.ts";
import { Core, STAT_MEMORY } from "./core.ts";
import { exchange } from "./exchange.ts";
import { Hub } from "./hub.ts";
import { storeProblems } from "./invariants.ts";
import { encode, Splitter, typeNumber } from "./message.ts";
import { unquote } from "./transcript.ts";

let hub = new Hub();

function ask(conn: string, text: string, txId = 0): string {
  const { error, answer } = exchange(hub, conn, text, txId);
  return error || answer.replaceAll("\0", "|");
}

function start(conn: string): number {
  return Number.parseInt(ask(conn, "TRANSACTION_START |"), 10);
}

/** A store with guest 3, whose home is its own. */
function withGuest(options: readonly (readonly [number, number])[] = []): void {
  hub = new Hub(new Core(options));
  ask("dom0", "INTRODUCE 3|0|5|");
  ask("dom0", "MKDIR /local/domain/3|");
  ask("dom0", "SET_PERMS /local/domain/3|n3|");
}

/** Bytes of a request as a transcript writes it. */
function request(text: string): Buffer {
  const [, name, rest] = /^(\w+) (.*)$/.exec(text) as RegExpExecArray;
  return Buffer.from(encode({ type: typeNumber(name), reqId: 1, txId: 0, payload: unquote(rest) }));
}

afterEach(() => {
  expect(storeProblems(hub)).toEqual([]);
});

describe("a guest's request that needs the host's word", () => {
  it("is put back and served when the host has answered", () => {
    withGuest();
    hub.core.configure(OPT_MACHINE, 1);
    expect(ask("dom3", "SET_PERMS /local/domain/3|n3|r9|")).toBe("OK|");
    expect(ask("dom3", "GET_PERMS /local/domain/3|")).toBe("n3|r9|");
  });

  it("counts once as outstanding and is traced once", () => {
    withGuest([[OPT_TRACE, 1]]);
    hub.core.configure(OPT_MACHINE, 1);
    hub.core.log();
    expect(ask("dom3", "SET_PERMS /local/domain/3|n3|r9|r10|")).toBe("OK|");
    const asked = hub.core.log().filter(({ text }) => /IN .* SET_PERMS/.test(text));
    expect(asked.length).toBe(1);
    expect(ask("dom0", "CONTROL domains|")).toMatch(/^3 connected .* outstanding 0/m);
  });

  it("is forgotten when its domain ends, and others may ask", () => {
    withGuest();
    hub.core.configure(OPT_MACHINE, 1);
    hub.answers = false;
    hub.send("dom3", request("SET_PERMS /local/domain/3|n3|r9|"));
    hub.send("dom0", request("SET_PERMS /tool|n0|r10|"));
    hub.domainState(3, DOMAIN_GONE);
    hub.answers = true;
    hub.answer();
    const news = hub.collect();
    expect(news.get("dom0")?.messages.map((one) => one.payload)).toEqual(["OK\0"]);
  });
});

describe("a domain that ends while a transaction is open", () => {
  it.each([0, 1])("is given nothing by the commit (strict %i)", (strict) => {
    withGuest([[OPT_STRICT_CONFLICTS, strict]]);
    ask("dom0", "WRITE /x|v");
    const id = start("dom0");
    expect(ask("dom0", "SET_PERMS /x|n3|", id)).toBe("OK|");
    expect(ask("dom0", "WRITE /y|v", id)).toBe("OK|");
    expect(ask("dom0", "SET_PERMS /y|n3|", id)).toBe("OK|");
    hub.domainState(3, DOMAIN_GONE);
    expect(ask("dom0", "TRANSACTION_END T|", id)).toBe("EAGAIN");
    expect(ask("dom0", "INTRODUCE 3|0|5|")).toBe("OK|");
    expect(ask("dom3", "READ /x|")).toBe("EACCES");
    expect(ask("dom0", "READ /y|")).toBe("ENOENT");
  });
});

describe("a child that changed after its parent's list was seen (strict)", () => {
  const long = "c".repeat(2000);

  it("is listed or not, and nothing is written beyond the list", () => {
    withGuest([[OPT_STRICT_CONFLICTS, 1]]);
    ask("dom0", `WRITE /p/${long}|v`);
    const id = start("dom0");
    expect(ask("dom0", "DIRECTORY /p|", id)).toBe(`${long}|`);
    ask("dom0b", `RM /p/${long}|`);
    ask("dom0b", `WRITE /p/${long}|w`);
    expect(ask("dom0", `RM /p/${long}|`, id)).toBe("OK|");
    // The reply is built in front of others that wait: what was too long would stand in them.
    const waiting = ["dom0c", "dom0d", "dom0e", "dom0f"];
    for (const name of waiting) {
      hub.stopReading(name);
      hub.send(name, request(`READ /p/${long}|`));
    }
    hub.read("dom0c");
    hub.collect();
    expect(ask("dom0", "DIRECTORY /p|", id)).toBe("");
    expect(ask("dom0", "DIRECTORY_PART /p|0|", id)).toMatch(/^\d+\|\|$/);
    for (const name of waiting.slice(1)) {
      hub.read(name);
      expect(
        hub
          .collect()
          .get(name)
          ?.messages.map((one) => one.payload),
      ).toEqual(["w"]);
    }
    expect(ask("dom0", "TRANSACTION_END T|", id)).toBe("EAGAIN");
  });

  it("that came later and is removed leaves an empty list", () => {
    withGuest([[OPT_STRICT_CONFLICTS, 1]]);
    ask("dom0", "MKDIR /q|");
    const id = start("dom0");
    expect(ask("dom0", "DIRECTORY /q|", id)).toBe("");
    ask("dom0b", "MKDIR /q/a|");
    expect(ask("dom0", "RM /q/a|", id)).toBe("OK|");
    expect(ask("dom0", "DIRECTORY /q|", id)).toBe("");
    expect(ask("dom0", "TRANSACTION_END T|", id)).toBe("EAGAIN");
  });
});

describe("the control domain", () => {
  it("may introduce itself again with more requests behind, which are answered", () => {
    withGuest();
    const value = "v".repeat(90);
    ask("dom0", `WRITE /a|${value}`);
    const { core } = hub;
    const conn = core.connect(CONN_DOMAIN, 0);
    // As many as make the input as large as the first place for output, which could take its place.
    const reads = Array.from({ length: 25 }, () => request("READ /a|"));
    const all = Buffer.concat([request("INTRODUCE 0|0|5|"), ...reads]);
    // Half a header first: then the rest is served from what the core has kept.
    core.receive(conn, all.subarray(0, 8));
    core.receive(conn, all.subarray(8));
    const replies = new Splitter().push(core.take(conn)).map(({ payload }) => payload);
    expect(replies).toEqual(["OK\0", ...reads.map(() => value)]);
    core.disconnect(conn);
  });

  it("may own what counts for more than 2 GiB", () => {
    hub = new Hub(new Core());
    for (let n = 0; n < 930; n += 1) ask("dom0", `MKDIR /n${n}${"/a".repeat(1530)}|`);
    const memory = /^memory +: +(\d+) /m.exec(ask("dom0", "CONTROL quota|0|"))?.[1];
    expect(Number(memory)).toBeGreaterThan(2 ** 31);
    expect(Number(memory)).toBeLessThan(2 ** 32);
    for (let n = 0; n < 930; n += 1) ask("dom0", `RM /n${n}|`);
    expect(ask("dom0", "CONTROL quota|0|")).toMatch(/^memory +: +\d{1,4} /m);
  });
});

describe("a guest's write inside a transaction", () => {
  it("to another's node counts for the guest, and is refused beyond its quota", () => {
    withGuest();
    ask("dom0", "WRITE /shared|v");
    ask("dom0", "SET_PERMS /shared|b0|");
    ask("dom0", "SET_QUOTA 3|memory|2000|");
    const id = start("dom3");
    expect(ask("dom3", `WRITE /shared|${"v".repeat(1950)}`, id)).toBe("ENOMEM");
    expect(ask("dom3", "TRANSACTION_END T|", id)).toBe("ENOMEM");
    expect(ask("dom3", `WRITE /shared|${"v".repeat(1950)}`)).toBe("OK|");
  });
});

describe("a guest without a quota on nodes", () => {
  it("is refused with ENOMEM when its nodes can't be noted any more, and served again", () => {
    const options = [OPT_QUOTA_NODES, OPT_QUOTA_MEMORY].map((key) => [key, 0] as const);
    withGuest(options);
    const chain = (n: number) => ask("dom3", `WRITE n${n}${"/a".repeat(1000)}|`);
    for (let n = 0; n < 130; n += 1) expect(chain(n)).toBe("OK|");
    // Some pages are free, but not the 32 in a row that notes of 131,072 nodes need.
    hub.core.configure(OPT_MEMORY_PAGES, hub.core.stat(STAT_MEMORY) / 65536);
    let count = 0;
    while (ask("dom0", `WRITE /full/n${count}|${"x".repeat(4000)}`) === "OK|") count += 1;
    for (let n = 0; n < 200; n += 1) ask("dom0", `RM /full/n${n}|`);
    const replies = Array.from({ length: 4 }, (_none, n) => chain(130 + n));
    expect(replies[0]).toBe("ENOMEM");
    hub.core.configure(OPT_MEMORY_PAGES, 65535);
    expect(chain(130)).toBe("OK|");
    ask("dom0", "RM /full|");
    ask("dom0", "RELEASE 3|");
    expect(ask("dom0", "DIRECTORY /local/domain|")).toBe("");
  });
});

describe("a guest that passes its soft limit of memory", () => {
  it("again and again is named in the log every ten seconds at most", () => {
    withGuest();
    ask("dom0", "SET_QUOTA 3|soft-memory|500|");
    hub.core.log();
    const lines = () => hub.core.log().filter(({ text }) => text.includes("soft limit")).length;
    const round = () => {
      ask("dom3", `WRITE x|${"v".repeat(600)}`);
      ask("dom3", "WRITE x|");
    };
    for (let n = 0; n < 100; n += 1) round();
    expect(lines()).toBe(1);
    hub.pass(10000);
    round();
    expect(lines()).toBe(1);
  });
});

describe("a clock that jumps back", () => {
  it("stands still, and time goes on when it has caught up", () => {
    withGuest();
    hub.pass(60000);
    start("dom0");
    hub.core.nowMs -= 50000;
    hub.core.pass(0);
    expect(ask("dom0", "CONTROL transactions|")).toBe("d0 conn 1 tx 1 0 s 0 nodes\n|");
    hub.core.pass(53000);
    expect(ask("dom0", "CONTROL transactions|")).toBe("d0 conn 1 tx 1 3 s 0 nodes\n|");
  });
});

describe("a guest among 3,000 domains", () => {
  it("gets its write credit back, however often the clock is told", () => {
    withGuest();
    for (let domid = 100; domid < 3100; domid += 1) ask("dom0", `SET_QUOTA ${domid}|nodes|10|`);
    const id = start("dom0");
    ask("dom0", "READ /local/domain/3/x|", id);
    for (let n = 0; n < 2000 && !(n > 0 && hub.isPaused("dom3")); n += 1) {
      hub.send("dom3", request(`WRITE x|${n}`));
    }
    expect(hub.isPaused("dom3")).toBe(true);
    for (let n = 0; n < 3000; n += 1) hub.core.pass(10);
    hub.pass(1);
    expect(hub.isPaused("dom3")).toBe(false);
    hub.collect();
    ask("dom0", "TRANSACTION_END F|", id);
  });
});
