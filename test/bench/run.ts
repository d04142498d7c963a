// Run: all workloads with all peers, in turn, on one processor.
// Holds   the order A B C A B C, so that a machine's slow spells meet every peer.
// Never   lets one peer's failure end the others' run: it becomes a line of the result.
// Source  our own.

import type { Figure } from "./figures.ts";
import type { Contestant } from "./peers.ts";
import { type Daemon, type Effort, Session } from "./session.ts";
import type { System } from "./system.ts";
import type { Run, Workload } from "./workload.ts";

/** How generator and daemons share the processors. */
export type Pin = "same" | "split" | "none";

export interface Plan {
  workloads: Workload[];
  contestants: Contestant[];
  rounds: number;
  effort: Effort;
  pin: Pin;
  /** The processor for the daemons, and with "same" for the generator. */
  cpu: number;
}

/** A peer that could not do a workload. */
export interface Failure {
  workload: string;
  peer: string;
  reason: string;
}

export interface Outcome {
  figures: Figure[];
  failures: Failure[];
}

interface Entry {
  session: Session;
  run: Run | null;
}

/**
 * Measures.
 * @param progress  told what comes next, for a reader who waits
 * @param signal    ends the run between two rounds; what was measured until then is returned
 */
export async function measureAll(
  system: System,
  plan: Plan,
  progress: (text: string) => void,
  signal?: AbortSignal,
): Promise<Outcome> {
  const outcome: Outcome = { figures: [], failures: [] };
  system.raiseFileLimit();
  if (plan.pin !== "none") system.pin(0, plan.pin === "same" ? plan.cpu : otherCpu(plan.cpu));
  for (const workload of plan.workloads) {
    if (signal?.aborted) break;
    await measure(system, plan, workload, outcome, progress, signal);
  }
  return outcome;
}

const otherCpu = (cpu: number) => (cpu === 0 ? 1 : 0);

async function measure(
  system: System,
  plan: Plan,
  workload: Workload,
  outcome: Outcome,
  progress: (text: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const entries: Entry[] = [];
  const attempt = async (entry: Entry, what: () => Promise<void>) => {
    try {
      await what();
    } catch (error) {
      entry.run = null;
      const reason = (error as Error).message;
      outcome.failures.push({ workload: workload.name, peer: entry.session.peer, reason });
    }
  };
  try {
    for (const contestant of plan.contestants) {
      if (contestant.fixed && !workload.fixedAnswers) continue;
      if (workload.needs && !contestant.offers.includes(workload.needs)) continue;
      progress(`${workload.name}: preparing ${contestant.name}`);
      const daemons: Daemon[] = [];
      const session = new Session(workload.name, contestant.name, daemons, system, plan.effort);
      const entry: Entry = { session, run: null };
      entries.push(entry);
      await attempt(entry, async () => {
        for (let i = 0; i < (workload.daemons ?? 1); i++) {
          daemons.push(await contestant.start());
          if (plan.pin !== "none") system.pin(daemons[i].pid, plan.cpu);
        }
        entry.run = await workload.open(session);
      });
    }
    for (let round = 1; round <= plan.rounds && !signal?.aborted; round++) {
      progress(`${workload.name}: round ${round} of ${plan.rounds}`);
      for (const entry of entries) {
        await attempt(entry, async () => entry.run?.round());
        // Signals and timers have had no turn during the round.
        await new Promise((next) => setImmediate(next));
      }
    }
  } finally {
    for (const { session } of entries) {
      outcome.figures.push(...session.figures);
      await session.end();
      await Promise.all(session.daemons.map((daemon) => daemon.stop()));
    }
  }
}
