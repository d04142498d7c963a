// Node facts: what a node is for, who may do what with it, and who hears of it.
// Holds   the parts of the inspector that only tell.
// Never   decides a right: the engine says what and why.
// Source  our own.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { Explanation } from "../model/explain.ts";
import type { NodeDetail, Right, WatchInfo } from "../model/protocol.ts";
import { toText } from "../model/value.ts";
import { Rich } from "./guide_text.tsx";
import { act, domClass, domLabel, seen } from "./state.ts";

const encoder = new TextEncoder();
/** Rows of a table before one asks for more. */
const SOME = 24;

export function Explained({ explanation }: { explanation: Explanation }) {
  return (
    <aside class="node-known" aria-label="What this path is for">
      <p class="mono">{explanation.pattern}</p>
      <p>
        <Rich text={explanation.text} />
      </p>
      {explanation.value !== null && (
        <p>
          Its value now means:{" "}
          <strong>
            <Rich text={explanation.value} />
          </strong>
        </p>
      )}
    </aside>
  );
}

/** The operation that changed it last, and the way to that moment. */
export function ChangedBy({ n }: { n: number }) {
  if (n === 0) return <span class="dim">As it was when the history begins.</span>;
  const here = seen.history.value?.at === n;
  return (
    <span class="node-changed">
      <span class="dim">
        Changed by operation <span class="mono">#{n}</span>
      </span>
      <button
        type="button"
        disabled={here}
        title={here ? "This is that moment" : "See the whole store as it was right after it"}
        onClick={() => act("history.go", { at: n })}
      >
        Show that moment
      </button>
    </span>
  );
}

export function Rights({ node }: { node: NodeDetail }) {
  const rights = useMore(node.rights);
  return (
    <details open>
      <summary>Who may do what</summary>
      <table class="data node-rights">
        <thead>
          <tr>
            <th scope="col">Domain</th>
            <th scope="col">Read</th>
            <th scope="col">Write</th>
          </tr>
        </thead>
        <tbody>
          {rights.items.map(({ domid, read, write }) => (
            <tr key={domid}>
              <th scope="row" class={domClass(domid)}>
                {domLabel(domid)}
              </th>
              <May right={read} />
              <May right={write} />
            </tr>
          ))}
        </tbody>
      </table>
      {rights.more}
    </details>
  );
}

function May({ right: { ok, why } }: { right: Right }) {
  return (
    <td>
      <strong class={ok ? "good" : "bad"}>{ok ? "Yes" : "No"}</strong>{" "}
      <span class="dim">
        <Rich text={why} />
      </span>
    </td>
  );
}

export function Hearing({ watches }: { watches: readonly WatchInfo[] }) {
  const some = useMore(watches);
  return (
    <details open={watches.length > 0}>
      <summary>
        Watches that hear of a change here: <span class="mono">{watches.length}</span>
      </summary>
      {watches.length === 0 ? (
        <p class="node-none dim">
          None. The command <code>watch</code> in a console sets one.
        </p>
      ) : (
        <table class="data">
          <thead>
            <tr>
              <th scope="col">Connection</th>
              <th scope="col">Path</th>
              <th scope="col">Token</th>
              <th scope="col">Events</th>
            </tr>
          </thead>
          <tbody>
            {some.items.map((watch, at) => (
              <tr key={at}>
                <th scope="row" class={domClass(watch.domid)}>
                  {watch.conn}
                </th>
                <td class="mono">
                  {shownPath(watch)}
                  {watch.depth !== null && <span class="dim"> depth {watch.depth}</span>}
                </td>
                <td class="mono">
                  <bdi>{toText(encoder.encode(watch.token))}</bdi>
                </td>
                <td>{watch.events}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {some.more}
    </details>
  );
}

function shownPath({ path, absolute }: WatchInfo): string {
  return path === absolute ? path : `${path} (${absolute})`;
}

/** The first of a list, and a button for the others. */
function useMore<T>(all: readonly T[]): { items: readonly T[]; more: ComponentChildren } {
  const open = useSignal(false);
  if (open.value || all.length <= SOME) return { items: all, more: null };
  const more = (
    <button
      type="button"
      class="plain"
      onClick={() => {
        open.value = true;
      }}
    >
      Show all {all.length}
    </button>
  );
  return { items: all.slice(0, SOME), more };
}
