// Steps: what a differential run does, one at a time, and how it is written down.
// Holds   the kinds of step and their notation, which is that of the transcripts.
// Never   knows who answers.
// Source  our own.

import { typeNumber } from "../message.ts";
import { requestLine } from "../transcript.ts";

/**
 * One step. Connections have the names of the transcripts: dom0 and dom0b are sockets, dom3 is the
 * guest 3. A transaction is named by the label of the START that opened it, so that a sequence
 * still makes sense when steps before it are taken out; a number stands for itself.
 */
export type Step =
  | {
      kind: "request";
      conn: string;
      type: number;
      tx: number | string;
      payload: string;
      /** The label under which later steps know the transaction that this START opens. */
      opens?: string;
    }
  | { kind: "disconnect"; conn: string }
  | { kind: "domain"; domid: number; state: "shuts down" | "dies" };

/** A step whose transaction has its number, ready to be sent. */
export type Act =
  | {
      kind: "request";
      conn: string;
      type: number;
      txId: number;
      /** The transaction's number on our side, where it is another one. */
      ourTxId?: number;
      payload: string;
    }
  | { kind: "disconnect"; conn: string }
  | { kind: "domain"; domid: number; state: "shuts down" | "dies" };

/** Returns a request without a transaction; the strings of `parts` are joined by NULs and ended. */
export function request(conn: string, name: string, ...parts: string[]): Step {
  const payload = parts.map((part) => `${part}\0`).join("");
  return { kind: "request", conn, type: typeNumber(name), tx: 0, payload };
}

/** Returns a WRITE, whose value has no NUL behind it. */
export function write(conn: string, path: string, value: string): Step {
  return { kind: "request", conn, type: typeNumber("WRITE"), tx: 0, payload: `${path}\0${value}` };
}

/** Writes a step as lines of a transcript can be written by hand. */
export function actLine(act: Act): string {
  if (act.kind === "disconnect") return `host: ${act.conn} disconnects`;
  if (act.kind === "domain") return `host: domain ${act.domid} ${act.state}`;
  return requestLine(act.conn, act);
}
