// Server: what the host may call: connections come and go, bytes come in, time passes.
// Holds   the staging buffer of input.
// Never   calls out: what the host must do is left for it to ask.
// Source  the XenStore protocol, order of output, domains; "The boundary" in ARCHITECTURE.md.

import {
  ASK_EXISTS,
  ASK_MAP,
  ASK_NOTHING,
  CONN_BESIDE,
  CONN_BESIDE_READ_ONLY,
  CONN_DOMAIN,
  CONN_RING,
  CONN_SOCKET,
  CONN_SOCKET_READ_ONLY,
  DOMAIN_GONE,
  DOMAIN_SHUTDOWN,
  INPUT_SIZE,
  WANT_CLOSE,
  WANT_LOG,
  WANT_LOOK,
  WANT_MACHINE,
  WANT_NOTIFY,
  WANT_PAUSE,
  WANT_POLL,
  WANT_RESET,
  WANT_SEND,
  WANT_STORE,
  WANT_TASK,
} from "../abi";
import { Hash } from "../base/hash";
import { Heap } from "../base/heap";
import { Log } from "../base/log";
import {
  CONN_BLOCKED,
  CONN_CLOSING,
  CONN_ENDED,
  CONN_EXTRA,
  CONN_LOADED,
  CONN_NOTIFY,
  CONN_ONE_DOMAIN,
  CONN_READ_ONLY,
  CONN_RESET,
  Connection,
  Connections,
} from "../connection/connection";
import { Kept } from "../connection/kept";
import { Outbox } from "../connection/outbox";
import { Events, forgetRequests, Requests } from "../connection/pending";
import { Trace } from "../connection/trace";
import { actAsStore, endDomain, resetConnection, shutDown } from "../ops/lifecycle";
import { loseRing, resumeRing } from "../ops/resume";
import { Rings } from "../ops/rings";
import { Task } from "../ops/task";
import { Domain, Domains } from "../store/domain";
import { J_FORGET, Journal } from "../store/journal";
import { Machine } from "../store/machine";
import { Perms } from "../store/perms";
import { Transactions } from "../store/transaction";
import { Tree } from "../store/tree";
import { Versions } from "../store/version";
import { Watches } from "../store/watch";
import { Ring } from "../wire/ring";
import { DOMID_FIRST_RESERVED } from "../xs_wire";
import { Input, mayServe } from "./input";

const staging: usize = memory.data(65536, 16);
/** Milliseconds after which requests that were held back are looked at again. */
const RETRY_MS: f64 = 50;
const EXPIRE_MS: f64 = 1000;
/** Older versions that nobody needs are freed so many at a time, and so often. */
const BACKLOG: u32 = 2000;
const BACKLOG_MS: f64 = 1;

export class Server {
  static get inputPtr(): usize {
    return staging;
  }

  static init(seedLo: u32, seedHi: u32): void {
    Heap.init();
    Hash.init(seedLo, seedHi);
    Domains.init();
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
    if (kind == CONN_BESIDE || kind == CONN_BESIDE_READ_ONLY) {
      return Server.connectBeside(kind, domid);
    }
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
    if (kind == CONN_DOMAIN) c.flags |= CONN_ONE_DOMAIN;
    if (kind == CONN_RING && !Rings.attach(c)) {
      Connections.close(c);
      return 0;
    }
    d.conn = c.id;
    if (Trace.on) Trace.object("CREATE", "connection", c.id);
    return c.id;
  }

  /** A further stream of a domain; its record does not know of it. */
  private static connectBeside(kind: u32, domid: u32): u32 {
    const d = Domains.find(domid);
    if (d === null || !d.introduced) return 0;
    const c = Connections.open(d);
    if (c === null) return 0;
    c.flags |= CONN_ONE_DOMAIN | CONN_EXTRA;
    if (kind == CONN_BESIDE_READ_ONLY) c.flags |= CONN_READ_ONLY;
    Connections.extra++;
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
    // A reset that the host has not copied out yet comes first; what was loaded waits for its page.
    if (c.flags & (CONN_RESET | CONN_CLOSING | CONN_LOADED)) return Server.wants(c);
    c.shown = Ring.shown(c.ring);
    c.shownCut = c.cut;
    // Mapped for an INTRODUCE that came to nothing: nobody speaks there.
    if (!c.domain.introduced || !Rings.ready(c)) return Server.wants(c);
    Rings.flush(c);
    if (c.has(CONN_BLOCKED) && mayServe(c)) Input.serveHeld(c);
    Input.takeRequests(c);
    Rings.flush(c);
    Input.settle();
    Kept.ended(c);
    return Server.wants(c);
  }

