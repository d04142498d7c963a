// Session feature: what the page's frame shows of the session, and what is renamed there.
// Holds   how many operations the last second had.
// Never   opens a session: see open_feature.ts.
// Source  our own.

import type { SessionInfo } from "../model/protocol.ts";
import type { Context } from "./engine.ts";
import type { Feature } from "./feature.ts";

const NAME_MAX = 80;
const RATE_MS = 500;

/** What the session's frame takes from others. */
export interface SessionParts {
  /** Whether a reload brings it back; else why not. */
  kept(): true | string;
  /** Operations a second that are asked for. */
  load(): number;
}

export function sessionFeature(context: Context, parts: SessionParts): Feature {
  let rate = 0;
  let seenAtMs = 0;
  let seenLast = 0;
  let timer: ReturnType<typeof setTimeout> | null = null;

  /** Measures now and then, and until nothing happens any more. */
  const measure = (): void => {
    timer = null;
    const nowMs = performance.now();
    const { last } = context.session.history;
    const before = rate;
    if (seenAtMs > 0) rate = Math.max(0, ((last - seenLast) * 1000) / (nowMs - seenAtMs));
    seenAtMs = nowMs;
    seenLast = last;
    if (rate > 0) wait();
    if (rate !== before) context.changed();
  };
  const wait = (): void => {
    timer ??= setTimeout(measure, RATE_MS);
  };

  return {
    ops: {
      "session.rename": ({ name }) => {
        const wanted = name.trim().slice(0, NAME_MAX);
        if (wanted === "") throw new Error("A session needs a name: at least one letter.");
        context.session.name = wanted;
        context.session.touch();
      },
      "session.script": ({ text }) => {
        context.session.script = text;
        context.session.touch();
      },
    },
    sections: [
      {
        name: "session",
        stamp: () => {
          const { session } = context;
          if (session.history.last !== seenLast) {
            if (timer === null) seenAtMs = seenAtMs || performance.now();
            wait();
          }
          const counts = `${session.mirror.count} ${Math.round(rate)} ${parts.load()}`;
          return `${session.id} ${session.version} ${counts} ${parts.kept()}`;
        },
        make: (): SessionInfo => {
          const { id, name, scenario, stepsDone, script, mirror } = context.session;
          return {
            ...{ id, name, scenario, stepsDone, script },
            kept: parts.kept(),
            nodes: mirror.count,
            rate: Math.round(rate),
            load: parts.load(),
          };
        },
      },
    ],
    opened: () => {
      rate = 0;
      seenAtMs = 0;
      seenLast = context.session.history.last;
    },
    closing: () => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };
}
