// Security: what takes many requests to show, and so is no transcript.
// Holds   loops with numbers from the advisories, each followed by the invariants.
// Never   measures time.
// Source  the security cases of the specification, each test named after its row.

import { afterEach, describe, expect, it } from "vitest";
import { OPT_MACHINE } from "../assembly/abi.ts";
import {
  Core,
  STAT_BYTES,
  STAT_MEMORY,
  STAT_TRANSACTIONS,
  STAT_UNDO_BYTES,
  STAT_WATCHES,
} from "./core.ts";
import { exchange, exchangeBytes } from "./exchange.ts";
import { Hub } from "./hub.ts";
import { storeProblems } from "./invariants.ts";
import { encode, typeNumber } from "./message.ts";

let hub = new Hub();

function ask(conn: string, text: string, txId = 0): string {
  const { error, answer } = exchange(hub, conn, text, txId);
  return error || answer.replaceAll("\0", "|");
}

/** A store with guest 3, whose home is its own. */
function withGuest(domid = 3): void {
  ask("dom0", `INTRODUCE ${domid}|0|5|`);
  ask("dom0", `MKDIR /local/domain/${domid}|`);
  ask("dom0", `SET_PERMS /local/domain/${domid}|n${domid}|`);
}

function fresh(): void {
  hub = new Hub(new Core());
}

afterEach(() => {
  expect(storeProblems(hub)).toEqual([]);
});

describe("XSA-72", () => {
  it("a directory of 600 names of 10 bytes is too big at once and whole in parts", () => {
    fresh();
    const names = Array.from({ length: 600 }, (_none, n) => `name${String(n).padStart(6, "0")}`);
    for (const name of names) ask("dom0", `WRITE /dir/${name}|`);
    expect(ask("dom0", "DIRECTORY /dir|")).toBe("E2BIG");
    const parts: number[] = [];
    let list = "";
    for (;;) {
      const { answer } = exchange(hub, "dom0", `DIRECTORY_PART /dir|${list.length}|`);
      parts.push(answer.length);
      const [generation] = answer.split("\0", 1);
      const rest = answer.slice(generation.length + 1);
      if (rest === "\0" || rest.endsWith("\0\0")) {
        list += rest.slice(0, -1);
        break;
      }
      list += rest;
    }
    expect(list.split("\0").slice(0, -1)).toEqual(names);
    expect(parts[0]).toBeGreaterThan(4096 - 11 - 11);
    expect(Math.max(...parts)).toBeLessThanOrEqual(4096);
    expect(parts.length).toBe(2);
  });

  it("a directory that just fits is answered, one byte more is not", () => {
    fresh();
    for (let n = 0; n < 409; n += 1) ask("dom0", `WRITE /dir/n${String(n).padStart(8, "0")}|`);
    expect(ask("dom0", "WRITE /dir/abcde|")).toBe("OK|");
    expect(exchange(hub, "dom0", "DIRECTORY /dir|").answer.length).toBe(4096);
    ask("dom0", "RM /dir/abcde|");
    ask("dom0", "WRITE /dir/abcdef|");
    expect(ask("dom0", "DIRECTORY /dir|")).toBe("E2BIG");
  });
});

describe("DIRECTORY_PART", () => {
  const generation = (path: string) => exchange(hub, "dom0", `DIRECTORY_PART ${path}|0|`).answer;

  it("shows another generation after every change of the list and none without", () => {
    fresh();
    ask("dom0", "WRITE /d/a|");
    const seen = new Set<string>();
    for (const change of ["WRITE /d/b|", "RM /d/b|", "WRITE /d|v", "SET_PERMS /d|r0|"]) {
      ask("dom0", change);
      const [now] = generation("/d").split("\0");
      expect(seen.has(now), change).toBe(false);
      expect(generation("/d").split("\0")[0]).toBe(now);
      seen.add(now);
    }
  });
});

describe("XSA-330", () => {
  it("memory stays flat over many WATCH and RESET_WATCHES", () => {
    fresh();
    withGuest();
    const round = () => {
      for (let n = 0; n < 100; n += 1) ask("dom3", `WATCH x|${n}|`);
      ask("dom3", "RESET_WATCHES |");
    };
    round();
    const before = hub.core.stat(STAT_BYTES);
    for (let n = 0; n < 100; n += 1) round();
    expect(hub.core.stat(STAT_BYTES)).toBe(before);
    expect(hub.core.stat(STAT_WATCHES)).toBe(0);
    expect(exchange(hub, "dom3", "WRITE x|v").events).toEqual([]);
  });
});

