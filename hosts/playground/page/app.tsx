// App: the shell around the views.
// Holds   the tabs, and which part of the page shows which view on which screen.
// Never   knows what a view shows.
// Source  our own; the ARIA Authoring Practices, Tabs.

import { computed, effect, signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Domains } from "./domains.tsx";
import { Guide } from "./guide.tsx";
import { Header } from "./header.tsx";
import { TimeTravel } from "./history.tsx";
import { narrow, wide } from "./media.ts";
import { Notices } from "./notices.tsx";
import { Packets } from "./packets.tsx";
import { Quotas } from "./quotas.tsx";
import { Rings } from "./ring.tsx";
import { Script } from "./script.tsx";
import { Share } from "./share.tsx";
import { Split } from "./split.tsx";
import { view } from "./state.ts";
import { Timeline } from "./timeline.tsx";
import { Transactions } from "./transactions.tsx";
import { Tree } from "./tree.tsx";

interface View {
  readonly name: typeof view.value;
  readonly label: string;
  readonly View: ComponentType;
}

/** The views, in the order of their tabs. */
const VIEWS: readonly View[] = [
  { name: "tree", label: "Tree", View: Tree },
  { name: "domains", label: "Domains", View: Domains },
  { name: "packets", label: "Packets", View: Packets },
  { name: "timeline", label: "Timeline", View: Timeline },
  { name: "transactions", label: "Transactions", View: Transactions },
  { name: "ring", label: "Rings", View: Rings },
  { name: "quotas", label: "Quotas", View: Quotas },
  { name: "script", label: "Script", View: Script },
  { name: "share", label: "Share & keep", View: Share },
];

/** The views that have a tab: the others are in view all the time. */
const tabs = computed(() => {
  if (narrow.value) return VIEWS;
  return VIEWS.filter(({ name }) => name !== "tree" && !(wide.value && name === "domains"));
});

/** The tab that was open last, where `view` asks for what is in view anyway. */
const before = signal<typeof view.value>("packets");
effect(() => {
  if (view.value !== "tree" && view.value !== "domains") before.value = view.value;
});

/** The view that is open among the tabs. */
const open = computed(() => {
  const asked = tabs.value.find(({ name }) => name === view.value);
  const last = tabs.value.find(({ name }) => name === (wide.value ? before.value : "domains"));
  return asked ?? last ?? tabs.value[0];
});

export function App() {
  return (
    <div class="shell" data-view={view.value}>
      <SkipLinks />
      <Header />
      <Notices />
      <main>
        {!narrow.value && (
          <>
            <section class="tree-pane panel" aria-label="Tree">
              <Tree />
            </section>
            {wide.value ? (
              <Split key="wide" name="tree-wide" label="Width of the tree" axis="x" initial={30} />
            ) : (
              <Split key="two" name="tree" label="Width of the tree" axis="x" initial={42} />
            )}
          </>
        )}
        <div class="beside">
          <Guide />
          {wide.value ? <Consoles /> : <Tabbed />}
        </div>
        {wide.value && <Tabbed />}
      </main>
      <TimeTravel />
    </div>
  );
}

/** For keys: past the header, to where one works. */
function SkipLinks() {
  const skip = (id: string) => {
    if (id === "tree" && narrow.peek()) view.value = "tree";
    // The tree may have to be drawn first.
    requestAnimationFrame(() => document.getElementById(id)?.focus());
  };
  return (
    <nav class="skip" aria-label="Skip">
      <button type="button" onClick={() => skip("tree")}>
        Skip to the tree
      </button>
      <button type="button" onClick={() => skip("view")}>
        Skip to the open view
      </button>
    </nav>
  );
}

function Consoles() {
  return (
    <div class="panel view consoles">
      <h2>Domains</h2>
      <div class="grow scroll">
        <Domains />
      </div>
    </div>
  );
}

function Tabbed() {
  const { name, label, View: Open } = open.value;
  return (
    <section class="panel view tabbed" aria-label="Views">
      <Tabs />
      <div
        class={`grow scroll view-${name}`}
        role="tabpanel"
        id="view"
        aria-label={label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
        tabIndex={0}
      >
        <Open key={name} />
      </div>
    </section>
  );
}

function Tabs() {
  const list = useRef<HTMLDivElement>(null);
  const { name: shown } = open.value;
  useEffect(() => {
    const tab = list.current?.querySelector<HTMLElement>(`[data-view=${shown}]`);
    if (tab && list.current)
      list.current.scrollLeft = tab.offsetLeft - list.current.clientWidth / 3;
  }, [shown]);
  const move = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const all = tabs.value;
    const at = all.findIndex(({ name }) => name === shown);
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -at, End: all.length - 1 - at }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = all[(at + step + all.length) % all.length];
    view.value = next.name;
    document.getElementById(`tab-${next.name}`)?.focus();
  };
  return (
    <div ref={list} class="tabs" role="tablist" aria-label="Views" onKeyDown={move}>
      {tabs.value.map(({ name, label }) => (
        <button
          type="button"
          key={name}
          id={`tab-${name}`}
          data-view={name}
          role="tab"
          aria-selected={shown === name}
          aria-controls="view"
          tabIndex={shown === name ? 0 : -1}
          onClick={() => {
            view.value = name;
          }}
        >
          {label}
        </button>
      ))}
    </div>
  );
}
