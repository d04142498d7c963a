// Machine: questions about domains that only the host can answer.
// Holds   the one question that is open, and the answers for the request that waits for them.
// Never   waits: the request is put back, and served again when the host has answered.
// Source  our own; the XenStore protocol asks for a domain's existence in SET_PERMS and INTRODUCE.

import { ASK_EXISTS, ASK_MAP, ASK_NOTHING } from "../abi";
import { DOMID_INVALID } from "../xs_wire";

/** Domains that do not exist, found while one request is served: a request has few entries. */
const missing: usize = memory.data(4096);
const MISSING_MAX: u32 = 1024;

export class Machine {
  /** The host answers questions; else every ordinary domain exists and has no ring. */
  static present: bool = false;
  static kind: u32 = ASK_NOTHING;
  static domid: u32 = 0;
  static port: u32 = 0;
  /** Frame number of the ring page, as the toolstack gave it; 0 for none. */
  static frame: u64 = 0;
  /** Connection whose request waits for an answer, or has had one; and the one being served. */
  static conn: u32 = 0;
  static serving: u32 = 0;
  /** The request being served needs an answer: it is put back, whatever its handler returns. */
  static wanted: bool = false;
  private static missingCount: u32 = 0;
  /** The answer to ASK_MAP, and for which domain; DOMID_INVALID if there is none. */
  private static mapped: bool = false;
  private static mapDomid: u32 = DOMID_INVALID;

  /** Has the host said that the domain does not exist? If nothing was said yet, asks. */
  static isMissing(domid: u32): bool {
    const mine = Machine.conn == Machine.serving;
    for (let i: u32 = 0; mine && i < Machine.missingCount; i++) {
      if (load<u32>(missing + (i << 2)) == domid) return true;
    }
    Machine.ask(ASK_EXISTS, domid);
    return false;
  }

  /** @returns true when the domain's page is mapped; else asks, or the host could not */
  static map(domid: u32, port: u32, frame: u64): bool {
    const mine = Machine.conn == Machine.serving;
    if (mine && Machine.mapDomid == domid) return Machine.mapped;
    if (Machine.ask(ASK_MAP, domid)) {
      Machine.port = port;
      Machine.frame = frame;
    }
    return false;
  }

  /** The host's answer to the open question. */
  static answer(yes: bool): void {
    if (Machine.kind == ASK_MAP) {
      Machine.mapped = yes;
      Machine.mapDomid = Machine.domid;
    } else if (Machine.kind == ASK_EXISTS && !yes && Machine.missingCount < MISSING_MAX) {
      store<u32>(missing + (Machine.missingCount++ << 2), Machine.domid);
    }
    Machine.kind = ASK_NOTHING;
  }

  /** The request is served, or its connection gone: its answers are not for the next one. */
  static forget(): void {
    Machine.kind = ASK_NOTHING;
    Machine.missingCount = 0;
    Machine.mapDomid = DOMID_INVALID;
    Machine.conn = 0;
  }

  /** @returns true when it is the question that the host will see */
  private static ask(kind: u32, domid: u32): bool {
    Machine.wanted = true;
    if (Machine.conn != Machine.serving) {
      // One question at a time: another connection's request waits until that one is answered.
      if (Machine.kind != ASK_NOTHING) return false;
      // Answered, but not served since: it will ask again.
      Machine.forget();
      Machine.conn = Machine.serving;
    }
    Machine.kind = kind;
    Machine.domid = domid;
    return true;
  }
}