describe("XSA-326", () => {
  it("a guest that does all it may and reads nothing takes bounded memory and recovers", () => {
    fresh();
    withGuest();
    withGuest(5);
    ask("dom0", "SET_PERMS /local/domain/3|b3|");
    for (let n = 0; n < 128; n += 1) ask("dom3", `WATCH /|${"t".repeat(1000)}${n}|`);
    for (let n = 0; n < 10; n += 1) {
      ask("dom3", "TRANSACTION_START |");
      for (let k = 0; k < 200; k += 1) {
        const reply = ask("dom3", `WRITE n${k}|${"v".repeat(1000)}`, n + 1);
        expect(["OK|", "ENOMEM", "ENOSPC"]).toContain(reply);
      }
    }
    const memory = hub.core.stat(STAT_MEMORY);
    hub.stopReading("dom3");
    const type = typeNumber("READ");
    const read = encode({ type, reqId: 1, txId: 0, payload: "/local/domain/3\0" });
    for (let n = 0; n < 3000; n += 1) hub.send("dom3", read);
    for (let n = 0; n < 3000; n += 1) ask("dom0", `WRITE /local/domain/3/e${n}|v`);
    expect(hub.core.stat(STAT_MEMORY) - memory).toBeLessThan(32 * 1048576);
    expect(ask("dom5", "WRITE x|v")).toBe("OK|");
    hub.read("dom3");
    hub.pass(2000);
    hub.collect();
    ask("dom0", "RM /local/domain/3|");
    expect(ask("dom3", "RESET_WATCHES |")).toBe("OK|");
    expect(hub.core.stat(STAT_TRANSACTIONS)).toBe(0);
    expect(hub.core.stat(STAT_UNDO_BYTES)).toBe(0);
  });
});

describe("XSA-419", () => {
  it("a guest that fills its quota and ends leaves nothing, a hundred times over", () => {
    fresh();
    ask("dom0", "MKDIR /shared|");
    ask("dom0", "SET_PERMS /shared|b0|");
    const round = () => {
      ask("dom0", "INTRODUCE 3|0|5|");
      for (let n = 0; n < 50; n += 1) expect(ask("dom3", `WRITE /shared/n${n}/x|v`)).toBe("OK|");
      expect(ask("dom0", "RELEASE 3|")).toBe("OK|");
      hub.collect();
    };
    round();
    const before = hub.core.stat(STAT_BYTES);
    for (let n = 0; n < 100; n += 1) round();
    expect(hub.core.stat(STAT_BYTES)).toBe(before);
    expect(ask("dom0", "DIRECTORY /shared|")).toBe("");
  });
});

describe("XSA-206", () => {
  it("a guest that writes without end does not keep a toolstack from committing", () => {
    fresh();
    withGuest();
    ask("dom0", "WRITE /tools/a|0");
    let failures = 0;
    for (let n = 0; n < 200; n += 1) {
      const id = Number.parseInt(ask("dom0", "TRANSACTION_START |"), 10);
      ask("dom0", `READ /local/domain/3|`, id);
      ask("dom0", `WRITE /tools/a|${n}`, id);
      const type = typeNumber("WRITE");
      for (let k = 0; k < 30; k += 1) {
        hub.send("dom3", encode({ type, reqId: k, txId: 0, payload: `x${k % 7}\0${n}` }));
      }
      hub.collect();
      if (ask("dom0", "TRANSACTION_END T|", id) !== "OK|") failures += 1;
      hub.pass(100);
    }
    expect(failures).toBe(0);
  });

  it("a guest that writes what a transaction reads is slowed down", () => {
    fresh();
    withGuest();
    ask("dom3", "WRITE x|0");
    const id = Number.parseInt(ask("dom0", "TRANSACTION_START |"), 10);
    ask("dom0", "READ /local/domain/3/x|", id);
    const type = typeNumber("WRITE");
    let replies = 0;
    for (let n = 0; n < 5000; n += 1) {
      hub.send("dom3", encode({ type, reqId: n, txId: 0, payload: `x\0${n}` }));
      replies += hub.collect().get("dom3")?.messages.length ?? 0;
    }
    expect(replies).toBeLessThan(3000);
    expect(replies).toBeGreaterThan(9);
    ask("dom0", "TRANSACTION_END F|", id);
    hub.pass(60000);
    hub.collect();
    expect(ask("dom3", "READ x|")).toBe("4999");
  });
});

