// Script output: what a script has printed, and the errors that ended it.
// Holds   whether times are shown.
// Never   scrolls away under somebody who reads further up.
// Source  our own.

import { memo } from "preact/compat";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Place } from "./script_place.ts";
import { clear, leftOut, output, type ShownLine } from "./script_state.ts";

type GoTo = (place: Place) => void;

export function ScriptOutput({ goTo }: { readonly goTo: GoTo }) {
  const [times, setTimes] = useState(false);
  return (
    <section class="script-output" aria-label="Output">
      <div class="panel-head">
        <span class="grow">Output</span>
        <label class="script-times">
          <input
            type="checkbox"
            checked={times}
            onChange={(event) => setTimes(event.currentTarget.checked)}
          />
          Times
        </label>
        <button type="button" class="plain" onClick={clear}>
          Clear
        </button>
      </div>
      <Lines times={times} goTo={goTo} />
    </section>
  );
}

function Lines({ times, goTo }: { readonly times: boolean; readonly goTo: GoTo }) {
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const lines = output.value;
  useLayoutEffect(() => {
    if (box.current && atEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  const scrolled = ({
    currentTarget: { scrollTop, scrollHeight, clientHeight },
  }: {
    readonly currentTarget: HTMLElement;
  }) => {
    atEnd.current = scrollHeight - scrollTop - clientHeight < 30;
  };
  return (
    <div
      class="script-lines mono scroll"
      data-testid="script-output"
      role="log"
      aria-label="What the script has printed"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
      tabIndex={0}
      ref={box}
      onScroll={scrolled}
    >
      {lines.length === 0 && <p class="dim">What console.log prints is shown here.</p>}
      {leftOut.value > 0 && (
        <p class="dim">{leftOut.value.toLocaleString("en")} lines before these are not shown.</p>
      )}
      {lines.map((line) => (
        <Line key={line.id} line={line} times={times} goTo={goTo} />
      ))}
    </div>
  );
}

interface LineProps {
  readonly line: ShownLine;
  readonly times: boolean;
  readonly goTo: GoTo;
}

/** Words for those that do not see the colours; an error that nobody caught says so by itself. */
const MARKS: Partial<Record<ShownLine["kind"], string>> = { warn: "Warning:", error: "Error:" };

const Line = memo(({ line, times, goTo }: LineProps) => {
  const { kind, ms, pieces } = line;
  const mark = MARKS[kind];
  return (
    <div class={`script-line script-${kind}`}>
      {times && <span class="dim">{`${(ms / 1000).toFixed(3)} `}</span>}
      {mark && <span class="script-mark">{mark} </span>}
      {pieces.map((piece, at) =>
        typeof piece === "string" ? (
          piece
        ) : (
          <button
            type="button"
            class="script-place-link"
            key={at}
            onClick={() => goTo(piece.place)}
          >
            {`line ${piece.place.line}, column ${piece.place.column}`}
          </button>
        ),
      )}
    </div>
  );
});
