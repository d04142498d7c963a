// Core: one instance of the wasm module in this process, driven call by call.
// Holds   the instance and the memory views; a compiled module is shared by all.
// Never   imports a host: the suites must be able to find the hosts' mistakes, too.
// Source  "The boundary" in ARCHITECTURE.md.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BOOT_SIZE, INPUT_SIZE, WANT_POLL } from "../assembly/abi.ts";
import { XENSTORE_RING_PAGE } from "../assembly/xs_wire.ts";

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
  ring_page(conn: number): number;
  ring_start(conn: number): number;
  ring_kick(conn: number): number;
  ring_resume(conn: number): number;
  ring_lost(conn: number): number;
  boot_ptr(): number;
  journal_head(number: number): number;
  journal_take(): number;
  journal_ptr(): number;
  journal_done(status: number): number;
  dump_begin(what: number, number: number): number;
  dump_next(): number;
  dump_ptr(): number;
  dump_lost(): number;
  dump_end(): number;
  load_begin(what: number): void;
  load_place(size: number): number;
  load(len: number): number;
  load_end(): number;
  load_offset(): number;
  load_count(which: number): number;
  drop_guests(): number;
  domain_next(after: number): number;
  domain_port(domid: number): number;
  domain_frame(domid: number): number;
  domain_conn(domid: number): number;
  domain_identity(domid: number): number;
  set_identity(domid: number, identity: number): void;
  set_port(domid: number, port: number): void;
  conn_next(after: number): number;
  conn_kind(conn: number): number;
  conn_domid(conn: number): number;
  handle(conn: number): number;
  set_handle(conn: number, value: number): void;
  global(which: number): number;
  set_global(which: number, value: number): void;
  task_kind(): number;
  task_ptr(): number;
  task_len(): number;
  task_begun(): void;
  task_done(len: number): number;
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

  /**
   * @param options  pairs of OPT_* and value, configured right after `init`
   * @param boot     names the run of the machine
   */
  constructor(options: readonly (readonly [number, number])[] = [], boot?: Uint8Array) {
    this.raw = new WebAssembly.Instance(wasmModule(), {}).exports as unknown as Exports;
    if (boot) this.#view(this.raw.boot_ptr(), BOOT_SIZE).set(boot);
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

  /** The core's copy of a ring's page, good until the next call. */
  ringPage(conn: number): Uint8Array {
    return this.#view(this.raw.ring_page(conn), XENSTORE_RING_PAGE);
  }

  ringStart(conn: number): number {
    return this.#call(() => this.raw.ring_start(conn));
  }

  ringKick(conn: number): number {
    return this.#call(() => this.raw.ring_kick(conn));
  }

  ringResume(conn: number): number {
    return this.#call(() => this.raw.ring_resume(conn));
  }

  /** What a journal of this number begins with. */
  journalHead(number: number): Uint8Array {
    const len = this.#call(() => this.raw.journal_head(number));
    return this.#view(this.raw.journal_ptr(), len).slice();
  }

  /** Closes the changes that wait into a frame; empty: nothing waits. */
  journalTake(): Uint8Array {
    const len = this.#call(() => this.raw.journal_take());
    return this.#view(this.raw.journal_ptr(), len).slice();
  }

  journalDone(status: number): number {
    return this.#call(() => this.raw.journal_done(status));
  }

  /** Begins to write a DUMP_*; false: that can't be. */
  dumpBegin(what: number, number = 0): boolean {
    return this.#call(() => this.raw.dump_begin(what, number)) === 1;
  }

  /** The next bytes; empty: that was all. */
  dumpNext(): Uint8Array {
    const len = this.#call(() => this.raw.dump_next());
    return this.#view(this.raw.dump_ptr(), len).slice();
  }

  dumpEnd(): number {
    return this.#call(() => this.raw.dump_end());
  }

  /** Writes a whole DUMP_*. */
  dump(what: number, number = 0): Uint8Array {
    if (!this.dumpBegin(what, number)) throw new Error("the core does not begin to dump");
    const chunks: Uint8Array[] = [];
    for (let chunk = this.dumpNext(); chunk.length > 0; chunk = this.dumpNext()) chunks.push(chunk);
    const lost = this.raw.dump_lost();
    this.dumpEnd();
    if (lost !== 0) throw new Error("the dump is lost");
    return Buffer.concat(chunks);
  }

  /**
   * Reads a LOAD_*, in pieces of the sizes given, over and over. Returns LOADED_*; without memory
   * for a piece it stops.
   */
  load(what: number, bytes: Uint8Array, pieces: readonly number[] = [65536]): number {
    this.#call(() => this.raw.load_begin(what));
    let wants = 1;
    for (let at = 0, i = 0; at < bytes.length && wants === 1; i += 1) {
      const piece = bytes.subarray(at, at + pieces[i % pieces.length]);
      const ptr = this.#call(() => this.raw.load_place(piece.length));
      if (ptr === 0) break;
      this.#view(ptr, piece.length).set(piece);
      wants = this.#call(() => this.raw.load(piece.length));
      at += piece.length;
    }
    return this.#call(() => this.raw.load_end());
  }

  /** The introduced domains. */
  domains(): number[] {
    const domids: number[] = [];
    const { domain_next } = this.raw;
    for (let domid = domain_next(-1); domid >= 0; domid = domain_next(domid)) domids.push(domid);
    return domids;
  }

  /** The numbers of all connections. */
  connections(): number[] {
    const conns: number[] = [];
    const { conn_next } = this.raw;
    for (let conn = conn_next(0); conn !== 0; conn = conn_next(conn)) conns.push(conn);
    return conns;
  }

  /** The host has done what a request waits for. */
  taskDone(text: string): number {
    const bytes = Buffer.from(text, "latin1");
    this.#view(this.raw.input_ptr(), bytes.length).set(bytes);
    return this.#call(() => this.raw.task_done(bytes.length));
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
