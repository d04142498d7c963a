// Ring: the page that a guest and the store share, as two queues of bytes.
// Holds   nothing; it reads and writes struct xenstore_domain_interface in a copy of the page.
// Never   trusts an index: a queue that holds more than its size is broken.
// Source  the XenStore protocol, ring.
//
//      0 requests (1024)   1024 replies (1024)
//   2048 req_cons   2052 req_prod   2056 rsp_cons   2060 rsp_prod
//   2064 server_features   2068 connection   2072 error   2076 evtchn_port
//
// Indexes run freely modulo 2^32; position x lies at byte x mod 1024 of its queue.

import {
  XENSTORE_RING_CONNECTION,
  XENSTORE_RING_ERROR,
  XENSTORE_RING_FEATURES,
  XENSTORE_RING_REQ_CONS,
  XENSTORE_RING_REQ_PROD,
  XENSTORE_RING_RSP,
  XENSTORE_RING_RSP_CONS,
  XENSTORE_RING_RSP_PROD,
  XENSTORE_RING_SIZE,
} from "../xs_wire";

const MASK: u32 = XENSTORE_RING_SIZE - 1;

export class Ring {
  /** Do both queues hold at most what fits? */
  static sound(page: usize): bool {
    return Ring.requested(page) <= XENSTORE_RING_SIZE && Ring.replied(page) <= XENSTORE_RING_SIZE;
  }

  /** Bytes of requests that wait. */
  static requested(page: usize): u32 {
    return load<u32>(page + XENSTORE_RING_REQ_PROD) - load<u32>(page + XENSTORE_RING_REQ_CONS);
  }

  /** Bytes of replies that the guest has not taken. */
  static replied(page: usize): u32 {
    return load<u32>(page + XENSTORE_RING_RSP_PROD) - load<u32>(page + XENSTORE_RING_RSP_CONS);
  }

  /** Index up to which replies have been put into the page. */
  static shown(page: usize): u32 {
    return load<u32>(page + XENSTORE_RING_RSP_PROD);
  }

  /** Copies the requests that wait to `to`, in order; they stay in the queue. */
  static peek(page: usize, to: usize): u32 {
    const len = Ring.requested(page);
    const from = load<u32>(page + XENSTORE_RING_REQ_CONS) & MASK;
    const head = min<u32>(len, XENSTORE_RING_SIZE - from);
    memory.copy(to, page + from, head);
    memory.copy(to + head, page, len - head);
    return len;
  }

  /** Takes `len` bytes of requests out of the queue. */
  static consume(page: usize, len: u32): void {
    const at = page + XENSTORE_RING_REQ_CONS;
    store<u32>(at, load<u32>(at) + len);
  }

  /** Puts as much of `len` bytes into the reply queue as fits. @returns how many */
  static produce(page: usize, from: usize, len: u32): u32 {
    const at = page + XENSTORE_RING_RSP_PROD;
    const prod = load<u32>(at);
    const fits = min<u32>(len, XENSTORE_RING_SIZE - Ring.replied(page));
    const start = prod & MASK;
    const head = min<u32>(fits, XENSTORE_RING_SIZE - start);
    const queue = page + XENSTORE_RING_RSP;
    memory.copy(queue + start, from, head);
    memory.copy(queue, from + head, fits - head);
    store<u32>(at, prod + fits);
    return fits;
  }

  /** Empties both queues and says that the connection stands. */
  static reset(page: usize): void {
    store<u32>(page + XENSTORE_RING_REQ_CONS, 0);
    store<u32>(page + XENSTORE_RING_REQ_PROD, 0);
    store<u32>(page + XENSTORE_RING_RSP_CONS, 0);
    store<u32>(page + XENSTORE_RING_RSP_PROD, 0);
    store<u32>(page + XENSTORE_RING_ERROR, 0);
    Ring.connect(page);
  }

  static connect(page: usize): void {
    store<u32>(page + XENSTORE_RING_CONNECTION, 0);
  }

  /** Has the guest asked to begin anew? */
  static wantsReconnect(page: usize): bool {
    return load<u32>(page + XENSTORE_RING_CONNECTION) == 1;
  }

  static setFeatures(page: usize, features: u32): void {
    store<u32>(page + XENSTORE_RING_FEATURES, features);
  }

  static error(page: usize): u32 {
    return load<u32>(page + XENSTORE_RING_ERROR);
  }

  static setError(page: usize, error: u32): void {
    store<u32>(page + XENSTORE_RING_ERROR, error);
  }
}