  /** The host has done what a request waits for; the answer is in the staging buffer. */
  static finishTask(len: u32): u32 {
    const c = Task.finish(staging, min<u32>(len, INPUT_SIZE));
    if (c !== null) {
      Connections.unblock(c);
      if (c.inLen > 0) Input.serveHeld(c);
      Connections.dirty(c);
    }
    // Others may wait for their turn to ask.
    Requests.settled = true;
    Input.settle();
    return Server.globalWants();
  }

  /** The page of a ring that was there before is copied in: it goes on. */
  static resumeRing(id: u32): u32 {
    const c = Connections.find(id);
    if (c === null || c.ring == 0) return 0;
    resumeRing(c);
    return Server.wants(c);
  }

  static loseRing(id: u32): u32 {
    const c = Connections.find(id);
    if (c !== null && c.ring != 0) loseRing(c);
    Input.settle();
    return Server.globalWants();
  }

  /** The host's answer to what the core asked. */
  static answer(yes: bool): u32 {
    const c = Connections.find(Machine.conn);
    if (Machine.kind == ASK_EXISTS && yes) Domains.setExisting(Machine.domid, true);
    Machine.answer(yes);
    if (c !== null) {
      Connections.unblock(c);
      if (c.inLen > 0) Input.serveHeld(c);
      Connections.dirty(c);
    }
    Input.settle();
    return Server.globalWants();
  }

  /** `len` bytes of the staging buffer came in. */
  static receive(id: u32, len: u32): u32 {
    if (Versions.backlog) Versions.work(BACKLOG);
    const c = Connections.find(id);
    if (c === null || len > INPUT_SIZE) return 0;
    if (c.inLen > 0) {
      if (Input.hold(c, staging, len)) Input.serveHeld(c);
    } else {
      const used = Input.serve(c, staging, len);
      if (used < len) Input.hold(c, staging + used, len - used);
    }
    Input.settle();
    return Server.wants(c);
  }

  static sent(id: u32, len: u32): u32 {
    const c = Connections.find(id);
    if (c === null) return 0;
    Outbox.sent(c, min<u32>(len, c.unsent));
    if (c.has(CONN_BLOCKED) && mayServe(c)) Input.serveHeld(c);
    Input.settle();
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
    resetConnection(c);
    forgetRequests(c);
    if (c.domain.conn == c.id) c.domain.conn = 0;
    if (c.has(CONN_EXTRA)) Connections.extra--;
    if (Trace.on) Trace.object("DESTROY", "connection", c.id);
    Kept.forget(c);
    Connections.close(c);
    Input.settle();
    return Server.globalWants();
  }

  static status(id: u32): u32 {
    const c = Connections.find(id);
    return c === null ? 0 : Server.wants(c);
  }

  static poll(): u32 {
    Input.settle();
    const c = Connections.takeDirty();
    return c === null ? 0 : c.id;
  }

  /** @returns milliseconds until the next call is wanted, or -1 */
  static tick(nowMs: f64): f64 {
    // A clock that jumps back stands still until it has caught up.
    const now = max<u64>(<u64>nowMs, Outbox.nowMs);
    const elapsed = now - Outbox.nowMs;
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
    Input.settle();
    if (Versions.backlog) {
      Versions.work(BACKLOG);
      return BACKLOG_MS;
    }
    if (Connections.blocked !== null) return RETRY_MS;
    return Events.toGuests > 0 && Outbox.timeoutMs > 0 ? EXPIRE_MS : -1;
  }

  /** The host's word on a domain. */
  static domainState(domid: u32, state: u32): u32 {
    if (domid >= DOMID_FIRST_RESERVED) return Server.globalWants();
    Domains.setExisting(domid, state != DOMAIN_GONE);
    const d = Domains.find(domid);
    if (d !== null && !d.privileged && domid != Domains.store) {
      actAsStore();
      if (state == DOMAIN_GONE) endDomain(d);
      else if (state == DOMAIN_SHUTDOWN) shutDown(d);
      Input.settle();
    } else if (d === null && state == DOMAIN_GONE) {
      // It may have been named in lists without having a record.
      Journal.numbers(J_FORGET, domid, 0);
      Perms.forget(domid);
    }
    return Server.globalWants();
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
    let bits: u32 = Connections.dirtyFirst !== null ? WANT_POLL : 0;
    if (Log.len > 0) bits |= WANT_LOG;
    if (Journal.waits) bits |= WANT_STORE;
    return Task.fresh ? bits | WANT_TASK : bits;
  }
}
