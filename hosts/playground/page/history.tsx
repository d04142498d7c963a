// TimeTravel: every moment of the session, to be looked at again.
// Holds   the slider, what the operation at its place did, and what can be done from there.
// Never   draws more than a line of text anew while operations run by the thousands.
// Source  our own.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Operation } from "../model/protocol.ts";
import { Compare, comparing } from "./history_compare.tsx";
import { goBy, goNow, goTo, historyKeys, moment, momentNumber } from "./history_go.ts";
import { act, call, domClass, seen } from "./state.ts";

const NUMBER = new Intl.NumberFormat("en");

export function TimeTravel() {
  useEffect(historyKeys, []);
  return (
    <footer class="time">
      {comparing.value && <Compare />}
      <div class="time-bar">
        <Steps />
        <Slider />
        <Ways />
      </div>
    </footer>
  );
}

/** Operations are described so often while they run. */
const LIVE_MS = 500;

/** The operation that led to the moment that is shown; while it is now, every so often. */
function useOperation(): Operation | null {
  const found = useSignal<Operation | null>(null);
  const at = moment.value;
  useEffect(() => {
    let over = false;
    let known = -1;
    const ask = async () => {
      const n = momentNumber.peek();
      if (n === known) return;
      known = n;
      const operation = n === 0 ? null : await call("history.operation", { n }).catch(() => null);
      if (!over) found.value = operation;
    };
    ask();
    const timer = at === null ? setInterval(ask, LIVE_MS) : undefined;
    return () => {
      over = true;
      clearInterval(timer);
    };
  }, [at]);
  return found.value;
}

function words({ type, path, detail, error }: Operation): string {
  const what = [type, path, detail].filter((part) => part !== "").join(" ");
  if (error === null) return `${what}: no reply yet`;
  return error === "" ? what : `${what}: ${error}`;
}

function consequences({ changes, events }: Operation): string {
  const parts = [];
  if (changes > 0) parts.push(`${NUMBER.format(changes)} changed`);
  if (events > 0) parts.push(`${NUMBER.format(events)} ${events === 1 ? "event" : "events"}`);
  return parts.join(", ");
}

function Slider() {
  const { first = 0, last = 0 } = seen.history.value ?? {};
  const at = moment.value;
  const n = momentNumber.value;
  const operation = useOperation();
  const fits = operation !== null && (at === null || operation.n === n);
  const which = at === null ? "Now" : n === first ? "At the beginning" : "Then";
  const text = fits ? `: ${operation.conn} ${words(operation)}` : "";
  return (
    <div class="time-where">
      <input
        type="range"
        data-testid="moment"
        aria-label="Moment that is shown"
        aria-valuetext={`${which}, after operation ${n} of ${last}${text}`}
        min={first}
        max={Math.max(last, first + 1)}
        step={1}
        disabled={last <= first}
        value={last <= first ? first + 1 : n}
        onInput={(event) => goTo(Number(event.currentTarget.value))}
      />
      <p class="time-what" data-testid="moment-text">
        <strong class={at === null ? "time-now" : "time-then"}>{which}</strong>{" "}
        <span class="dim time-number">
          #{NUMBER.format(n)}
          {at !== null && ` of ${NUMBER.format(last)}`}
        </span>{" "}
        {fits && (
          <>
            <span class={domClass(operation.domid)}>{operation.conn}</span>{" "}
            <span class="mono">{words(operation)}</span>{" "}
            <span class="dim">{consequences(operation)}</span>
          </>
        )}
      </p>
    </div>
  );
}

function Steps() {
  const { first = 0, last = 0 } = seen.history.value ?? {};
  const at = moment.value;
  const early = momentNumber.value <= first;
  return (
    <fieldset class="time-steps">
      <legend class="said">Go to a moment</legend>
      <button
        type="button"
        data-testid="moment-first"
        disabled={early}
        title="As far back as the history goes"
        onClick={() => goTo(first)}
      >
        First
      </button>
      <button
        type="button"
        data-testid="moment-back"
        disabled={early}
        title="Before this operation (Alt+Left)"
        onClick={() => goBy(-1)}
      >
        Back
      </button>
      <button
        type="button"
        data-testid="moment-next"
        disabled={at === null || last <= first}
        title="After the next operation (Alt+Right)"
        onClick={() => goBy(1)}
      >
        Next
      </button>
      <button
        type="button"
        data-testid="moment-now"
        aria-pressed={at === null}
        title="Follow what happens now"
        onClick={goNow}
      >
        Now
      </button>
    </fieldset>
  );
}

function Ways() {
  const { undo = null, redo = null } = seen.history.value ?? {};
  return (
    <div class="time-ways">
      <button
        type="button"
        class="time-undo"
        disabled={undo === null}
        title={undo === null ? "Nothing to undo" : `Undo: ${undo}`}
        onClick={() => act("history.undo", {})}
      >
        Undo
      </button>
      <button
        type="button"
        class="time-undo"
        disabled={redo === null}
        title={redo === null ? "Nothing to redo" : `Redo: ${redo}`}
        onClick={() => act("history.redo", {})}
      >
        Redo
      </button>
      <button
        type="button"
        data-testid="fork"
        title="A session of its own that goes on from this moment; this one is kept as it is"
        onClick={() => act("history.fork", { at: momentNumber.peek() })}
      >
        Fork here
      </button>
      <button
        type="button"
        data-testid="compare"
        aria-expanded={comparing.value}
        onClick={() => {
          comparing.value = !comparing.value;
        }}
      >
        Compare
      </button>
    </div>
  );
}
