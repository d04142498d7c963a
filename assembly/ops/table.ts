// Table: a row for each message type: who may send it, what comes first, who serves it.
// Holds   the flags of each type.
// Never   serves anything itself. A special case of a type is a flag here.
// Source  the XenStore protocol, message types.

import { ENOSYS, Errno } from "../base/errno";
import {
  XS_CONTROL,
  XS_DIRECTORY,
  XS_DIRECTORY_PART,
  XS_GET_DOMAIN_PATH,
  XS_GET_FEATURE,
  XS_GET_PERMS,
  XS_GET_QUOTA,
  XS_INTRODUCE,
  XS_IS_DOMAIN_INTRODUCED,
  XS_MKDIR,
  XS_READ,
  XS_RELEASE,
  XS_RESET_WATCHES,
  XS_RESUME,
  XS_RM,
  XS_SET_FEATURE,
  XS_SET_PERMS,
  XS_SET_QUOTA,
  XS_SET_TARGET,
  XS_TRANSACTION_END,
  XS_TRANSACTION_START,
  XS_TYPE_COUNT,
  XS_UNWATCH,
  XS_WATCH,
  XS_WRITE,
} from "../xs_wire";
import { control } from "./control";
import {
  getDomainPath,
  introduce,
  isDomainIntroduced,
  release,
  resume,
  setTarget,
} from "./domains";
import { getFeature, getQuota, setFeature, setQuota } from "./features";
import { Nodes } from "./nodes";
import { setPerms } from "./permissions";
import { transactionEnd, transactionStart } from "./transactions";
import { resetWatches, unwatch, watch } from "./watches";

/** There is such a request. */
export const SERVED: u32 = 1;
/** Privileged callers only. */
export const PRIVILEGED: u32 = 2;
/** tx_id must name an open transaction (else it is ignored). */
export const IN_TRANSACTION: u32 = 4;
/** Changes the store, or the daemon: refused to read-only clients. */
export const CHANGES: u32 = 8;
/** Takes memory: refused when there is none left. */
export const ALLOCATES: u32 = 16;
/** Outside a transaction it changes what is stored: refused while that can't be. */
export const STORES: u32 = 64;
/** Ends a transaction, so it is served in one whose snapshot is lost. */
export const ENDS: u32 = 32;

const READS = SERVED | IN_TRANSACTION;
const WRITES = SERVED | IN_TRANSACTION | CHANGES | ALLOCATES | STORES;
const ADMIN = SERVED | IN_TRANSACTION | PRIVILEGED | CHANGES;

export class Requests {
  /** Flags of a message type; 0 for one that is not served. */
  @inline
  static flags(type: u32): u32 {
    return type < XS_TYPE_COUNT ? FLAGS[type] : 0;
  }

  /** Serves the request that `Call` holds. OK means: reply that all went well. */
  static serve(type: u32): Errno {
    switch (type) {
      case XS_READ:
        return Nodes.read();
      case XS_WRITE:
        return Nodes.write();
      case XS_DIRECTORY:
        return Nodes.directory();
      case XS_DIRECTORY_PART:
        return Nodes.directoryPart();
      case XS_MKDIR:
        return Nodes.mkdir();
      case XS_RM:
        return Nodes.rm();
      case XS_GET_PERMS:
        return Nodes.getPerms();
      case XS_SET_PERMS:
        return setPerms();
      case XS_WATCH:
        return watch();
      case XS_UNWATCH:
        return unwatch();
      case XS_RESET_WATCHES:
        return resetWatches();
      case XS_TRANSACTION_START:
        return transactionStart();
      case XS_TRANSACTION_END:
        return transactionEnd();
      case XS_INTRODUCE:
        return introduce();
      case XS_RELEASE:
        return release();
      case XS_RESUME:
        return resume();
      case XS_SET_TARGET:
        return setTarget();
      case XS_IS_DOMAIN_INTRODUCED:
        return isDomainIntroduced();
      case XS_GET_DOMAIN_PATH:
        return getDomainPath();
      case XS_GET_FEATURE:
        return getFeature();
      case XS_SET_FEATURE:
        return setFeature();
      case XS_GET_QUOTA:
        return getQuota();
      case XS_SET_QUOTA:
        return setQuota();
      case XS_CONTROL:
        return control();
      default:
        return ENOSYS;
    }
  }
}

const FLAGS: StaticArray<u32> = [
  /*  0 CONTROL              */ ADMIN,
  /*  1 DIRECTORY            */ READS,
  /*  2 READ                 */ READS,
  /*  3 GET_PERMS            */ READS,
  /*  4 WATCH                */ SERVED | ALLOCATES,
  /*  5 UNWATCH              */ SERVED,
  /*  6 TRANSACTION_START    */ READS | ALLOCATES,
  /*  7 TRANSACTION_END      */ READS | ENDS,
  /*  8 INTRODUCE            */ ADMIN | ALLOCATES | STORES,
  /*  9 RELEASE              */ ADMIN,
  /* 10 GET_DOMAIN_PATH      */ READS,
  /* 11 WRITE                */ WRITES,
  /* 12 MKDIR                */ WRITES,
  /* 13 RM                   */ WRITES & ~ALLOCATES,
  /* 14 SET_PERMS            */ WRITES,
  /* 15 (WATCH_EVENT)        */ 0,
  /* 16 (ERROR)              */ 0,
  /* 17 IS_DOMAIN_INTRODUCED */ READS | PRIVILEGED,
  /* 18 RESUME               */ ADMIN | STORES,
  /* 19 SET_TARGET           */ ADMIN | STORES,
  /* 20 (RESTRICT, removed)  */ 0,
  /* 21 RESET_WATCHES        */ READS | ENDS,
  /* 22 DIRECTORY_PART       */ READS,
  /* 23 GET_FEATURE          */ READS,
  /* 24 SET_FEATURE          */ ADMIN | ALLOCATES | STORES,
  /* 25 GET_QUOTA            */ READS | PRIVILEGED,
  /* 26 SET_QUOTA            */ ADMIN | ALLOCATES | STORES,
];
