// Generations: opaque numbers of DIRECTORY_PART that must change when and only when C's do.
// Holds   what each node's generation was the last time, on both sides.
// Never   compares the numbers of one side with those of the other.
// Source  DIRECTORY_PART of the XenStore protocol: a client starts over when the number changed.

import { XS_DIRECTORY_PART } from "../../assembly/xs_wire.ts";
import type { Act } from "./step.ts";

export class Generations {
  readonly #last = new Map<string, { peer: string; ours: string }>();

  /** Takes in what both sides answered; says whether both changed, or both stayed as they were. */
  agree(act: Act, peerReply: string, ourReply: string): boolean {
    if (act.kind !== "request" || act.type !== XS_DIRECTORY_PART || act.txId !== 0) return true;
    const path = act.payload.split("\0")[0];
    const home = `/local/domain/${/^dom(\d+)/.exec(act.conn)?.[1]}/`;
    const name = path.startsWith("/") ? path : home + path;
    const now = { peer: peerReply.split("\0")[0], ours: ourReply.split("\0")[0] };
    if (!/^\d+$/.test(now.peer) || !/^\d+$/.test(now.ours)) return true;
    const last = this.#last.get(name);
    this.#last.set(name, now);
    return last === undefined || (last.peer === now.peer) === (last.ours === now.ours);
  }
}
