// Quota: what a domain may use, and the names under which it is said.
// Holds   the global values, those that the host gave, and the highest counts seen.
// Never   refuses by itself: whoever changes something asks first.
// Source  the XenStore protocol, quotas.

import { Bytes } from "../base/bytes";

export const QUOTA_NODES: u32 = 0;
export const QUOTA_WATCHES: u32 = 1;
export const QUOTA_OUTSTANDING: u32 = 2;
export const QUOTA_MEMORY: u32 = 3;
export const QUOTA_SOFT_MEMORY: u32 = 4;
export const QUOTA_TRANSACTIONS: u32 = 5;
export const QUOTA_TRANSACTION_NODES: u32 = 6;
export const QUOTA_NODE_PERMISSIONS: u32 = 7;
export const QUOTA_PATH_MAX: u32 = 8;
export const QUOTA_NODE_SIZE: u32 = 9;
export const QUOTA_COUNT: u32 = 10;
/** The first of them are counted for each domain; the rest only bound one request. */
export const COUNTED: u32 = 6;

const PATH_MAX_LIMIT: u32 = 2048;
const values: usize = memory.data(40);
/** As the host gave them; requests change only those above. */
const given: usize = memory.data(40);
const highest: usize = memory.data(40);

export class Quota {
  static init(): void {
    Quota.give(QUOTA_NODES, 1000);
    Quota.give(QUOTA_WATCHES, 128);
    Quota.give(QUOTA_OUTSTANDING, 20);
    Quota.give(QUOTA_MEMORY, 2621440);
    Quota.give(QUOTA_SOFT_MEMORY, 2097152);
    Quota.give(QUOTA_TRANSACTIONS, 10);
    Quota.give(QUOTA_TRANSACTION_NODES, 1024);
    Quota.give(QUOTA_NODE_PERMISSIONS, 5);
    Quota.give(QUOTA_PATH_MAX, PATH_MAX_LIMIT);
    Quota.give(QUOTA_NODE_SIZE, 2048);
  }

  /** The global value; 0 means no limit. */
  @inline
  static value(which: u32): u32 {
    return load<u32>(values + (which << 2));
  }

  /** Which values requests have set: bit `which`. */
  static changed: u32 = 0;

  static set(which: u32, value: u32): void {
    store<u32>(values + (which << 2), value);
  }

  /** A value of the host's: it counts until a request sets another. */
  static give(which: u32, value: u32): void {
    store<u32>(given + (which << 2), value);
    Quota.changed &= ~(1 << which);
    Quota.set(which, value);
  }

  /** What a request has set does not count any more. */
  static giveBack(which: u32): void {
    Quota.set(which, load<u32>(given + (which << 2)));
  }

  /** Highest count that an unprivileged domain has reached. */
  static highest(which: u32): u32 {
    return load<u32>(highest + (which << 2));
  }

  static seen(which: u32, count: u32): void {
    if (count > Quota.highest(which)) store<u32>(highest + (which << 2), count);
  }

  static resetHighest(): void {
    memory.fill(highest, 0, 40);
  }

  static name(which: u32): string {
    switch (which) {
      case QUOTA_NODES:
        return "nodes";
      case QUOTA_WATCHES:
        return "watches";
      case QUOTA_OUTSTANDING:
        return "outstanding";
      case QUOTA_MEMORY:
        return "memory";
      case QUOTA_SOFT_MEMORY:
        return "soft-memory";
      case QUOTA_TRANSACTIONS:
        return "transactions";
      case QUOTA_TRANSACTION_NODES:
        return "transaction-nodes";
      case QUOTA_NODE_PERMISSIONS:
        return "node-permissions";
      case QUOTA_PATH_MAX:
        return "path-max";
      default:
        return "node-size";
    }
  }

  /** Number of the quota with this name, or QUOTA_COUNT. */
  static find(name: usize, len: u32): u32 {
    for (let i: u32 = 0; i < QUOTA_COUNT; i++) if (Bytes.is(name, len, Quota.name(i))) return i;
    return QUOTA_COUNT;
  }
}
