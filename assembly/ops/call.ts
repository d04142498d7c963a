// Call: the request being served: its caller, its strings, its reply.
// Holds   one request at a time.
// Never   decides what a request means.
// Source  the XenStore protocol, payload syntax.

import { Bytes } from "../base/bytes";
import { E2BIG, Errno, errnoName, REPLIED } from "../base/errno";
import { Connection } from "../connection/connection";
import { Outbox } from "../connection/outbox";
import { Domain } from "../store/domain";
import { Path } from "../store/path";
import { Caller } from "../store/perms";
import { QUOTA_PATH_MAX } from "../store/quota";
import { View } from "../store/view";
import { Header } from "../wire/header";
import { XENSTORE_PAYLOAD_MAX, XS_ERROR, XS_HEADER_SIZE } from "../xs_wire";

export class Call {
  static conn: Connection = changetype<Connection>(0);
  static type: u32 = 0;
  static reqId: u32 = 0;
  static txId: u32 = 0;
  /** The payload, `len` bytes. */
  static body: usize = 0;
  static len: u32 = 0;

  /** Takes up the message at `h` that came in on `c`. */
  static begin(c: Connection, h: Header): void {
    Call.conn = c;
    Call.type = h.type;
    Call.reqId = h.reqId;
    Call.txId = h.txId;
    Call.len = h.len;
    Call.body = h.payload;
    Call.speakAs(c.domain);
    View.tx = null;
  }

  /** Permissions and quotas are asked on behalf of this domain. */
  static speakAs(d: Domain): void {
    Caller.id = d.domid;
    Caller.target = d.target;
    Caller.privileged = d.privileged;
    View.domain = d;
  }

  static get domain(): Domain {
    return Call.conn.domain;
  }

  /** Is the payload one string, its only NUL the last byte? */
  static isOne(): bool {
    return Call.len > 0 && Bytes.findNul(Call.body, Call.len) == Call.len - 1;
  }

  /** Number of strings: bytes behind the last NUL do not count. */
  static strings(): u32 {
    return Bytes.countNuls(Call.body, Call.len);
  }

  /** String `index`; there must be as many. Its length is `stringLen`. */
  static string(index: u32): usize {
    let at: u32 = 0;
    for (; index > 0; index--) at += Bytes.findNul(Call.body + at, Call.len - at) + 1;
    return Call.body + at;
  }

  /** Length of the string at `ptr` inside the payload, without its NUL. */
  static stringLen(ptr: usize): u32 {
    return Bytes.findNul(ptr, Call.len - <u32>(ptr - Call.body));
  }

  /** Takes the first string, of `len` bytes, as the path. */
  static path(len: u32, allowSpecial: bool): Errno {
    const d = Call.domain;
    const limit = d.privileged ? 0 : d.limit(QUOTA_PATH_MAX);
    return Path.parse(Call.body, len, d.domid, allowSpecial, limit);
  }

  /** String `index` as a domid, or -1. */
  static domid(index: u32): i64 {
    const ptr = Call.string(index);
    return Bytes.strictNumber(ptr, Call.stringLen(ptr), 0xffff);
  }

  /** String `index` as a number: what follows the digits is ignored. */
  static number(index: u32): i64 {
    const ptr = Call.string(index);
    return Bytes.looseNumber(ptr, Call.stringLen(ptr));
  }

  /** A place for at most `len` bytes of reply; 0 when the connection is to be closed. */
  static open(len: u32): usize {
    const at = Outbox.room(Call.conn, XS_HEADER_SIZE + len);
    return at == 0 ? 0 : at + XS_HEADER_SIZE;
  }

  /** The reply is the `len` bytes at the place that `open` gave. */
  static close(len: u32): Errno {
    const c = Call.conn;
    Header.put(c.outPtr + c.outEnd, Call.type, Call.reqId, Call.txId, len);
    Outbox.addReply(c, XS_HEADER_SIZE + len);
    return REPLIED;
  }

  /** Replies with bytes that lie elsewhere. */
  static reply(ptr: usize, len: u32): Errno {
    if (len > XENSTORE_PAYLOAD_MAX) return E2BIG;
    const at = Call.open(len);
    if (at == 0) return REPLIED;
    memory.copy(at, ptr, len);
    return Call.close(len);
  }

  /** Replies with ASCII text and a NUL. */
  static replyText(text: string): Errno {
    const len = <u32>text.length;
    const at = Call.open(len + 1);
    if (at == 0) return REPLIED;
    Bytes.putText(at, text, len);
    store<u8>(at + len, 0);
    return Call.close(len + 1);
  }

  /** Replies with a decimal number and a NUL. */
  static replyNumber(value: u64): Errno {
    const at = Call.open(21);
    if (at == 0) return REPLIED;
    const len = Bytes.putDecimal(at, value);
    store<u8>(at + len, 0);
    return Call.close(len + 1);
  }

  /** Replies with the three bytes that say yes. */
  static ok(): Errno {
    const at = Call.open(3);
    if (at == 0) return REPLIED;
    store<u16>(at, 0x4b4f);
    store<u8>(at + 2, 0);
    return Call.close(3);
  }

  static error(errno: Errno): void {
    const name = errnoName(errno);
    Call.type = XS_ERROR;
    Call.replyText(name);
  }
}
