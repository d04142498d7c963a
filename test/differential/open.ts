// Open transactions: which of them touched the store late, after others had changed it.
// Holds   for each transaction whether anything changed since START, whether it went on then, and
//         whom it gives nodes.
// Never   knows what was touched or changed: any change counts.
// Source  transactions of the specification, "What a transaction sees".

import {
  XS_MKDIR,
  XS_RELEASE,
  XS_RM,
  XS_SET_PERMS,
  XS_TRANSACTION_END,
  XS_TRANSACTION_START,
  XS_WRITE,
} from "../../assembly/xs_wire.ts";
import type { Act } from "./step.ts";

type Request = Extract<Act, { kind: "request" }>;

const CHANGING: readonly number[] = [XS_WRITE, XS_MKDIR, XS_RM, XS_SET_PERMS, XS_RELEASE];

/** Follows the agreed answers of one sequence. */
export class OpenTransactions {
  readonly #open = new Map<string, { changed: boolean; late: boolean; owners: Set<number> }>();

  /** Takes a request in that both sides answered with `reply`. */
  note(act: Request, reply: string): void {
    const name = nameOf(act);
    if (act.type === XS_TRANSACTION_START && /^\d+\0$/.test(reply)) {
      const opened = { ...act, txId: Number.parseInt(reply, 10) };
      this.#open.set(nameOf(opened), { changed: false, late: false, owners: new Set() });
      return;
    }
    const own = this.#open.get(name);
    if (act.type === XS_TRANSACTION_END && reply !== "EINVAL") this.#open.delete(name);
    else if (own?.changed) own.late = true;
    if (own && act.type === XS_SET_PERMS && reply === "OK") {
      const owner = /^[^\0]*\0[nrwb](\d+)\0/.exec(act.payload)?.[1];
      if (owner !== undefined) own.owners.add(Number(owner));
    }
    const commits = act.type === XS_TRANSACTION_END && act.payload === "T\0";
    if (reply === "OK" && (commits || (act.txId === 0 && CHANGING.includes(act.type)))) {
      this.changed();
    }
  }

  /** The store has changed outside of the open transactions. */
  changed(): void {
    for (const transaction of this.#open.values()) transaction.changed = true;
  }

  /** Whether the request's transaction gives a node to one of these domains. */
  gives(act: Request, domids: ReadonlySet<number>): boolean {
    const owners = this.#open.get(nameOf(act))?.owners ?? [];
    return [...owners].some((domid) => domids.has(domid));
  }

  /** Whether the request's transaction touched, or touches now, the store after it had changed. */
  touchedLate(act: Request): boolean {
    const own = this.#open.get(nameOf(act));
    if (own === undefined) return false;
    return act.type === XS_TRANSACTION_END ? own.late : own.changed;
  }
}

const nameOf = ({ conn, txId }: Request) => `${conn} ${txId}`;
