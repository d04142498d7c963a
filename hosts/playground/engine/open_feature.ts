// Open feature: sessions opened, kept, forked, sent and saved.
// Holds   nothing: the engine has the session, Keep its file.
// Never   opens what could not be read at all; what was open stays then.
// Source  our own; "The playground" in ARCHITECTURE.md.

import { replay, type TraceRecord } from "../../entry/testing.ts";
import { type ListedNode, listingLine } from "../model/listing.ts";
import { pack, unpack } from "../model/pack.ts";
import type { Found } from "../model/protocol.ts";
import { SCENARIOS } from "../scenarios/index.ts";
import type { Engine } from "./engine.ts";
import type { Feature } from "./feature.ts";
import { type Given, recognise } from "./given.ts";
import type { Keep } from "./keep.ts";
import {
  bareBeginning,
  emptyBeginning,
  listingBeginning,
  readBeginning,
  scenarioBeginning,
} from "./openings.ts";
import type { Beginning } from "./session.ts";
import { readSession } from "./session_read.ts";
import { sessionText } from "./session_write.ts";
import type { TimeTravel } from "./time_feature.ts";
import { traceText } from "./trace_export.ts";

/** A link longer than this is no link any more. */
const LINK_MAX = 2_000_000;

export function openFeature(engine: Engine, keep: Keep, time: TimeTravel): Feature {
  const open = (make: () => Beginning | Promise<Beginning>) => openKept(engine, keep, make);

  return {
    ops: {
      "open.look": async ({ data, name }) => lookOf(await recognise(data, name)),
      "open.do": async ({ data, name }) => {
        const given = await recognise(data, name);
        await openGiven(engine, open, given);
      },
      "open.link": async ({ fragment }) => {
        const read = readSession(await unpack(fragment));
        await open(() => readBeginning(read, null));
        const [problem] = read.problems;
        if (problem) {
          engine.notice(
            "warning",
            `The link's session is not whole: its line ${problem.line} ${problem.why}. ` +
              "What comes before it is here.",
          );
        }
      },
      "open.scenario": async ({ id }) => {
        const scenario = SCENARIOS.find((one) => one.id === id);
        if (!scenario) throw new Error(`There is no scenario "${id}".`);
        await open(() => scenarioBeginning(scenario));
      },
      "open.empty": async () => {
        await open(() => emptyBeginning());
      },
      "open.kept": async ({ id }) => {
        if (engine.isOpen && id === engine.session.id) return;
        const read = readSession(await keep.read(id));
        await open(() => readBeginning(read, id));
      },
      "kept.list": () => keep.list(),
      "kept.remove": async ({ id }) => {
        if (engine.isOpen && id === engine.session.id) {
          throw new Error("This session is open here: open another one first.");
        }
        await keep.remove(id);
      },
      "history.fork": async ({ at }) => {
        const { session } = engine;
        const text = [...sessionText(session, { to: at })].join("");
        const read = readSession(text);
        const head = { ...read.head, name: `${session.name}, from #${at} on`.slice(0, 80) };
        await open(() => readBeginning({ ...read, head }, null));
      },
      "share.link": async ({ what }) => {
        const treeOnly = what === "tree";
        const to = time.at === null ? {} : { to: time.at };
        const text = [...sessionText(engine.session, { treeOnly, ...to })].join("");
        const fragment = await pack(text);
        if (fragment.length > LINK_MAX) {
          const size = Math.round(fragment.length / 1_000_000);
          throw new Error(
            `The link would have ${size} million characters, more than browsers take: share the ` +
              "tree only, or save the session to a file and send that.",
          );
        }
        return { fragment };
      },
      "export.session": () => new TextEncoder().encode([...sessionText(engine.session)].join("")),
      "export.trace": () => traceText(engine.session),
      "export.listing": () => {
        let text = "";
        for (const node of time.mirror().walk()) {
          if (!node.parent) continue;
          text += listingLine({ path: node.path(), value: node.value, perms: node.perms });
        }
        return text;
      },
    },
    opened: () => keep.begin(engine.session, engine.session.start.keep),
    closing: () => keep.end(),
  };
}

type Open = (make: () => Beginning | Promise<Beginning>) => Promise<unknown>;

/** Opens a session under its own lock; one that another tab has becomes a copy. */
async function openKept(
  engine: Engine,
  keep: Keep,
  make: () => Beginning | Promise<Beginning>,
): Promise<void> {
  const beginning = await make();
  if (!(await keep.take(beginning.id, false))) {
    throw new Error("Another tab has this session open: go on there, or close that tab first.");
  }
  try {
    await engine.open(() => beginning);
  } catch (error) {
    keep.leave();
    throw error;
  }
}

async function openGiven(engine: Engine, open: Open, given: Given): Promise<void> {
  if (given.kind === "session") {
    await open(() => readBeginning(given.read, null));
    return;
  }
  if (given.kind === "trace") {
    await open(() => bareBeginning(given.name));
    await play(engine, given.records);
    return;
  }
  const { name, nodes } = given;
  await open(() => listingBeginning(name, nodes as ListedNode[]));
}

/** Plays a trace on the store that was just opened. */
async function play(engine: Engine, records: readonly TraceRecord[]): Promise<void> {
  const { session } = engine;
  session.retell(records);
  const { differences, requests } = await replay(session.store, records);
  session.retell(null);
  if (differences.length === 0) return;
  const count = differences.length;
  const [first] = differences;
  engine.notice(
    "warning",
    `${requests} requests were played; ${count} ${count === 1 ? "answer is" : "answers are"} not ` +
      "what the trace has, since the store began with something else or the trace does not tell " +
      `all that happened. The first: ${first?.recorded ?? "nothing"} came as ${first?.got ?? "nothing"}.`,
  );
}

function lookOf(given: Given): Found {
  const { kind, what, items, problems, problemCount } = given;
  return { kind, what, items, problems, problemCount };
}
