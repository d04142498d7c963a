// Update: a live update's conversation, and the state that is handed over in the middle of it.
// Holds   nothing.
// Never   starts a process: the host's part is played here.
// Source  the XenStore protocol, CONTROL (live-update).

import { describe, expect, it } from "vitest";
import {
  CONN_SOCKET,
  DUMP_SNAPSHOT,
  DUMP_UPDATE,
  LOAD_UPDATE,
  LOADED,
  TASK_FILE,
  TASK_NONE,
  TASK_UPDATE,
  WANT_TASK,
} from "../../assembly/abi.ts";
import { Core } from "../core.ts";
import { encode, Splitter, textOf, typeNumber } from "../message.ts";
import { BOOT } from "./site.ts";

class Talk {
  readonly core = new Core([], BOOT);
  readonly conn = this.core.connect(CONN_SOCKET, 0);
  readonly other = this.core.connect(CONN_SOCKET, 0);

  send(conn: number, type: string, payload: string): number {
    return this.core.receive(conn, encode({ type: typeNumber(type), reqId: 5, txId: 0, payload }));
  }

  /** Sends, and returns what came back at once. */
  ask(conn: number, type: string, payload: string): string {
    this.send(conn, type, payload);
    return this.got(conn);
  }

  got(conn: number): string {
    const messages = new Splitter().push(this.core.take(conn));
    return messages.map((one) => one.payload.replaceAll("\0", "|")).join(" ");
  }

  /** What the core asks its host to do; each task is told once. */
  task(): string {
    const { task_kind, task_ptr, task_len, task_begun, memory } = this.core.raw;
    const text = textOf(new Uint8Array(memory.buffer, task_ptr(), task_len()));
    task_begun();
    return `${task_kind()} ${text.replaceAll("\0", "|")}`;
  }

  /** As far as the command to replace the process. */
  begin(): void {
    this.ask(this.conn, "CONTROL", "live-update\0-f\0/new/program\0");
    expect(this.task()).toBe(`${TASK_FILE} /new/program`);
    this.core.taskDone("");
    expect(this.got(this.conn)).toBe("OK|");
  }
}

describe("a live update", () => {
  it("asks whether the program is there, and tells why it is not", () => {
    const talk = new Talk();
    const bits = talk.send(talk.conn, "CONTROL", "live-update\0-f\0/no/program\0");
    expect(bits & WANT_TASK).toBe(WANT_TASK);
    expect(talk.task()).toBe(`${TASK_FILE} /no/program`);
    expect(talk.core.status(talk.conn) & WANT_TASK).toBe(0);
    expect(talk.ask(talk.other, "READ", "/tool\0")).toBe("");
    talk.core.taskDone("it is not there");
    expect(talk.got(talk.conn)).toBe("it is not there|");
    expect(talk.ask(talk.conn, "CONTROL", "live-update\0-s\0")).toBe(
      "Not in live-update session.|",
    );
  });

  it("goes on with the answer in the new process, and with the reason in the old one", () => {
    const talk = new Talk();
    talk.begin();
    expect(talk.ask(talk.conn, "CONTROL", "live-update\0-c\0--new --options\0")).toBe("OK|");
    talk.send(talk.conn, "CONTROL", "live-update\0-s\0-t\x0060\0-F\0");
    talk.send(talk.conn, "WRITE", "/behind\0v");
    expect(talk.task()).toBe(`${TASK_UPDATE} /new/program|--new --options`);
    expect(talk.ask(talk.other, "WRITE", "/meanwhile\0v")).toBe("OK|");
    talk.core.raw.set_handle(talk.conn, 40);
    talk.core.raw.set_handle(talk.other, 41);
    const stream = talk.core.dump(DUMP_UPDATE);

    const successor = new Core([], BOOT);
    expect(successor.load(LOAD_UPDATE, stream)).toBe(LOADED);
    successor.pass(0);
    const conn = successor.connections().find((one) => successor.raw.handle(one) === 40) as number;
    const all = new Splitter().push(successor.take(conn));
    expect(all.map((one) => [one.type, one.reqId, one.payload])).toEqual([
      [typeNumber("CONTROL"), 5, "OK\0"],
      [typeNumber("WRITE"), 5, "OK\0"],
    ]);
    expect(successor.raw.task_kind()).toBe(TASK_NONE);

    // The successor did not come up: nothing has changed in the old process.
    talk.core.taskDone("the program ended");
    expect(talk.got(talk.conn)).toBe("the program ended| OK|");
    expect(talk.ask(talk.conn, "CONTROL", "live-update\0-s\0")).toBe(
      "Not in live-update session.|",
    );
  });

  it("is one at a time, and ends with the connection that began it", () => {
    const talk = new Talk();
    talk.begin();
    const asked = "live-update\0-f\0/other\0";
    expect(talk.ask(talk.other, "CONTROL", asked)).toBe("live-update session already active.|");
    expect(talk.ask(talk.other, "CONTROL", "live-update\0-a\0")).not.toBe("OK|");
    talk.core.disconnect(talk.conn);
    talk.send(talk.other, "CONTROL", asked);
    expect(talk.task()).toBe(`${TASK_FILE} /other`);
  });

  it("whose asker has gone is answered to nobody", () => {
    const talk = new Talk();
    talk.begin();
    talk.send(talk.conn, "CONTROL", "live-update\0-s\0");
    talk.core.disconnect(talk.conn);
    const next = talk.core.connect(CONN_SOCKET, 0);
    talk.core.taskDone("too late");
    expect(talk.got(next)).toBe("");
    expect(talk.core.raw.task_kind()).toBe(TASK_NONE);
  });

  it("can be dumped while a snapshot for the database was given up in the middle", () => {
    const talk = new Talk();
    for (let i = 0; i < 9000; i += 1) talk.ask(talk.conn, "WRITE", `/many/${i}\0v`);
    expect(talk.core.dumpBegin(DUMP_SNAPSHOT, 7)).toBe(true);
    expect(talk.core.dumpNext().length).toBeGreaterThan(0);
    talk.ask(talk.conn, "RM", "/many/8999\0");
    expect(talk.core.dumpBegin(DUMP_UPDATE)).toBe(false);
    talk.core.dumpEnd();
    const successor = new Core([], BOOT);
    expect(successor.load(LOAD_UPDATE, talk.core.dump(DUMP_UPDATE))).toBe(LOADED);
    expect(successor.stat(0)).toBe(talk.core.stat(0));
  });
});
