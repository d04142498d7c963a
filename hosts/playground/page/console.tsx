// Console: the consoles that are in view, side by side where there is room.
// Holds   how many fit, and the choice of one where only one does.
// Never   runs a command: the input of a console does.
// Source  our own.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { open, showConsole } from "./console_open.ts";
import { ConsolePane } from "./console_pane.tsx";
import { domLabel, focused, seen } from "./state.ts";

/** What a console needs to be of use, in pixels. */
const PANE_WIDTH = 300;

export function Consoles() {
  const frame = useRef<HTMLElement>(null);
  const columns = useColumns(frame);
  const domains = seen.domains.value ?? [];
  const known = new Set(domains.map(({ domid }) => domid));
  const one = known.has(focused.value) ? focused.value : (domains[0]?.domid ?? 0);
  const shown = columns === 1 ? [one] : open.value.filter((domid) => known.has(domid));
  const others = domains.filter(({ domid }) => !shown.includes(domid));
  return (
    <section ref={frame} class="console-frame" aria-label="Consoles">
      {columns === 1 ? (
        <ConsoleChoice key="choice" domid={one} />
      ) : (
        <div key="bar" class="console-bar">
          <h2>Consoles</h2>
          {others.length > 0 && <OpenAnother domids={others.map(({ domid }) => domid)} />}
        </div>
      )}
      <div
        // The bar above is one or another: what is typed here must not go with it.
        key="panes"
        class="console-panes"
        style={{ "--console-columns": Math.min(columns, Math.max(1, shown.length)) }}
      >
        {shown.map((domid) => (
          <ConsolePane key={domid} domid={domid} closable={columns > 1 && shown.length > 1} />
        ))}
      </div>
    </section>
  );
}

function useColumns(frame: { readonly current: HTMLElement | null }): number {
  const [columns, setColumns] = useState(1);
  useLayoutEffect(() => {
    if (!frame.current) return;
    setColumns(Math.max(1, Math.floor(frame.current.clientWidth / PANE_WIDTH)));
    const observer = new ResizeObserver(([entry]) => {
      setColumns(Math.max(1, Math.floor(entry.contentRect.width / PANE_WIDTH)));
    });
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, [frame]);
  return columns;
}

function ConsoleChoice({ domid }: { readonly domid: number }) {
  const domains = seen.domains.value ?? [];
  return (
    <label class="console-bar">
      Console of
      <select
        class="grow"
        data-testid="console-choice"
        value={domid}
        onChange={(event) => showConsole(Number(event.currentTarget.value))}
      >
        {domains.map((one) => (
          <option key={one.domid} value={one.domid}>
            {domLabel(one.domid)}
            {one.running.length > 0 ? " (a command runs)" : ""}
          </option>
        ))}
      </select>
    </label>
  );
}

function OpenAnother({ domids }: { readonly domids: readonly number[] }) {
  return (
    <select
      aria-label="Open another console"
      data-testid="console-open"
      value=""
      onChange={(event) => {
        const { value } = event.currentTarget;
        event.currentTarget.value = "";
        if (value !== "") showConsole(Number(value), { focus: true });
      }}
    >
      <option value="">Open another{"\u2026"}</option>
      {domids.map((domid) => (
        <option key={domid} value={domid}>
          {domLabel(domid)}
        </option>
      ))}
    </select>
  );
}