describe("paths", () => {
  it("are made of the legal bytes and of no others", () => {
    fresh();
    for (let byte = 0; byte < 256; byte += 1) {
      const char = String.fromCharCode(byte);
      const { error } = exchangeBytes(hub, "dom0", typeNumber("READ"), `/x${char}y\0`);
      const legal = /[A-Za-z0-9\-_@/]/.test(char);
      expect(error, `byte ${byte}`).toBe(legal ? "ENOENT" : "EINVAL");
    }
  });
});

describe("large things", () => {
  it("a directory with 20,000 children is filled, listed in parts and removed", () => {
    fresh();
    const before = hub.core.stat(STAT_BYTES);
    for (let n = 0; n < 20000; n += 1) ask("dom0", `WRITE /big/n${n}|v`);
    expect(ask("dom0", "DIRECTORY /big|")).toBe("E2BIG");
    ask("dom0", "RM /big/n10000|");
    let list = "";
    for (;;) {
      const { answer } = exchange(hub, "dom0", `DIRECTORY_PART /big|${list.length}|`);
      const rest = answer.slice(answer.indexOf("\0") + 1);
      if (rest === "\0" || rest.endsWith("\0\0")) {
        list += rest.slice(0, -1);
        break;
      }
      list += rest;
    }
    expect(list.split("\0").length - 1).toBe(19999);
    expect(ask("dom0", "RM /big|")).toBe("OK|");
    expect(hub.core.stat(STAT_BYTES) - before).toBeLessThan(65536);
  });

  it("a removal in a transaction is undone whole when it conflicts", () => {
    fresh();
    for (let n = 0; n < 500; n += 1) ask("dom0", `WRITE /t/n${n}/x|v`);
    const id = Number.parseInt(ask("dom0", "TRANSACTION_START |"), 10);
    ask("dom0", "READ /tool|", id);
    ask("dom0", "RM /t|", id);
    ask("dom0b", "WRITE /tool|changed");
    expect(ask("dom0", "TRANSACTION_END T|", id)).toBe("EAGAIN");
    expect(ask("dom0", "READ /t/n499/x|")).toBe("v");
    const again = Number.parseInt(ask("dom0", "TRANSACTION_START |"), 10);
    ask("dom0", "RM /t|", again);
    expect(ask("dom0", "TRANSACTION_END T|", again)).toBe("OK|");
    expect(ask("dom0", "READ /t|")).toBe("ENOENT");
  });
});

describe("questions about domains", () => {
  it("hold back the one request that needs them, and what another connection asks", () => {
    fresh();
    hub.core.configure(OPT_MACHINE, 1);
    hub.answers = false;
    for (const path of ["/a", "/b", "/c"]) ask("dom0", `WRITE ${path}|v`);
    const type = typeNumber("SET_PERMS");
    hub.send("dom0", encode({ type, reqId: 1, txId: 0, payload: "/a\0n0\0r7\0r8\0" }));
    hub.send("dom0b", encode({ type, reqId: 2, txId: 0, payload: "/b\0n0\0r9\0" }));
    expect(hub.collect().size).toBe(0);
    expect(ask("dom0c", "READ /a|")).toBe("v");
    hub.domainState(7, 1);
    hub.answer();
    const news = hub.collect();
    expect(news.get("dom0")?.messages.map((one) => one.payload)).toEqual(["OK\0"]);
    expect(news.get("dom0b")?.messages.map((one) => one.payload)).toEqual(["OK\0"]);
    hub.answers = true;
    expect(ask("dom0", "GET_PERMS /a|")).toBe("n0|r7|r8|");
  });

  it("are forgotten with the connection that asked", () => {
    fresh();
    hub.core.configure(OPT_MACHINE, 1);
    hub.answers = false;
    ask("dom0", "WRITE /a|v");
    const type = typeNumber("SET_PERMS");
    hub.send("dom0b", encode({ type, reqId: 1, txId: 0, payload: "/a\0n0\0r7\0" }));
    hub.disconnect("dom0b");
    hub.answers = true;
    expect(ask("dom0", "SET_PERMS /a|n0|r8|")).toBe("OK|");
    expect(ask("dom0", "GET_PERMS /a|")).toBe("n0|r8|");
  });
});
