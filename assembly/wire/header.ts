// Header: the 16 bytes in front of every message.
// Holds   nothing; it reads and writes struct xsd_sockmsg where it lies.
// Never   knows what a message means.
// Source  the XenStore protocol, header.
//
//   0 type | 4 req_id | 8 tx_id | 12 len | 16 payload of len bytes

import { XS_HEADER_SIZE } from "../xs_wire";

@unmanaged
export class Header {
  type: u32;
  reqId: u32;
  txId: u32;
  len: u32;

  @inline
  static at(ptr: usize): Header {
    return changetype<Header>(ptr);
  }

  static put(ptr: usize, type: u32, reqId: u32, txId: u32, len: u32): void {
    const h = changetype<Header>(ptr);
    h.type = type;
    h.reqId = reqId;
    h.txId = txId;
    h.len = len;
  }

  @inline
  get payload(): usize {
    return changetype<usize>(this) + XS_HEADER_SIZE;
  }
}
