// Core: one instance of the wasm module; the only TypeScript that touches its memory.
// Holds   the exports, and views on memory that are renewed after it has grown.
// Never   opens, reads or sends anything: bytes come in by `receive` and leave by `output`.
// Source  our own; "The boundary" in ARCHITECTURE.md.

import { ABI_VERSION } from "../../assembly/abi.ts";
import { XENSTORE_RING_PAGE } from "../../assembly/xs_wire.ts";
import type { LogRecord } from "./runtime.ts";

/** What build/xenstore.wasm exports; all numbers are plain JavaScript numbers. */
interface Exports {
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
  ring_page(conn: number): number;
  ring_start(conn: number): number;
  ring_kick(conn: number): number;
  ask_kind(): number;
  ask_domid(): number;
  ask_port(): number;
  ask_frame(): number;
  answer(value: number): number;
  out_ptr(conn: number): number;
  out_len(conn: number): number;
  log_ptr(): number;
  log_len(): number;
  log_clear(): void;
  domain_state(domid: number, state: number): number;
  stat(which: number): number;
  panic_ptr(): number;
  panic_len(): number;
  panic_line(): number;
}

/** A failed assertion inside the core: the instance must not be used any more. */
export class CorePanic extends Error {
  override name = "CorePanic";
}

export class Core {
  #exports: Exports;
  #memory: Uint8Array;

  /**
   * Starts an instance.
   * @param module  the compiled build/xenstore.wasm
   * @param seed    two u32 that nobody can guess; they feed hashes only
   * @throws        Error when the module was made for another host
   */
  constructor(module: WebAssembly.Module, seed: Uint32Array) {
    const { exports } = new WebAssembly.Instance(module);
    this.#exports = exports as unknown as Exports;
    this.#memory = new Uint8Array(this.#exports.memory.buffer);
    const version = this.#exports.abi_version();
    if (version !== ABI_VERSION) {
      throw new Error(`the core speaks version ${version} of the boundary, not ${ABI_VERSION}`);
    }
    this.#call(() => this.#exports.init(seed[0] as number, seed[1] as number));
  }

  /** Sets an OPT_* of abi.ts. */
  configure(key: number, value: number): void {
    this.#call(() => this.#exports.configure(key, value));
  }

  /** Tells the time; returns ms until the core wants to be told again, or -1. */
  tick(nowMs: number): number {
    return this.#call(() => this.#exports.tick(nowMs));
  }

  /** Opens a connection of a CONN_* kind; returns its number, or 0 when there can be none. */
  connect(kind: number, domid: number): number {
    return this.#call(() => this.#exports.connect(kind, domid));
  }

  /**
   * A view on the staging buffer, good until the next call.
   * @param size  at most INPUT_SIZE bytes
   */
  input(size: number): Uint8Array {
    const ptr = this.#exports.input_ptr();
    return this.#bytes().subarray(ptr, ptr + size);
  }

  /** Takes the first `len` bytes of the staging buffer as input; returns WANT_* bits. */
  receive(conn: number, len: number): number {
    try {
      return this.#exports.receive(conn, len);
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** Says that `len` bytes of the output have left; returns WANT_* bits. */
  sent(conn: number, len: number): number {
    try {
      return this.#exports.sent(conn, len);
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** Bytes that want to leave, as a view that is good until the next call. */
  output(conn: number): Uint8Array {
    const ptr = this.#exports.out_ptr(conn);
    return this.#bytes().subarray(ptr, ptr + this.#exports.out_len(conn));
  }

  /** The peer sends no more; returns WANT_* bits. */
  endInput(conn: number): number {
    return this.#call(() => this.#exports.end_input(conn));
  }

  /** The connection is gone; returns only bits that concern others. */
  disconnect(conn: number): number {
    return this.#call(() => this.#exports.disconnect(conn));
  }

  /** WANT_* bits of one connection, again. */
  status(conn: number): number {
    return this.#exports.status(conn);
  }

  /** The next connection that wants something because of another one's request, or 0. */
  poll(): number {
    return this.#exports.poll();
  }

  /** The core's copy of a ring's page, as a view that is good until the next call. */
  ringPage(conn: number): Uint8Array {
    const ptr = this.#exports.ring_page(conn);
    return this.#bytes().subarray(ptr, ptr + XENSTORE_RING_PAGE);
  }

  /** A ring that was there before the core is to be served; returns WANT_* bits. */
  ringStart(conn: number): number {
    return this.#call(() => this.#exports.ring_start(conn));
  }

  /** The other side's fields are copied into `ringPage`; returns WANT_* bits. */
  ringKick(conn: number): number {
    try {
      return this.#exports.ring_kick(conn);
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** What the core wants to know of the machine: ASK_* of abi.ts, and about which domain. */
  question(): { kind: number; domid: number; port: number; frame: number } {
    const { ask_kind, ask_domid, ask_port, ask_frame } = this.#exports;
    return { kind: ask_kind(), domid: ask_domid(), port: ask_port(), frame: ask_frame() };
  }

  /** The answer to `question`; returns only bits that concern others. */
  answer(yes: boolean): number {
    return this.#call(() => this.#exports.answer(yes ? 1 : 0));
  }

  /** The machine's word on a domain, DOMAIN_*; returns only bits that concern others. */
  domainState(domid: number, state: number): number {
    return this.#call(() => this.#exports.domain_state(domid, state));
  }

  /** A figure: 0 nodes, 1 store bytes, 2 memory, 3 watches, 4 transactions, 5 connections. */
  stat(which: number): number {
    return this.#exports.stat(which);
  }

  /** Takes the log's records (copies) and empties it. */
  takeLog(): LogRecord[] {
    const ptr = this.#exports.log_ptr();
    const log = this.#bytes().slice(ptr, ptr + this.#exports.log_len());
    this.#exports.log_clear();
    const view = new DataView(log.buffer);
    const records: LogRecord[] = [];
    for (let at = 0; at < log.length; ) {
      // u8 kind, u24 length, bytes.
      const head = view.getUint32(at, true);
      const end = at + 4 + (head >>> 8);
      records.push({ kind: head & 0xff, bytes: log.subarray(at + 4, end) });
      at = end;
    }
    return records;
  }

  #bytes(): Uint8Array {
    // Growing the memory takes its old buffer away.
    if (this.#memory.byteLength === 0) this.#memory = new Uint8Array(this.#exports.memory.buffer);
    return this.#memory;
  }

  #call<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** The error to throw for a trap: the core's own words, if it left any. */
  #explained(error: unknown): Error {
    if (!(error instanceof WebAssembly.RuntimeError)) return error as Error;
    const ptr = this.#exports.panic_ptr();
    const text = this.#bytes().subarray(ptr, ptr + this.#exports.panic_len());
    if (text.length === 0) return new CorePanic(error.message, { cause: error });
    const line = this.#exports.panic_line();
    const where = line ? ` (line ${line})` : "";
    return new CorePanic(new TextDecoder().decode(text) + where, { cause: error });
  }
}
