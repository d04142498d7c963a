// The boundary: every export of the module, and nothing else. It imports nothing.
// Holds   nothing.
// Never   returns anything but numbers; bytes lie in linear memory where these point.
// Source  our own; the numbers are in abi.ts, the order of calls in ARCHITECTURE.md.

import {
  ABI_VERSION,
  CONN_DOMAIN,
  CONN_RING,
  CONN_SOCKET,
  CONN_SOCKET_READ_ONLY,
  NO_HANDLE,
  STAT_BYTES_LINEAR,
  STAT_BYTES_USED,
  STAT_BYTES_VERSIONS,
  STAT_CONNECTIONS,
  STAT_FAULTS,
  STAT_NODES,
  STAT_TRANSACTIONS,
  STAT_WATCHES,
} from "./abi";
import { Heap } from "./base/heap";
import { Log } from "./base/log";
import { Panic } from "./base/panic";
import { CONN_ONE_DOMAIN, CONN_READ_ONLY, Connections } from "./connection/connection";
import { checkStore } from "./ops/check";
import { nextNamed } from "./ops/named";
import { dropGuests } from "./ops/remains";
import { Task } from "./ops/task";
import { configure as configureServer } from "./server/configure";
import { Server } from "./server/server";
import { Dump } from "./state/dump";
import { Handles } from "./state/dump_domains";
import { Frames } from "./state/frames";
import { JournalReader } from "./state/journal_reader";
import { Load } from "./state/load";
import { Sheet } from "./state/sheet";
import { Domains } from "./store/domain";
import { Inspection } from "./store/inspection";
import { Journal } from "./store/journal";
import { Machine } from "./store/machine";
import { Quota } from "./store/quota";
import { Transactions } from "./store/transaction";
import { Tree } from "./store/tree";
import { Versions } from "./store/version";
import { Watches } from "./store/watch";
import { DOMID_FIRST_RESERVED } from "./xs_wire";

Quota.init();

export function abi_version(): u32 {
  return ABI_VERSION;
}

/** Makes the initial store. Once, before everything but `configure`. */
export function init(seed_lo: u32, seed_hi: u32): void {
  Server.init(seed_lo, seed_hi);
}

/** Sets an option, OPT_* of abi.ts. The domids and quotas count from `init` on. */
export function configure(key: u32, value: u32): void {
  configureServer(key, value);
}

/** Says what time it is, in milliseconds that never go back. @returns ms until the next, or -1 */
export function tick(now_ms: f64): f64 {
  return Server.tick(now_ms);
}

/** Where `receive` finds what came in: INPUT_SIZE bytes. */
export function input_ptr(): usize {
  return Server.inputPtr;
}

/** A new connection of a kind CONN_*. @returns its number, or 0 */
export function connect(kind: u32, domid: u32): u32 {
  return Server.connect(kind, domid);
}

/** `len` bytes came in on a connection. @returns WANT_* */
export function receive(conn: u32, len: u32): u32 {
  return Server.receive(conn, len);
}

/** `len` bytes from `out_ptr` have left. @returns WANT_* */
export function sent(conn: u32, len: u32): u32 {
  return Server.sent(conn, len);
}

/** The peer sends no more. @returns WANT_* */
export function end_input(conn: u32): u32 {
  return Server.endInput(conn);
}

/** The connection is gone. @returns WANT_POLL, WANT_LOG */
export function disconnect(conn: u32): u32 {
  return Server.disconnect(conn);
}

/** What a connection wants: WANT_* */
export function status(conn: u32): u32 {
  return Server.status(conn);
}

/** The next connection that wants something because of others, or 0. */
export function poll(): u32 {
  return Server.poll();
}

/** The copy of a ring's page, XENSTORE_RING_PAGE bytes; 0 for a stream. */
export function ring_page(conn: u32): usize {
  const c = Connections.find(conn);
  return c === null ? 0 : c.ring;
}

/** A ring that was there before the daemon is to be served. @returns WANT_* */
export function ring_start(conn: u32): u32 {
  return Server.startRing(conn);
}

/** The guest's fields and requests are copied into `ring_page`. @returns WANT_* */
export function ring_kick(conn: u32): u32 {
  return Server.kick(conn);
}

/** What the core asks, ASK_*, when WANT_MACHINE was said. */
export function ask_kind(): u32 {
  return Machine.kind;
}

export function ask_domid(): u32 {
  return Machine.domid;
}

export function ask_port(): u32 {
  return Machine.port;
}

