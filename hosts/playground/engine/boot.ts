// Boot: the engine put together, and the session that it begins with.
// Holds   which features there are, and which session comes first.
// Never   knows a worker: main.ts gives it ways to speak.
// Source  our own.

import type { WasmSource } from "../../entry/browser.ts";
import type { ToPage } from "../model/protocol.ts";
import { SCENARIOS } from "../scenarios/index.ts";
import { consoleFeature } from "./consoles.ts";
import { domainFeature } from "./domains.ts";
import { Engine } from "./engine.ts";
import { Keep } from "./keep.ts";
import { loadFeature } from "./load.ts";
import { openFeature } from "./open_feature.ts";
import { emptyBeginning, readBeginning, scenarioBeginning } from "./openings.ts";
import { packetFeature } from "./packet_feature.ts";
import { quotaFeature } from "./quotas.ts";
import { ringFeature } from "./ring_feature.ts";
import { scenarioFeature } from "./scenario_runner.ts";
import { scriptFeature } from "./script_port.ts";
import { sessionFeature } from "./session_feature.ts";
import { readSession } from "./session_read.ts";
import { TimeTravel, timeFeature } from "./time_feature.ts";
import { transactionFeature } from "./transactions.ts";
import { treeFeature } from "./tree_feature.ts";

/** Where a tab comes from. */
export interface Arrival {
  /** It was opened by a link: that says what comes first. */
  readonly link: boolean;
  /** The session that this tab had before it was loaded again. */
  readonly session: string | null;
}

export interface Parts {
  readonly engine: Engine;
  readonly keep: Keep;
}

/** Puts an engine together; nothing is open yet. */
export function makeEngine(
  wasm: WasmSource,
  post: (message: ToPage, transfer?: Transferable[]) => void,
): Parts {
  const engine = new Engine(wasm, post);
  const keep = new Keep();
  keep.onState = () => engine.changed();
  engine.keeper = keep;
  const time = new TimeTravel(engine);
  const load = loadFeature(engine);
  engine.add(
    domainFeature(engine),
    consoleFeature(engine),
    ringFeature(engine),
    transactionFeature(engine),
    quotaFeature(engine),
    load,
    scriptFeature(engine),
    scenarioFeature(engine),
    treeFeature(engine, time),
    timeFeature(engine, time),
    packetFeature(engine),
    sessionFeature(engine, { kept: () => keep.state, load: () => load.rate() }),
    openFeature(engine, keep, time),
  );
  return { engine, keep };
}

/** Opens what the tab had, else what was changed last and no tab has, else the first scenario. */
export async function arrive({ engine, keep }: Parts, arrival: Arrival): Promise<void> {
  const kept = await keep.list().catch(() => []);
  const own = kept.find(({ id }) => id === arrival.session);
  const others = kept.filter((one) => !one.busy && one !== own);
  for (const { id } of own ? [own, ...others.slice(0, 1)] : others.slice(0, 1)) {
    try {
      const read = readSession(await keep.read(id));
      if (!(await keep.take(id, id === arrival.session))) continue;
      await engine.open(() => readBeginning(read, id));
      const [problem] = read.problems;
      if (problem) {
        const where = `from its line ${problem.line} on`;
        engine.notice(
          "warning",
          `The kept session is damaged ${where}: what comes before is here.`,
        );
      }
      return;
    } catch (error) {
      engine.notice("warning", `A kept session could not be opened: ${(error as Error).message}`);
    }
  }
  const [first] = SCENARIOS;
  const begin = first ? scenarioBeginning(first) : emptyBeginning();
  const start = { ...begin, keep: "later" as const };
  await keep.take(start.id, false);
  await engine.open(() => start);
  if (kept.some(({ busy }) => busy)) {
    const text = "Other tabs have your sessions open: this one has one of its own.";
    engine.notice("info", text);
  }
}
