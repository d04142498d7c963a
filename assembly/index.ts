// The boundary: every export of the module, and nothing else. It imports nothing.
// Holds   nothing.
// Never   returns anything but numbers; bytes lie in linear memory where these point.
// Source  our own; the numbers are in abi.ts, the order of calls in ARCHITECTURE.md.

import {
  ABI_VERSION,
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
import { Connections } from "./connection/connection";
import { checkStore } from "./ops/check";
import { configure as configureServer } from "./server/configure";
import { Server } from "./server/server";
import { Machine } from "./store/machine";
import { Quota } from "./store/quota";
import { Transactions } from "./store/transaction";
import { Tree } from "./store/tree";
import { Versions } from "./store/version";
import { Watches } from "./store/watch";

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
