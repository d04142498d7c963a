// Core: one instance of the wasm module in this process, driven call by call.
// Holds   the instance and the memory views; a compiled module is shared by all.
// Never   imports a host: the suites must be able to find the hosts' mistakes, too.
// Source  "The boundary" in ARCHITECTURE.md.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { INPUT_SIZE, WANT_POLL } from "../assembly/abi.ts";

/** The exports of build/xenstore.wasm; every number is a plain JavaScript number. */
export type Exports = {
  memory: WebAssembly.Memory;
  abi_version(): number;
  init(seedLo: number, seedHi: number): void;
  configure(key: number, value: number): void;
  tick(nowMs: number): number;
  input_ptr(): number;
  connect(kind: number, domid: number): number;
  receive(conn: number, len: number): number;
  sent(conn: number, len: number): number;
  end_input(conn: number): number;
  disconnect(conn: number): number;
  status(conn: number): number;
  poll(): number;
  out_ptr(conn: number): number;
  out_len(conn: number): number;
  log_ptr(): number;
  log_len(): number;
  log_clear(): void;
  domain_state(domid: number, state: number): number;
  stat(which: number): number;
  ask_kind(): number;
  ask_domid(): number;
  ask_port(): number;
  answer(value: number): number;
  panic_ptr(): number;
  panic_len(): number;
  panic_line(): number;
};

/** What `stat` counts. */
export const STAT_NODES = 0;
export const STAT_BYTES = 1;
export const STAT_MEMORY = 2;
export const STAT_WATCHES = 3;
export const STAT_TRANSACTIONS = 4;
export const STAT_CONNECTIONS = 5;
export const STAT_UNDO_BYTES = 6;
export const STAT_FAULTS = 7;

/** Where the build puts the module; XENSTORE_WASM names another one, to try the tests on. */
export const WASM_PATH =
  process.env.XENSTORE_WASM ?? fileURLToPath(new URL("../build/xenstore.wasm", import.meta.url));

let compiled: WebAssembly.Module | undefined;

/** Returns the compiled module; the build must have been made before. */
export function wasmModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(readFileSync(WASM_PATH));
  return compiled;
}

/** One running core. A trap is thrown as an Error with the text of the failed assertion. */
export class Core {
  readonly raw: Exports;
  nowMs = 0;

  /** @param options  pairs of OPT_* and value, configured right after `init` */
  constructor(options: readonly (readonly [number, number])[] = []) {
    this.raw = new WebAssembly.Instance(wasmModule(), {}).exports as unknown as Exports;
    this.#call(() => this.raw.init(0x2545f491, 0x4f6cdd1d));
    for (const [key, value] of options) this.configure(key, value);
    this.pass(1000);
  }

  configure(key: number, value: number): void {
    this.#call(() => this.raw.configure(key, value));
  }

  /** Opens a connection of a CONN_* kind and returns its number, 0 if the core will not. */
  connect(kind: number, domid: number): number {
    return this.#call(() => this.raw.connect(kind, domid));
  }

  /** Gives bytes to a connection and returns its WANT_* bits after the last of them. */
  receive(conn: number, bytes: Uint8Array): number {
    let bits = 0;
    for (let at = 0; at < bytes.length; at += INPUT_SIZE) {
      const part = bytes.subarray(at, at + INPUT_SIZE);
      this.#view(this.raw.input_ptr(), part.length).set(part);
      bits = this.#call(() => this.raw.receive(conn, part.length));
    }
    return bits;
  }

  status(conn: number): number {
    return this.#call(() => this.raw.status(conn));
  }

  endInput(conn: number): number {
    return this.#call(() => this.raw.end_input(conn));
  }

  disconnect(conn: number): number {
    return this.#call(() => this.raw.disconnect(conn));
  }

  domainState(domid: number, state: number): number {
    return this.#call(() => this.raw.domain_state(domid, state));
  }

  /** Answers what the core asks. */
  answer(value: number): number {
    return this.#call(() => this.raw.answer(value));
  }

  stat(which: number): number {
    return this.#call(() => this.raw.stat(which));
  }

  /** Lets time pass and returns what `tick` returned: ms until it is wanted again, or -1. */
  pass(ms: number): number {
    this.nowMs += ms;
    return this.#call(() => this.raw.tick(this.nowMs));
  }

  /** Bytes that wait to leave on a connection. */
  outLen(conn: number): number {
    return this.#call(() => this.raw.out_len(conn));
  }

  /** Takes what waits on a connection, `max` bytes at most, and tells the core that it left. */
  take(conn: number, max = Number.POSITIVE_INFINITY): Uint8Array {
    const parts: Uint8Array[] = [];
    let left = max;
    for (;;) {
      const len = Math.min(left, this.outLen(conn));
      if (len === 0) break;
      parts.push(this.#view(this.raw.out_ptr(conn), len).slice());
      this.#call(() => this.raw.sent(conn, len));
      left -= len;
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }

  /** Follows a WANT_POLL: returns the connections that want something. */
  polled(bits: number): number[] {
    const conns: number[] = [];
    if ((bits & WANT_POLL) === 0) return conns;
    for (let conn = this.raw.poll(); conn !== 0; conn = this.raw.poll()) conns.push(conn);
    return conns;
  }

  /** Takes the records of the log: kind and bytes of each. */
  log(): { kind: number; text: string }[] {
    const bytes = this.#view(this.raw.log_ptr(), this.raw.log_len()).slice();
    this.raw.log_clear();
    const records: { kind: number; text: string }[] = [];
    for (let at = 0; at + 4 <= bytes.length; ) {
      const len = bytes[at + 1] | (bytes[at + 2] << 8) | (bytes[at + 3] << 16);
      const text = Buffer.from(bytes.subarray(at + 4, at + 4 + len)).toString("latin1");
      records.push({ kind: bytes[at], text });
      at += 4 + len;
    }
    return records;
  }

  #view(ptr: number, len: number): Uint8Array {
    return new Uint8Array(this.raw.memory.buffer, ptr, len);
  }

  #call<T>(body: () => T): T {
    try {
      return body();
    } catch (trap) {
      throw new Error(`the core trapped: ${trap}; ${this.#panicText()}`, { cause: trap });
    }
  }

  #panicText(): string {
    try {
      const text = Buffer.from(this.#view(this.raw.panic_ptr(), this.raw.panic_len()));
      return `"${text.toString("utf8")}" in line ${this.raw.panic_line()}`;
    } catch {
      return "without a text";
    }
  }
}
