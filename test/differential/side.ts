// Side: one of the two stores that a differential run compares.
// Holds   what a side can be asked, and the core in this process as a side.
// Never   compares.
// Source  our own; the core is driven as test/hub.ts does it.

import {
  DOMAIN_GONE,
  DOMAIN_SHUTDOWN,
  OPT_FEATURES,
  OPT_QUOTA_NODES,
  OPT_STRICT_CONFLICTS,
  OPT_TIMEOUT_WATCH_EVENT,
} from "../../assembly/abi.ts";
import { Core } from "../core.ts";
import { Hub, type Received } from "../hub.ts";
import { encode } from "../message.ts";
import { QUOTAS } from "../stages.ts";
import type { Act } from "./step.ts";

/** What each connection received because of one step; connections without news are absent. */
export type Outcome = Map<string, Received>;

/** A store that carries out steps. */
export type Side = {
  name: string;
  /** Carries out one step and returns everything it caused. */
  act(act: Act): Promise<Outcome>;
  /** Ends it. */
  stop(): Promise<void>;
};

/** The side itself failed: it ended, or it does not answer. */
export class SideLost extends Error {}

/** The hard quotas of a run by their names in GET_QUOTA; what is missing keeps its default. */
export type Quotas = Readonly<Record<string, number>>;

/** What a store is set to before a sequence. */
export type Setting = {
  quotas: Quotas;
  /** Bits of XENSTORE_SERVER_FEATURE_*; a peer that knows none of them is compared with 0. */
  features: number;
  /** Decide about conflicts as the C daemon does. */
  strict: boolean;
};

const PASS_MS = 1000;
const PASS_LIMIT = 1000;
/** Of the requests under way: any fixed number does, since there is one at a time. */
const REQ_ID = 7;

/** The core in this process; sockets and guests alike are streams. */
export class CoreSide implements Side {
  readonly name = "ours";
  readonly #hub: Hub;

  constructor(setting: Setting) {
    const quotas = Object.entries(setting.quotas).map(([name, value]): [number, number] => [
      OPT_QUOTA_NODES + QUOTAS.indexOf(name),
      value,
    ]);
    const core = new Core([
      ...quotas,
      [OPT_FEATURES, setting.features],
      [OPT_STRICT_CONFLICTS, setting.strict ? 1 : 0],
      [OPT_TIMEOUT_WATCH_EVENT, 0],
    ]);
    this.#hub = new Hub(core);
  }

  async act(act: Act): Promise<Outcome> {
    if (act.kind === "disconnect") {
      this.#hub.open(act.conn);
      this.#hub.disconnect(act.conn);
    } else if (act.kind === "domain") {
      this.#hub.domainState(act.domid, act.state === "dies" ? DOMAIN_GONE : DOMAIN_SHUTDOWN);
    } else {
      return this.#request(act);
    }
    return withoutGuestEnds(this.#hub.collect());
  }

  async stop(): Promise<void> {}

  #request(act: Extract<Act, { kind: "request" }>): Outcome {
    const { conn, type, txId, payload } = act;
    this.#hub.send(conn, encode({ type, reqId: REQ_ID, txId, payload }));
    // A guest that writes much while somebody has a transaction open waits for its credit.
    for (let n = 0; this.#heldBack(conn); n += 1) {
      if (n === PASS_LIMIT) throw new SideLost(`ours holds a request of ${conn} back for ever`);
      this.#hub.pass(PASS_MS);
    }
    return withoutGuestEnds(this.#hub.collect());
  }

  #heldBack(conn: string): boolean {
    return this.#hub.names().includes(conn) && this.#hub.isPaused(conn);
  }
}

/** A guest's stream ends when its domain is introduced anew; a ring has nothing to show there. */
function withoutGuestEnds(outcome: Outcome): Outcome {
  for (const [name, received] of outcome) {
    if (!/^dom[1-9]/.test(name) || !received.closed) continue;
    if (received.messages.length === 0) outcome.delete(name);
    else received.closed = false;
  }
  return outcome;
}
