// Server: connections come and go, bytes come in, requests are served in order.
// Holds   the staging buffer of input.
// Never   calls out: what the host must do is left for it to ask.
// Source  the XenStore protocol, malformed input, order of output, quotas (throttling).

import {
  ASK_EXISTS,
  ASK_MAP,
  ASK_NOTHING,
  CONN_DOMAIN,
  CONN_RING,
  CONN_SOCKET,
  CONN_SOCKET_READ_ONLY,
  DOMAIN_GONE,
  DOMAIN_SHUTDOWN,
  INPUT_SIZE,
  LOG_NOTICE,
  WANT_CLOSE,
  WANT_LOG,
  WANT_LOOK,
  WANT_MACHINE,
  WANT_NOTIFY,
  WANT_PAUSE,
  WANT_POLL,
  WANT_RESET,
  WANT_SEND,
} from "../abi";
import { Hash } from "../base/hash";
import { Heap } from "../base/heap";
import { Log } from "../base/log";
import {
  CONN_BLOCKED,
  CONN_CLOSING,
  CONN_ENDED,
  CONN_IGNORED,
  CONN_NOTIFY,
  CONN_READ_ONLY,
  CONN_RESET,
  Connection,
  Connections,
} from "../connection/connection";
import { Outbox } from "../connection/outbox";
import { Events, forgetRequests, Requests } from "../connection/pending";
import { Trace } from "../connection/trace";
import { OUT_HIGH } from "../limits";
import { actAsStore, dropInput, endDomain, resetConnection, shutDown } from "../ops/lifecycle";
import { Rings } from "../ops/rings";
import { Domain, Domains } from "../store/domain";
import { Machine } from "../store/machine";
import { Perms } from "../store/perms";
import { QUOTA_MEMORY, QUOTA_OUTSTANDING } from "../store/quota";
import { Transactions } from "../store/transaction";
import { Tree } from "../store/tree";
import { Watches } from "../store/watch";
import { Header } from "../wire/header";
import { XENSTORE_ERROR_PROTO, XENSTORE_PAYLOAD_MAX, XS_HEADER_SIZE } from "../xs_wire";
import { dispatch } from "./dispatch";

const input: usize = memory.data(65536, 16);
/** Input a connection may have waiting: what was on its way when the host was told to pause. */
const HELD_MAX: u32 = INPUT_SIZE * 4;
/** Milliseconds after which requests that were held back are looked at again. */
const RETRY_MS: f64 = 50;
const EXPIRE_MS: f64 = 1000;

export class Server {
  static get inputPtr(): usize {
    return input;
  }

  static init(seedLo: u32, seedHi: u32): void {
    Heap.init();
    Hash.init(seedLo, seedHi);
    Perms.init();
    Transactions.init();
    Watches.init();
    Events.init();
    Tree.init();
    const control = <Domain>Domains.of(Domains.priv);
    control.introduced = true;
    Domains.introducedCount = 1;
  }

  /** @returns the connection's number; 0 without memory or when the domain may have none */
  static connect(kind: u32, domid: u32): u32 {
    if (kind == CONN_DOMAIN || kind == CONN_RING) return Server.connectDomain(kind, domid);
    if (kind != CONN_SOCKET && kind != CONN_SOCKET_READ_ONLY) return 0;
    const d = Domains.of(Domains.store);
    if (d === null) return 0;
    const c = Connections.open(d);
    if (c === null) return 0;
    if (kind == CONN_SOCKET_READ_ONLY) c.flags |= CONN_READ_ONLY;
    if (Trace.on) Trace.object("CREATE", "connection", c.id);
    return c.id;
  }

  /** A domain has one connection; a ring may be connected while the host is asked to map it. */
  private static connectDomain(kind: u32, domid: u32): u32 {
    const asked = Machine.kind == ASK_MAP && Machine.domid == domid && kind == CONN_RING;
    const d = asked ? Domains.of(domid) : Domains.find(domid);
    if (d === null || d.conn != 0 || !(asked || d.introduced)) return 0;
    const c = Connections.open(d);
    if (c === null) return 0;
    if (kind == CONN_RING && !Rings.attach(c)) {
      Connections.close(c);
      return 0;
    }
    d.conn = c.id;
    if (Trace.on) Trace.object("CREATE", "connection", c.id);
    return c.id;
  }

  /** The copy of a ring's page is filled: says what is offered. For a ring there from the start. */
  static startRing(id: u32): u32 {
    const c = Connections.find(id);
    if (c === null || c.ring == 0) return 0;
    Rings.start(c);
    return Server.wants(c);
  }

  /** The host has copied the guest's fields in: moves requests and replies. */
  static kick(id: u32): u32 {
    const c = Connections.find(id);
    if (c === null || c.ring == 0) return 0;
    // A reset that the host has not copied out yet comes first.
    if (c.has(CONN_RESET) || c.has(CONN_CLOSING) || !Rings.ready(c)) return Server.wants(c);
    Rings.flush(c);
    if (c.has(CONN_BLOCKED) && mayServe(c)) Server.serveHeld(c);
    Server.takeRequests(c);
    Rings.flush(c);
    Server.settle();
    return Server.wants(c);
  }

