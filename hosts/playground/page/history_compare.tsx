// History compare: what differs between two moments.
// Holds   the two marks, and the list of nodes that were added, removed or changed.
// Never   lists more than a few hundred differences: it says how many there are.
// Source  our own.

import { signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Difference } from "../model/protocol.ts";
import { sameBytes } from "../model/value.ts";
import { momentNumber } from "./history_go.ts";
import { call, seen } from "./state.ts";
import { Perms, Preview } from "./tree_rows.tsx";
import { reveal } from "./tree_state.ts";

export const comparing = signal(false);

const markA = signal<number | null>(null);
const markB = signal<number | null>(null);

const MOST = 300;
const NUMBER = new Intl.NumberFormat("en");

type Found = { readonly differences: readonly Difference[]; readonly total: number };

export function Compare() {
  const box = useRef<HTMLElement>(null);
  const found = useSignal<Found | string | null>(null);
  const { first = 0, last = 0 } = seen.history.peek() ?? {};
  const a = markA.value ?? first;
  const b = markB.value ?? last;
  useEffect(() => {
    // The marks stay where they were set, while the newest operation moves on.
    markA.value ??= first;
    markB.value ??= last;
    box.current?.focus();
  }, []);
  useEffect(() => {
    let over = false;
    call("history.diff", { from: Math.min(a, b), to: Math.max(a, b) })
      .catch((error: Error) => error.message)
      .then((result) => {
        if (!over) found.value = result;
      });
    return () => {
      over = true;
    };
  }, [a, b]);
  const close = () => {
    comparing.value = false;
    document.querySelector<HTMLElement>("[data-testid=compare]")?.focus();
  };
  return (
    <section
      ref={box}
      class="compare"
      data-testid="comparison"
      aria-label="Differences between two moments"
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key === "Escape") close();
      }}
    >
      <div class="compare-head">
        <Mark name="A" mark={markA} value={a} />
        <Mark name="B" mark={markB} value={b} />
        <button type="button" data-testid="compare-close" onClick={close}>
          Close
        </button>
      </div>
      <Differences found={found.value} />
    </section>
  );
}

interface MarkProps {
  readonly name: "A" | "B";
  readonly mark: typeof markA;
  readonly value: number;
}

function Mark({ name, mark, value }: MarkProps) {
  const { first = 0, last = 0 } = seen.history.value ?? {};
  const set = (n: number) => {
    mark.value = Math.max(first, Math.min(n, last));
  };
  return (
    <fieldset class="compare-mark">
      <legend>{name === "A" ? "From" : "To"}</legend>
      <label>
        #
        <input
          type="number"
          class="mono"
          aria-label={`Mark ${name}: after operation`}
          data-testid={`mark-${name.toLowerCase()}`}
          min={first}
          max={last}
          value={value}
          onChange={({ currentTarget: { value: typed } }) => {
            if (/^\d{1,15}$/.test(typed)) set(Number(typed));
          }}
        />
      </label>
      <button type="button" onClick={() => set(momentNumber.peek())}>
        <span class="said">{name === "A" ? "From" : "To"} the </span>Shown moment
      </button>
      <button type="button" onClick={() => set(last)}>
        <span class="said">{name === "A" ? "From " : "To "}</span>Now
      </button>
    </fieldset>
  );
}

function Differences({ found }: { found: Found | string | null }) {
  if (found === null) return <p class="compare-none dim">Comparing.</p>;
  if (typeof found === "string") return <p class="compare-none bad">{found}</p>;
  const { differences, total } = found;
  const some = differences.slice(0, MOST);
  return (
    <>
      <p class="compare-none" role="status">
        {total === 0
          ? "There is no difference: every node has the same value and permissions."
          : `${NUMBER.format(total)} ${total === 1 ? "node differs" : "nodes differ"}`}
        {some.length < total && `; these are the first ${some.length}`}
        {total > 0 && "."}
      </p>
      {some.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
        <section class="scroll compare-list" aria-label="Differences" tabIndex={0}>
          <table class="data">
            <thead>
              <tr>
                <th scope="col">Path</th>
                <th scope="col">What</th>
                <th scope="col">Before</th>
                <th scope="col">After</th>
              </tr>
            </thead>
            <tbody>
              {some.map((one) => (
                <tr key={one.path}>
                  <th scope="row" class="mono">
                    <button type="button" class="plain" onClick={() => reveal(one.path)}>
                      {one.path}
                    </button>
                  </th>
                  <td>{kindOf(one)}</td>
                  <Side side={one.before} />
                  <Side side={one.after} />
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </>
  );
}

function kindOf({ before, after }: Difference) {
  if (!before) return <span class="tag good">added</span>;
  if (!after) return <span class="tag bad">removed</span>;
  const value = !sameBytes(before.value, after.value);
  const perms = before.perms !== after.perms;
  return <span class="tag">{value && perms ? "value, perms" : perms ? "perms" : "value"}</span>;
}

function Side({ side }: { side: Difference["before"] }) {
  if (!side) return <td class="dim">no node</td>;
  return (
    <td>
      <Preview value={side.value} /> <Perms perms={side.perms} />
    </td>
  );
}