/** Frame number of the ring page in INTRODUCE; good where grant 1 can't be mapped. 0 for none. */
export function ask_frame(): f64 {
  return <f64>Machine.frame;
}

/** The host's answer: 1 yes, 0 no. @returns WANT_POLL, WANT_LOG, WANT_MACHINE */
export function answer(value: u32): u32 {
  return Server.answer(value != 0);
}

export function out_ptr(conn: u32): usize {
  const c = Connections.find(conn);
  return c === null ? 0 : c.outPtr + c.outStart;
}

export function out_len(conn: u32): u32 {
  const c = Connections.find(conn);
  return c === null ? 0 : c.unsent;
}

/** The host's word on a domain, DOMAIN_*. @returns WANT_POLL, WANT_LOG */
export function domain_state(domid: u32, state: u32): u32 {
  return Server.domainState(domid, state);
}

export function log_ptr(): usize {
  return Log.ptr;
}

export function log_len(): u32 {
  return Log.len;
}

/** The host has taken all records. */
export function log_clear(): void {
  Log.clear();
}

/** A figure, STAT_* of abi.ts. */
export function stat(which: u32): f64 {
  switch (which) {
    case STAT_NODES:
      return Tree.nodeCount;
    case STAT_BYTES_USED:
      return <f64>Heap.used;
    case STAT_BYTES_LINEAR:
      return <f64>memory.size() * 65536;
    case STAT_WATCHES:
      return Watches.count;
    case STAT_TRANSACTIONS:
      return Transactions.count;
    case STAT_CONNECTIONS:
      return Connections.count;
    case STAT_BYTES_VERSIONS:
      return <f64>Versions.bytes;
    case STAT_FAULTS:
      return checkStore();
    default:
      return -1;
  }
}

/** BOOT_SIZE bytes that name the run of the machine; the host writes them before `init`. */
export function boot_ptr(): usize {
  return Frames.boot;
}

/** The bytes that the journal file `number` begins with. @returns their length, at `journal_ptr` */
export function journal_head(number: u32): u32 {
  return Frames.head(number);
}

/** Closes the waiting changes into a frame. @returns its length, 0 for nothing */
export function journal_take(): u32 {
  return Frames.take();
}

export function journal_ptr(): usize {
  return Frames.ptr;
}

/** How storing the frame went, STORAGE_*. @returns WANT_POLL, WANT_LOG */
export function journal_done(status: u32): u32 {
  Frames.done(status);
  return Server.globalWants();
}

/**
 * After a frame that could not be stored: what of it holds all the same, as records, at
 * `journal_ptr`. Asked before the next frame. @returns the length
 */
export function journal_stays(): u32 {
  return Frames.stays();
}

/** Begins to write a DUMP_*. @returns 1, or 0 without memory or while another is written */
export function dump_begin(what: u32, number: u32): u32 {
  return Dump.begin(what, number) ? 1 : 0;
}

/** @returns the length of the next chunk, at `dump_ptr`; 0 when that was all */
export function dump_next(): u32 {
  return Dump.next();
}

export function dump_ptr(): usize {
  return Sheet.ptr;
}

/** 1: what was written is of no use, for want of memory. */
export function dump_lost(): u32 {
  return Dump.lost ? 1 : 0;
}

/** Ends the writing, done or not. @returns WANT_* */
export function dump_end(): u32 {
  Dump.end();
  return Server.globalWants();
}

/** Begins to read a LOAD_*. */
export function load_begin(what: u32): void {
  Load.begin(what);
}

/** Before a journal is loaded: frames from this number on do not count. */
export function load_until(frame: f64): void {
  JournalReader.until = <u64>frame;
}

/** A place for at most `size` bytes; 0 without memory. */
export function load_place(size: u32): usize {
  return Load.place(size);
}

/** `len` bytes are there. @returns 1 while more is wanted */
export function load(len: u32): u32 {
  return Load.add(len) ? 1 : 0;
}

/** @returns LOADED_* */
export function load_end(): u32 {
  return Load.end();
}

/** Where the first fault begins, in bytes. */
export function load_offset(): f64 {
  return <f64>Load.offset;
}

/** A figure of the load, COUNT_*. */
export function load_count(which: u32): f64 {
  return Load.count(which);
}

/** The machine was started anew: removes what guests have left. @returns WANT_* */
export function drop_guests(): u32 {
  dropGuests();
  return Server.globalWants();
}

