// Core: one instance of the wasm module; the only TypeScript that touches its memory.
// Holds   the exports, and views on memory that are renewed after it has grown.
// Never   opens, reads or sends anything: bytes come in by `receive` and leave by `output`.
// Source  our own; "The boundary" in ARCHITECTURE.md.

import { ABI_VERSION, BOOT_SIZE, NO_HANDLE } from "../../assembly/abi.ts";
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
  boot_ptr(): number;
  journal_head(number: number): number;
  journal_take(): number;
  journal_ptr(): number;
  journal_done(status: number): number;
  journal_stays(): number;
  dump_begin(what: number, number: number): number;
  dump_next(): number;
  dump_ptr(): number;
  dump_lost(): number;
  dump_end(): number;
  load_begin(what: number): void;
  load_until(frame: number): void;
  load_place(size: number): number;
  load(len: number): number;
  load_end(): number;
  load_offset(): number;
  load_count(which: number): number;
  drop_guests(): number;
  domain_next(after: number): number;
  named_next(after: number): number;
  domain_port(domid: number): number;
  domain_frame(domid: number): number;
  domain_conn(domid: number): number;
  domain_identity(domid: number): number;
  set_identity(domid: number, identity: number): void;
  set_port(domid: number, port: number): void;
  ring_resume(conn: number): number;
  ring_lost(conn: number): number;
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
  task_conn(): number;
  task_begun(): void;
  task_done(len: number): number;
  transactions_report(): number;
  report_ptr(): number;
  report_end(): void;
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
   * @param boot    at most BOOT_SIZE bytes that name the run of the machine
   * @throws        Error when the module was made for another host
   */
  constructor(module: WebAssembly.Module, seed: Uint32Array, boot?: Uint8Array) {
    const { exports } = new WebAssembly.Instance(module);
    this.#exports = exports as unknown as Exports;
    this.#memory = new Uint8Array(this.#exports.memory.buffer);
    const version = this.#exports.abi_version();
    if (version !== ABI_VERSION) {
      throw new Error(`the core speaks version ${version} of the boundary, not ${ABI_VERSION}`);
    }
    if (boot) this.#memory.set(boot.subarray(0, BOOT_SIZE), this.#exports.boot_ptr());
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

  /** What a journal file with this number begins with, as a view that is good until the next call. */
  journalHead(number: number): Uint8Array {
    const len = this.#call(() => this.#exports.journal_head(number));
    return this.#at(this.#exports.journal_ptr(), len);
  }

  /**
   * Closes the changes that wait into one frame. Nothing may leave before `journalDone`.
   * @returns a view that is good until the next call; empty: nothing waits
   */
  journalTake(): Uint8Array {
    try {
      const len = this.#exports.journal_take();
      return this.#at(this.#exports.journal_ptr(), len);
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** How storing the taken frame went, STORAGE_*; returns only bits that concern others. */
  journalDone(status: number): number {
    try {
      return this.#exports.journal_done(status);
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /**
   * After a frame that could not be stored: its records that hold all the same, as a view that is
   * good until the next call.
   */
  journalStays(): Uint8Array {
    const len = this.#call(() => this.#exports.journal_stays());
    return this.#at(this.#exports.journal_ptr(), len);
  }

  /** Begins to write a DUMP_*; false: no memory, or one is being written. */
  dumpBegin(what: number, number = 0): boolean {
    return this.#call(() => this.#exports.dump_begin(what, number)) === 1;
  }

  /** The next bytes, as a view that is good until the next call; empty: that was all. */
  dumpNext(): Uint8Array {
    const len = this.#call(() => this.#exports.dump_next());
    return this.#at(this.#exports.dump_ptr(), len);
  }

  /** Whether what is being written had to be given up for want of memory. */
  dumpLost(): boolean {
    return this.#exports.dump_lost() === 1;
  }

  /** Ends the writing, done or not; returns only bits that concern others. */
  dumpEnd(): number {
    return this.#call(() => this.#exports.dump_end());
  }

  /** Begins to read a LOAD_*. */
  loadBegin(what: number): void {
    this.#call(() => this.#exports.load_begin(what));
  }

  /** Before a LOAD_JOURNAL: frames from this number on do not count, since a later file has them. */
  loadUntil(frame: number): void {
    this.#exports.load_until(frame);
  }

  /** Reads the next bytes; false: it wants no more. Throws an Error when there is no memory. */
  load(bytes: Uint8Array): boolean {
    const ptr = this.#call(() => this.#exports.load_place(bytes.length));
    if (ptr === 0) return false;
    this.#at(ptr, bytes.length).set(bytes);
    return this.#call(() => this.#exports.load(bytes.length)) === 1;
  }

  /** Ends the reading; returns LOADED_*. */
  loadEnd(): number {
    return this.#call(() => this.#exports.load_end());
  }

  /** Where the fault of the last load begins, in bytes. */
  loadOffset(): number {
    return this.#exports.load_offset();
  }

  /** A figure of the last load, COUNT_*. */
  loadCount(which: number): number {
    return this.#exports.load_count(which);
  }

  /** After a reboot: removes what guests have left; returns only bits that concern others. */
  dropGuests(): number {
    return this.#call(() => this.#exports.drop_guests());
  }

  /** The introduced domains, in order. */
  *domains(): Generator<number> {
    const { domain_next } = this.#exports;
    for (let domid = domain_next(-1); domid >= 0; domid = domain_next(domid)) yield domid;
  }

  /** Domains that have anything in the store, introduced or not; not those that the store needs. */
  *namedDomains(): Generator<number> {
    const { named_next } = this.#exports;
    for (let domid = named_next(-1); domid >= 0; domid = named_next(domid)) yield domid;
  }

  /** What INTRODUCE said of a domain, the connection that was loaded for it (0: none), and whose. */
  domain(domid: number): { port: number; frame: number; conn: number; identity: number } {
    const { domain_port, domain_frame, domain_conn, domain_identity } = this.#exports;
    return {
      port: domain_port(domid),
      frame: domain_frame(domid),
      conn: domain_conn(domid),
      identity: domain_identity(domid),
    };
  }

  /** Notes who has the domid now: an integer below 2^53, 0 for unknown. */
  setIdentity(domid: number, identity: number): void {
    this.#exports.set_identity(domid, identity);
  }

  /** Notes the port of the domain's side, where what was loaded did not say it. */
  setPort(domid: number, port: number): void {
    this.#exports.set_port(domid, port);
  }

  /** The page of a loaded ring is copied in: goes on where it stopped; returns WANT_* bits. */
  ringResume(conn: number): number {
    return this.#call(() => this.#exports.ring_resume(conn));
  }

  /** The page of a loaded ring can't be had any more; returns WANT_* bits. */
  ringLost(conn: number): number {
    return this.#call(() => this.#exports.ring_lost(conn));
  }

  /** All connections, by number. */
  *connections(): Generator<{ conn: number; kind: number; domid: number; handle: number }> {
    const { conn_next, conn_kind, conn_domid, handle } = this.#exports;
    for (let conn = conn_next(0); conn !== 0; conn = conn_next(conn)) {
      yield { conn, kind: conn_kind(conn), domid: conn_domid(conn), handle: handle(conn) };
    }
  }

  /** The descriptor of a connection, or the local port of a ring: for a successor. */
  setHandle(conn: number, value: number): void {
    this.#exports.set_handle(conn, value);
  }

  /** A HANDLE_*, or -1. */
  global(which: number): number {
    return this.#exports.global(which);
  }

  setGlobal(which: number, value = NO_HANDLE): void {
    this.#exports.set_global(which, value);
  }

  /** Work that a request waits for: a TASK_* and its words (copies). Each is told once. */
  takeTask(): { kind: number; text: Uint8Array } {
    const { task_kind, task_ptr, task_len, task_begun } = this.#exports;
    const kind = task_kind();
    const text = this.#at(task_ptr(), task_len()).slice();
    task_begun();
    return { kind, text };
  }

  /** The connection whose request waits for the work; 0 when it is gone. */
  taskConn(): number {
    return this.#exports.task_conn();
  }

  /** The work is done: its answer, at most 4000 bytes; returns only bits that concern others. */
  taskDone(text: Uint8Array): number {
    const len = Math.min(text.length, 4000);
    this.input(len).set(text.subarray(0, len));
    return this.#call(() => this.#exports.task_done(len));
  }

  /**
   * What open transactions have touched and what their ends would say, as a copy; the layout is
   * that of assembly/store/inspection.ts. Null: no memory.
   */
  transactionsReport(): Uint8Array | null {
    const { transactions_report, report_ptr, report_end } = this.#exports;
    const len = this.#call(() => transactions_report());
    if (len < 0) return null;
    const report = this.#at(report_ptr(), len).slice();
    report_end();
    return report;
  }

  #at(ptr: number, len: number): Uint8Array {
    return this.#bytes().subarray(ptr, ptr + len);
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