  /** Serves the requests that wait in a ring: whole ones, and the beginning of one too long. */
  private static takeRequests(c: Connection): void {
    if (c.has(CONN_BLOCKED)) return;
    const len = Rings.peek(c);
    if (len == 0) return;
    if (c.inLen > 0) {
      Rings.consume(c, len);
      if (Server.hold(c, Rings.waiting, len)) Server.serveHeld(c);
      return;
    }
    const used = Server.serve(c, Rings.waiting, len);
    // The ring may have been reset or shut off by what was served; then nothing waits.
    if (c.has(CONN_RESET) || c.has(CONN_IGNORED)) return;
    const keep = c.has(CONN_BLOCKED) ? used : len;
    Rings.consume(c, keep);
    if (keep > used) Server.hold(c, Rings.waiting + used, keep - used);
  }

  /** The host's answer to what the core asked. */
  static answer(yes: bool): u32 {
    const c = Connections.find(Machine.conn);
    if (Machine.kind == ASK_EXISTS && yes) Domains.setExisting(Machine.domid, true);
    Machine.answer(yes);
    if (c !== null) {
      Connections.unblock(c);
      if (c.inLen > 0) Server.serveHeld(c);
      Connections.dirty(c);
    }
    Server.settle();
    return Server.globalWants();
  }

  /** `len` bytes of the staging buffer came in. */
  static receive(id: u32, len: u32): u32 {
    const c = Connections.find(id);
    if (c === null || len > INPUT_SIZE) return 0;
    if (c.inLen > 0) {
      if (Server.hold(c, input, len)) Server.serveHeld(c);
    } else {
      const used = Server.serve(c, input, len);
      if (used < len) Server.hold(c, input + used, len - used);
    }
    Server.settle();
    return Server.wants(c);
  }

  static sent(id: u32, len: u32): u32 {
    const c = Connections.find(id);
    if (c === null) return 0;
    Outbox.sent(c, min<u32>(len, c.unsent));
    if (c.has(CONN_BLOCKED) && mayServe(c)) Server.serveHeld(c);
    Server.settle();
    return Server.wants(c);
  }

  static endInput(id: u32): u32 {
    const c = Connections.find(id);
    if (c === null) return 0;
    c.flags |= CONN_ENDED;
    if (!c.has(CONN_BLOCKED)) c.flags |= CONN_CLOSING;
    return Server.wants(c);
  }

  static disconnect(id: u32): u32 {
    const c = Connections.find(id);
    if (c === null) return 0;
    if (Machine.conn == id) {
      Machine.forget();
      Requests.settled = true;
    }
    resetConnection(c);
    forgetRequests(c);
    if (c.domain.conn == c.id) c.domain.conn = 0;
    if (Trace.on) Trace.object("DESTROY", "connection", c.id);
    Connections.close(c);
    Server.settle();
    return Server.globalWants();
  }

  static status(id: u32): u32 {
    const c = Connections.find(id);
    return c === null ? 0 : Server.wants(c);
  }

  static poll(): u32 {
    const c = Connections.takeDirty();
    return c === null ? 0 : c.id;
  }

  /** @returns milliseconds until the next call is wanted, or -1 */
  static tick(nowMs: f64): f64 {
    const now = <u64>nowMs;
    const elapsed = now > Outbox.nowMs ? now - Outbox.nowMs : 0;
    Outbox.nowMs = now;
    Domains.refill(<u32>min<u64>(elapsed, 60000));
    if (Events.toGuests > 0) {
      let d: Domain | null = Domains.first;
      while (d !== null) {
        const c = Connections.find(d.conn);
        if (c !== null && !d.privileged) Outbox.expire(c);
        d = d.nextKnown;
      }
    }
    Requests.settled = true;
    Server.settle();
    if (Connections.blocked !== null) return RETRY_MS;
    return Events.toGuests > 0 && Outbox.timeoutMs > 0 ? EXPIRE_MS : -1;
  }

  /** The host's word on a domain. */
  static domainState(domid: u32, state: u32): u32 {
    Domains.setExisting(domid, state != DOMAIN_GONE);
    const d = Domains.find(domid);
    if (d !== null && !d.privileged && domid != Domains.store) {
      actAsStore();
      if (state == DOMAIN_GONE) endDomain(d);
      else if (state == DOMAIN_SHUTDOWN) shutDown(d);
      Server.settle();
    } else if (d === null && state == DOMAIN_GONE) {
      // It may have been named in lists without having a record.
      Perms.forget(domid);
    }
    return Server.globalWants();
  }

