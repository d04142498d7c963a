// Arena: pairs of fresh stores, set up alike, for one sequence each.
// Holds   the kinds of pairing, and which options make a peer and ours agree on the limits.
// Never   uses a store for a second sequence.
// Source  quotas of the specification, "The comparison" for the off-by-ones.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { XENSTORE_SERVER_FEATURES } from "../../assembly/xs_wire.ts";
import { type Peer, type PeerOptions, startC, startOcaml, startOurs } from "../peers/peer.ts";
import { DaemonSide } from "./daemon.ts";
import { C417, OX417, type Rule } from "./known.ts";
import { CoreSide, type Quotas, type Side } from "./side.ts";

/** Who is compared with whom, and how. */
export type Pairing = {
  name: string;
  peer: "c" | "ocaml";
  /**
   * "core": in this process; "daemon": ours over its socket; "machine": the same with a simulated
   * machine, and guests that speak through their rings; "twin": the peer a second time.
   */
  other: "core" | "daemon" | "machine" | "twin";
  /** Our core judges conflicts as the C daemon does. */
  strict: boolean;
  limits: Limits;
  rules: readonly Rule[];
};

type Limits = { peer: PeerOptions; ours: Quotas };

const NONE = 2_000_000_000;
/** The clock of a peer runs faster, so that its limit of writes per second is soon over. */
const CLOCK = 1000;
/** C 4.17 counts 24 bytes for a node without anything in it, newer ones and ours 16. */
const NODE_HEAD = 24 - 16;

const options = (quota: "raised" | "default", ...more: string[]): PeerOptions => ({
  quota,
  clock: CLOCK,
  arguments: ["--timeout", "watch-event=0", ...more],
});

/** No sequence meets a limit. */
const RAISED: Limits = {
  peer: options("raised"),
  ours: {
    nodes: NONE,
    watches: NONE,
    outstanding: NONE,
    memory: NONE,
    transactions: NONE,
    "transaction-nodes": NONE,
    "node-permissions": 1000,
    "node-size": 65536 - NODE_HEAD,
  },
};

/** The defaults; C 4.17 lets one watch and one transaction more than configured pass. */
const DEFAULT: Limits = {
  peer: options("default"),
  ours: { watches: 129, transactions: 11, "node-size": 2048 - NODE_HEAD },
};

/** Limits so low that every sequence meets them. */
const LOW: Limits = {
  peer: options(
    "default",
    ...["--entry-nb", "25", "--entry-size", "200", "--watch-nb", "2", "--transaction", "1"],
    ...["--perm-nb", "3", "--quota", "transaction-nodes=10"],
  ),
  ours: {
    nodes: 25,
    "node-size": 200 - NODE_HEAD,
    watches: 3,
    transactions: 2,
    "node-permissions": 3,
    "transaction-nodes": 10,
  },
};

const c = (name: string, limits: Limits, strict = true): Pairing => ({
  name,
  peer: "c",
  other: "core",
  strict,
  limits,
  rules: C417,
});

export const STRICT_RAISED = c("C 4.17, no limits", RAISED);
export const STRICT_DEFAULT = c("C 4.17, default quotas", DEFAULT);
export const STRICT_LOW = c("C 4.17, low quotas", LOW);
export const OBSERVED = c("C 4.17, conflicts by what was observed", RAISED, false);
export const DAEMON: Pairing = { ...OBSERVED, name: "C 4.17, our daemon", other: "daemon" };
export const RINGS: Pairing = { ...OBSERVED, name: "C 4.17, our daemon's rings", other: "machine" };
export const TWINS: Pairing = { ...STRICT_LOW, name: "C 4.17 twice", other: "twin", rules: [] };
/** oxenstored shows a snapshot and commits what a replay answers alike, as ours does. */
export const SNAPSHOTS: Pairing = {
  ...OBSERVED,
  name: "oxenstored 4.17, transactions",
  peer: "ocaml",
  limits: { peer: { quota: "raised" }, ours: RAISED.ours },
  rules: OX417,
};

/** Two fresh stores. `stop` ends both and removes their folder. */
export type Pair = { peer: Side; ours: Side; stop(): Promise<void> };

/** Starts what a pairing asks for. */
export async function pair(pairing: Pairing): Promise<Pair> {
  const dir = mkdtempSync(join(tmpdir(), "xenstore-differential-"));
  const started: Side[] = [];
  const daemon = async (starter: typeof startC, name: string, asked: PeerOptions) => {
    const peer: Peer = await starter(join(dir, name), asked);
    const side = new DaemonSide(peer, pairing.other !== "daemon" && pairing.peer === "c");
    started.push(side);
    return side;
  };
  const stop = async () => {
    for (const side of started) await side.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const starter = pairing.peer === "c" ? startC : startOcaml;
    const peer = await daemon(starter, "p", pairing.limits.peer);
    const ours = await other(pairing, daemon, starter, dir);
    return { peer, ours, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Daemon = (starter: typeof startC, name: string, asked: PeerOptions) => Promise<DaemonSide>;

async function other(
  pairing: Pairing,
  daemon: Daemon,
  starter: typeof startC,
  dir: string,
): Promise<Side> {
  const { limits, strict } = pairing;
  if (pairing.other === "twin") return daemon(starter, "q", limits.peer);
  // C 4.17 and oxenstored know no depth of watches.
  const features = 0;
  if (pairing.other === "core") return new CoreSide({ quotas: limits.ours, features, strict });
  const machine = pairing.other === "machine" ? ["--simulate", join(dir, "q", "xen")] : [];
  const args = ["--timeout", "watch-event=0", ...machine];
  return daemon(startOurs, "q", { quota: "raised", arguments: args });
}

/** One fresh store with default quotas, for the replay of a trace. */
export async function single(which: "core" | "c"): Promise<{ side: Side; stop(): Promise<void> }> {
  if (which === "core") {
    const features = XENSTORE_SERVER_FEATURES;
    const side = new CoreSide({ quotas: {}, features, strict: false });
    return { side, stop: () => side.stop() };
  }
  const dir = mkdtempSync(join(tmpdir(), "xenstore-replay-"));
  const side = new DaemonSide(await startC(join(dir, "p"), DEFAULT.peer), true);
  const stop = async () => {
    await side.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  return { side, stop };
}