/** The next introduced domain behind `after`, or -1. */
export function domain_next(after: i32): i32 {
  for (let domid = <u32>(after + 1); domid < DOMID_FIRST_RESERVED; domid++) {
    const d = Domains.find(domid);
    if (d !== null && d.introduced) return <i32>domid;
  }
  return -1;
}

/**
 * The next domain behind `after` that has a record, or rights on something; -1: that was all. The
 * control domain and the store's own are left out.
 */
export function named_next(after: i32): i32 {
  return nextNamed(after);
}

export function domain_port(domid: u32): u32 {
  const d = Domains.find(domid);
  return d !== null ? d.port : 0;
}

export function domain_frame(domid: u32): f64 {
  const d = Domains.find(domid);
  return d !== null ? <f64>d.frame : 0;
}

export function domain_conn(domid: u32): u32 {
  const d = Domains.find(domid);
  return d !== null ? d.conn : 0;
}

/** Tells successive holders of a domid apart; 0 for unknown. */
export function domain_identity(domid: u32): f64 {
  const d = Domains.find(domid);
  return d !== null ? <f64>d.identity : 0;
}

export function set_identity(domid: u32, identity: f64): void {
  const d = Domains.find(domid);
  if (d === null || d.identity == <u64>identity) return;
  d.identity = <u64>identity;
  Journal.domain(d);
}

/** The port of an introduced domain's side, where a stream did not say it. */
export function set_port(domid: u32, port: u32): void {
  const d = Domains.find(domid);
  if (d === null || d.port == port) return;
  d.port = port;
  Journal.domain(d);
}

/** The page of a ring that was loaded is copied in: it goes on. @returns WANT_* */
export function ring_resume(conn: u32): u32 {
  return Server.resumeRing(conn);
}

/** The page can't be had: the connection ends. @returns WANT_* */
export function ring_lost(conn: u32): u32 {
  return Server.loseRing(conn);
}

/** The next connection behind `after`, or 0. */
export function conn_next(after: u32): u32 {
  for (let id = after + 1; id <= Connections.used; id++) {
    if (Connections.find(id) !== null) return id;
  }
  return 0;
}

/** CONN_*, 0 for none. */
export function conn_kind(conn: u32): u32 {
  const c = Connections.find(conn);
  if (c === null) return 0;
  if (c.ring != 0) return CONN_RING;
  if (c.has(CONN_ONE_DOMAIN)) return CONN_DOMAIN;
  return c.has(CONN_READ_ONLY) ? CONN_SOCKET_READ_ONLY : CONN_SOCKET;
}

export function conn_domid(conn: u32): u32 {
  const c = Connections.find(conn);
  return c !== null ? c.domain.domid : 0;
}

/** The descriptor or port of a connection, for a successor. */
export function handle(conn: u32): i32 {
  const c = Connections.find(conn);
  return c !== null ? c.handle : NO_HANDLE;
}

export function set_handle(conn: u32, value: i32): void {
  const c = Connections.find(conn);
  if (c !== null) c.handle = value;
}

/** A HANDLE_* of the daemon. */
export function global(which: u32): i32 {
  return Handles.get(which);
}

export function set_global(which: u32, value: i32): void {
  Handles.set(which, value);
}

/** What a request waits for, TASK_*; its words are at `task_ptr`. */
export function task_kind(): u32 {
  return Task.kind;
}

export function task_ptr(): usize {
  return Task.words;
}

/** The connection whose request waits for the task; 0 when none does, or it is gone. */
export function task_conn(): u32 {
  const c = Connections.find(Task.conn);
  return c !== null && Task.waits(c) ? c.id : 0;
}

export function task_len(): u32 {
  return Task.wordsLen;
}

/** The host has taken the task up: WANT_TASK is not said again for it. */
export function task_begun(): void {
  Task.fresh = false;
}

/** It is done; the answer is in the staging buffer. @returns WANT_* */
export function task_done(len: u32): u32 {
  return Server.finishTask(len);
}

/**
 * Reports what open transactions have touched and what their ends would say now, as
 * store/inspection.ts lays it out. @returns its length, at `report_ptr`; -1: no memory
 */
export function transactions_report(): i32 {
  return Inspection.make();
}

export function report_ptr(): usize {
  return Inspection.ptr;
}

/** The host has taken the report. */
export function report_end(): void {
  Inspection.drop();
}

/** Text of the assertion that failed, after a trap. */
export function panic_ptr(): usize {
  return Panic.text;
}

export function panic_len(): u32 {
  return Panic.len;
}

export function panic_line(): u32 {
  return Panic.line;
}