  /** Serves whole messages as long as that may be. @returns the bytes that are done with */
  private static serve(c: Connection, ptr: usize, len: u32): u32 {
    let used: u32 = 0;
    while (len - used >= XS_HEADER_SIZE) {
      if (c.has(CONN_CLOSING)) return len;
      const h = Header.at(ptr + used);
      const size = h.len;
      if (size > XENSTORE_PAYLOAD_MAX) {
        Server.refuse(c, size);
        return len;
      }
      if (len - used - XS_HEADER_SIZE < size) return used;
      if (!mayServe(c)) {
        Connections.block(c);
        return used;
      }
      if (!dispatch(c, h)) {
        Connections.block(c);
        return used;
      }
      used += XS_HEADER_SIZE + size;
    }
    return used;
  }

  /** Serves what was held back, as far as that may be now. */
  private static serveHeld(c: Connection): void {
    Connections.unblock(c);
    const ptr = c.inPtr;
    const len = c.inLen;
    const used = Server.serve(c, ptr, len);
    // The connection may have been reset by its own request; then nothing is left.
    if (c.inPtr != ptr) return;
    if (used == len) {
      dropInput(c);
    } else if (used > 0) {
      memory.copy(ptr, ptr + used, len - used);
      c.inLen = len - used;
    }
    if (c.has(CONN_ENDED) && !c.has(CONN_BLOCKED)) {
      c.flags |= CONN_CLOSING;
      Connections.dirty(c);
    }
  }

  /** Keeps input for later. @returns false when the connection is closed for it */
  private static hold(c: Connection, ptr: usize, len: u32): bool {
    if (c.has(CONN_CLOSING)) return false;
    const need = c.inLen + len;
    if (need > c.inCap) {
      const cap = max<u32>(need, min<u32>(c.inCap << 1, HELD_MAX));
      const place = need <= HELD_MAX ? Heap.alloc(cap) : 0;
      if (place == 0) {
        c.flags |= CONN_CLOSING;
        dropInput(c);
        return false;
      }
      memory.copy(place, c.inPtr, c.inLen);
      if (c.inPtr != 0) Heap.free(c.inPtr);
      c.inPtr = place;
      c.inCap = cap;
    }
    memory.copy(c.inPtr + c.inLen, ptr, len);
    c.inLen = need;
    return true;
  }

  /** A message longer than any may be: where the next begins can't be known. */
  private static refuse(c: Connection, size: u32): void {
    if (c.ring != 0) {
      Rings.ignore(c, XENSTORE_ERROR_PROTO);
      return;
    }
    Log.begin(LOG_NOTICE);
    Log.text("connection ");
    Log.number(c.id);
    Log.text(" (domain ");
    Log.number(c.domain.domid);
    Log.text(") is closed: a message of ");
    Log.number(size);
    Log.text(" bytes, at most ");
    Log.number(XENSTORE_PAYLOAD_MAX);
    Log.text(" are allowed");
    Log.end();
    c.flags |= CONN_CLOSING;
    Connections.dirty(c);
  }

  /** Serves connections whose requests were held back because of something settled now. */
  private static settle(): void {
    while (Requests.settled) {
      Requests.settled = false;
      let c = Connections.blocked;
      while (c !== null) {
        const next = c.blockedNext;
        if (mayServe(c)) {
          Server.serveHeld(c);
          Connections.dirty(c);
        }
        c = next;
      }
    }
  }

  private static wants(c: Connection): u32 {
    Connections.undirty(c);
    let bits = Server.globalWants();
    if (c.ring != 0) return bits | Server.ringWants(c);
    if (c.unsent > 0) bits |= WANT_SEND;
    if (c.has(CONN_CLOSING)) bits |= WANT_CLOSE;
    if (c.has(CONN_BLOCKED)) bits |= WANT_PAUSE;
    return bits;
  }

  private static ringWants(c: Connection): u32 {
    let bits: u32 = c.has(CONN_CLOSING) ? WANT_CLOSE : 0;
    if (c.has(CONN_NOTIFY)) bits |= WANT_NOTIFY;
    if (c.has(CONN_RESET)) bits |= WANT_RESET;
    if (Rings.unfinished(c)) bits |= WANT_LOOK;
    c.flags &= ~(CONN_NOTIFY | CONN_RESET);
    return bits;
  }

  static globalWants(): u32 {
    if (Machine.kind != ASK_NOTHING) return WANT_MACHINE | Server.listWants();
    return Server.listWants();
  }

  private static listWants(): u32 {
    return (Connections.dirtyFirst !== null ? WANT_POLL : 0) | (Log.len > 0 ? WANT_LOG : 0);
  }
}

/** May a request of this connection be served now? */
function mayServe(c: Connection): bool {
  if (c.unsent > OUT_HIGH) return false;
  if (c.privileged) return true;
  const d = c.domain;
  const outstanding = d.limit(QUOTA_OUTSTANDING);
  if (outstanding != 0 && <u32>d.count(QUOTA_OUTSTANDING) >= outstanding) return false;
  const bytes = d.limit(QUOTA_MEMORY);
  if (bytes != 0 && <u32>d.count(QUOTA_MEMORY) > bytes) return false;
  return Domains.hasCredit(d);
}
