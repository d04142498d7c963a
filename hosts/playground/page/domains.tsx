// Domains: who is there, what is done to them, and their consoles.
// Holds   the list, the line that says what a button does, and the way to more of them.
// Never   decides what may be done: the model does.
// Source  our own.

import { signal } from "@preact/signals";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { ACTIONS } from "../model/domain_help.ts";
import { Consoles } from "./console.tsx";
import { AddDomain } from "./domain_add.tsx";
import { Load } from "./domain_load.tsx";
import { DomainRow } from "./domain_row.tsx";
import { done, helped } from "./domain_said.ts";
import { seen } from "./state.ts";

/** Pixels below which the view scrolls as a whole. */
const SHORT = 540;
const NARROW = 500;
/** Rows that are drawn before one asks for more. */
const SHOWN = 40;
const shown = signal(SHOWN);
const filter = signal("");
export function Domains() {
  const frame = useRef<HTMLDivElement>(null);
  const short = useShort(frame);
  return (
    <div ref={frame} class={short ? "domains domains-short" : "domains"}>
      <section aria-label="Domains" class="domains-top">
        <div class="domains-scroll">
          <DomainList />
        </div>
        <HelpLine />
      </section>
      <Consoles />
    </div>
  );
}

/** Whether there is too little room for the list and the consoles to scroll each for itself. */
function useShort(frame: { readonly current: HTMLElement | null }): boolean {
  const [short, setShort] = useState(false);
  useEffect(() => {
    const room = frame.current?.parentElement;
    if (!room) return;
    const observer = new ResizeObserver(() => {
      setShort(room.clientHeight < SHORT || room.clientWidth < NARROW);
    });
    observer.observe(room);
    return () => observer.disconnect();
  }, [frame]);
  return short;
}

function DomainList() {
  const all = seen.domains.value ?? [];
  const wanted = filter.value.trim().toLowerCase();
  const fitting = all.filter(({ domid, name }) => {
    return wanted === "" || `${domid}` === wanted || name.toLowerCase().includes(wanted);
  });
  return (
    <>
      {all.length > 12 && <Filter count={all.length} />}
      <ul class="domains-list">
        {fitting.slice(0, shown.value).map((domain) => (
          <DomainRow key={domain.domid} domain={domain} />
        ))}
      </ul>
      {fitting.length > shown.value && (
        <button
          type="button"
          onClick={() => {
            shown.value += SHOWN;
          }}
        >
          Show more: {fitting.length - shown.value} domains are left
        </button>
      )}
      {fitting.length === 0 && wanted !== "" && (
        <p class="dim">No domain has that number or name.</p>
      )}
    </>
  );
}

function Filter({ count }: { readonly count: number }) {
  return (
    <label class="bar domains-filter">
      Find one of {count} domains
      <input
        type="search"
        class="grow"
        placeholder="number or part of a name"
        value={filter.value}
        onInput={(event) => {
          filter.value = event.currentTarget.value;
          shown.value = SHOWN;
        }}
      />
    </label>
  );
}

/** Says what the button under the pointer does, or what was done last. */
function HelpLine() {
  const all = useId();
  const form = useId();
  const [open, setOpen] = useState(false);
  const [adding, setAdding] = useState(false);
  const help = helped.value;
  return (
    <div class="domains-help">
      <div class="domains-said">
        <button
          type="button"
          data-testid="domain-add-open"
          aria-expanded={adding}
          aria-controls={form}
          onClick={() => setAdding(!adding)}
        >
          Add domain
        </button>
        <p class={help || done.value ? "grow" : "grow dim"}>
          {help ? (
            <>
              <strong>{help.label}:</strong> {help.help}
            </>
          ) : (
            done.value || "Point at a button to read what it does in the store."
          )}
        </p>
        <button
          type="button"
          aria-expanded={open}
          aria-controls={all}
          onClick={() => setOpen(!open)}
        >
          What the buttons do
        </button>
        <Load />
      </div>
      <div id={form}>{adding && <AddDomain />}</div>
      <p class="said" role="status" data-testid="domain-status">
        {done.value}
      </p>
      <section
        id={all}
        class={open ? "domains-legend" : "said"}
        aria-label="What the buttons do"
        aria-hidden={!open}
      >
        <dl>
          {ACTIONS.map(({ action, label, help: text }) => (
            <div key={action}>
              <dt>{label}</dt>
              <dd id={`domain-help-${action}`}>{text}</dd>
            </div>
          ))}
        </dl>
      </section>
    </div>
  );
}
