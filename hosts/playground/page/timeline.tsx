// Timeline: what every connection did, and what came of it at the others.
// Holds   the chart with its controls, the particulars of one operation, the table below.
// Never   has more than the part in view.
// Source  our own.

import { useEffect } from "preact/hooks";
import { Conn, count, moment, number, time } from "./packet_parts.tsx";
import { act, packet, view } from "./state.ts";
import { TimelineChart, TimelineSlider } from "./timeline_chart.tsx";
import { markOf } from "./timeline_shapes.ts";
import {
  chosen,
  drawn,
  endAt,
  fit,
  known,
  mountTimeline,
  moveBy,
  nothing,
  shown,
  stay,
  to,
} from "./timeline_state.ts";
import { Heard, TimelineTable, What } from "./timeline_table.tsx";
import { SORT_WORDS } from "./timeline_words.ts";

export function Timeline() {
  useEffect(mountTimeline, []);
  return (
    <div class="timeline">
      <Controls />
      {nothing.value && (
        <p class="card dim">
          No operations yet. Run a command in a domain's console, such as: write key value
        </p>
      )}
      <TimelineChart />
      <Particulars />
      <Key />
      <TimelineTable />
    </div>
  );
}

function Controls() {
  const window = drawn.value?.operations;
  const [oldest, newest] = [window?.[0], window?.at(-1)];
  const last = known.value?.last ?? 0;
  const first = (known.value?.first ?? 0) + 1;
  const page = Math.max(1, fit.value - 2);
  const atStart = !oldest || oldest.n <= first;
  return (
    <div class="bar timeline-bar">
      <button type="button" disabled={atStart} onClick={() => endAt(0)}>
        First
      </button>
      <button type="button" disabled={atStart} onClick={() => moveBy(-page)}>
        <span aria-hidden="true">{"\u2190"}</span> Earlier
      </button>
      <TimelineSlider />
      <button type="button" disabled={to.value === null} onClick={() => moveBy(page)}>
        Later <span aria-hidden="true">{"\u2192"}</span>
      </button>
      <button
        type="button"
        aria-pressed={to.value === null}
        data-testid="timeline-follow"
        title="Keep the newest operations in view"
        onClick={() => {
          if (to.peek() === null) stay();
          else to.value = null;
        }}
      >
        Follow
      </button>
      <span class="dim timeline-range">
        {oldest && newest
          ? `${number(oldest.n)} to ${number(newest.n)} of ${number(last)}`
          : "no operations"}
      </span>
    </div>
  );
}

function Key() {
  return (
    <ul class="timeline-key dim" aria-label="What the marks mean">
      {[...SORT_WORDS, { sort: "failed" as const, words: "failed" }].map(({ sort, words }) => (
        <li key={sort}>
          <svg width="18" height="18" aria-hidden="true">
            <path class={`timeline-mark timeline-${sort}`} d={markOf(sort, 9, 9)} />
          </svg>
          {words}
        </li>
      ))}
      <li>
        <svg width="18" height="18" aria-hidden="true">
          <path class="timeline-mark timeline-filled" d={markOf("change", 9, 9)} />
        </svg>
        filled: nodes changed
      </li>
      <li>
        <svg width="18" height="18" aria-hidden="true">
          <path class="timeline-arrow" d="M9,2V12" />
          <path class="timeline-head" d="M9,17l-4,-7h8z" />
        </svg>
        events, and how many
      </li>
    </ul>
  );
}

function Particulars() {
  const operation = shown.value;
  const at = moment.value;
  if (!operation) {
    return (
      <div class="timeline-detail">
        <p class="dim">
          Point at a mark, or go through them with the arrow keys, to see what was done.
        </p>
      </div>
    );
  }
  const { n, conn, domid, ms, changes } = operation;
  return (
    <div class="timeline-detail">
      <p>
        <b>#{number(n)}</b> <Conn conn={conn} domid={domid} long /> <What operation={operation} />
      </p>
      <p>
        <span class="dim">at {time(ms)} ms,</span> {count(changes, "node")} changed,{" "}
        <Heard operation={operation} />
      </p>
      <p class="timeline-ways">
        <button
          type="button"
          disabled={operation.request === 0}
          onClick={() => {
            packet.value = operation.request;
            view.value = "packets";
          }}
        >
          Its messages
        </button>
        <button
          type="button"
          disabled={at === n}
          title="The tree as it was right after this operation"
          onClick={() => {
            chosen.value = n;
            act("history.go", { at: n });
          }}
        >
          {at === n ? "This moment is shown" : "Show this moment"}
        </button>
      </p>
    </div>
  );
}
