// Tree: the live tree with its tools, and the selected node below it.
// Holds   the rows that are in view, whatever the length of the tree.
// Never   waits for the engine: what was drawn stays until there is something newer.
// Source  the ARIA Authoring Practices, Tree View.

import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Dialog } from "./dialog.tsx";
import { Inspector } from "./node_inspector.tsx";
import { Split } from "./split.tsx";
import { domLabel, lens, seen, selected } from "./state.ts";
import { edit, InPlace } from "./tree_edit.tsx";
import { KEYS, treeKey } from "./tree_keys.ts";
import { Row, rowId } from "./tree_rows.tsx";
import {
  choose,
  editing,
  filter,
  fold,
  foldAll,
  helpOpen,
  look,
  mountTree,
  removeNow,
  removing,
  rowAt,
  shown,
} from "./tree_state.ts";
import { ROW } from "./tree_window.ts";

export function Tree() {
  return (
    <div class="tree-view">
      <Tools />
      <List />
      <Split name="node" label="Height of the tree" axis="y" initial={56} />
      <Inspector />
      <TreeDialogs />
    </div>
  );
}

const WAIT_MS = 100;

function Tools() {
  const typed = useSignal(filter.peek());
  useEffect(() => {
    // What is typed shows at once; the engine is asked when the typing pauses.
    let timer = 0;
    const stop = typed.subscribe((text) => {
      clearTimeout(timer);
      if (text === filter.peek()) return;
      timer = window.setTimeout(() => {
        filter.value = text;
      }, WAIT_MS);
    });
    // It may be emptied from elsewhere.
    const follow = filter.subscribe((text) => {
      if (text === "" && document.activeElement?.id !== "tree-filter") typed.value = "";
    });
    return () => {
      clearTimeout(timer);
      stop();
      follow();
    };
  }, []);
  return (
    <div class="bar tree-tools">
      <span class="tree-find">
        <input
          id="tree-filter"
          type="search"
          data-testid="filter"
          aria-label="Filter by path or value"
          placeholder="Filter by path or value"
          autocomplete="off"
          spellcheck={false}
          value={typed.value}
          onInput={(event) => {
            typed.value = event.currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key === "Escape") typed.value = "";
            if (event.key !== "ArrowDown" && event.key !== "Enter") return;
            event.preventDefault();
            document.getElementById("tree")?.focus({ preventScroll: true });
          }}
        />
        <Hits />
      </span>
      <LensChoice />
      <span class="tree-folds">
        <button type="button" class="plain" title="Expand all" onClick={() => foldAll(true)}>
          Expand<span class="said"> all</span>
        </button>
        <button type="button" class="plain" title="Collapse all" onClick={() => foldAll(false)}>
          Collapse<span class="said"> all</span>
        </button>
      </span>
    </div>
  );
}

const NUMBER = new Intl.NumberFormat("en");

/** How many nodes the filter finds: shown at once, said when it has settled. */
function Hits() {
  const said = useSignal("");
  const now = shown.value;
  const searched = filter.value;
  const hits = now && searched !== "" && now.filter === searched ? now.hits : null;
  useEffect(() => {
    if (hits === null) return;
    const timer = setTimeout(() => {
      said.value = `${NUMBER.format(hits)} ${hits === 1 ? "node" : "nodes"} found`;
    }, 700);
    return () => clearTimeout(timer);
  }, [searched, hits === null]);
  return (
    <>
      {hits !== null && (
        <span class="tree-hits dim" aria-hidden="true" data-testid="hits">
          {NUMBER.format(hits)} found
        </span>
      )}
      <span class="said" role="status">
        {searched === "" ? "" : said.value}
      </span>
    </>
  );
}

function LensChoice() {
  const domains = seen.domains.value ?? [];
  return (
    <select
      data-testid="lens"
      aria-label="See the tree as"
      title="What a domain may read and write"
      value={lens.value === null ? "" : String(lens.value)}
      onChange={({ currentTarget: { value } }) => {
        lens.value = value === "" ? null : Number(value);
      }}
    >
      <option value="">As it is</option>
      {domains.map(({ domid }) => (
        <option key={domid} value={domid}>
          As {domLabel(domid)}
        </option>
      ))}
    </select>
  );
}

function List() {
  const scroller = useRef<HTMLDivElement>(null);
  const scrolled = useSignal(0);
  useEffect(() => (scroller.current ? mountTree(scroller.current) : undefined), []);
  useSignalEffect(() => {
    // Only what is edited in place has to move along.
    if (editing.value) scrolled.value = scroller.current?.scrollTop ?? 0;
  });
  return (
    <div class="tree-list">
      <div
        ref={scroller}
        id="tree"
        class={filter.value === "" ? "tree-scroll" : "tree-scroll tree-filtered"}
        role="tree"
        data-testid="tree"
        aria-label="Nodes of the store"
        aria-busy={shown.value === null}
        aria-activedescendant={activeId()}
        tabIndex={0}
        onKeyDown={treeKey}
        onScroll={() => {
          look();
          if (editing.peek()) scrolled.value = scroller.current?.scrollTop ?? 0;
        }}
        onClick={clicked}
        onDblClick={(event) => {
          if (rowOf(event) !== null && !onTwisty(event)) edit("value");
        }}
      >
        <Rows />
      </div>
      <InPlace scrolled={() => scrolled.value} room={() => scroller.current?.clientHeight ?? 0} />
      <p class="tree-hint dim">
        <span>
          <kbd>Enter</kbd> edits, <kbd>p</kbd> permissions, <kbd>n</kbd> new, <kbd>Del</kbd> removes
        </span>
        <button
          type="button"
          class="plain"
          onClick={() => {
            helpOpen.value = true;
          }}
        >
          All keys <kbd>?</kbd>
        </button>
      </p>
    </div>
  );
}

function activeId(): string | undefined {
  const path = selected.value;
  return shown.value?.rows.some(({ row }) => row.path === path) ? rowId(path) : undefined;
}

function Rows() {
  const now = shown.value;
  if (!now) return <p class="tree-none dim">The store is starting.</p>;
  if (now.total === 0) {
    return <p class="tree-none dim">No node has this text in its path or value.</p>;
  }
  const domains = seen.domains.value;
  return (
    <div class="tree-room" role="none" style={`height:${now.total * ROW}px`}>
      <div class="tree-rows" role="none" style={`transform:translateY(${now.from * ROW}px)`}>
        {now.rows.map((one) => (
          <Row
            key={one.row.path}
            one={one}
            active={one.row.path === selected.value}
            domains={domains}
          />
        ))}
      </div>
    </div>
  );
}

function rowOf(event: Event): HTMLElement | null {
  return event.target instanceof Element ? event.target.closest<HTMLElement>("[data-path]") : null;
}

function onTwisty(event: Event): boolean {
  return event.target instanceof Element && event.target.closest(".tree-twisty") !== null;
}

function clicked(event: MouseEvent): void {
  const { path } = rowOf(event)?.dataset ?? {};
  const now = shown.peek();
  if (path === undefined || !now) return;
  const at = now.from + now.rows.findIndex(({ row }) => row.path === path);
  if (onTwisty(event)) fold(path, !rowAt(at)?.expanded);
  else choose(path, at);
}

function TreeDialogs() {
  const gone = removing.value;
  return (
    <>
      {helpOpen.value && (
        <Dialog
          title="Keys in the tree"
          onClose={() => {
            helpOpen.value = false;
          }}
        >
          <table class="data">
            <tbody>
              {KEYS.map(([key, what]) => (
                <tr key={key}>
                  <th scope="row">{key}</th>
                  <td>{what}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Dialog>
      )}
      {gone && (
        <Dialog
          title={`Remove ${gone.path}?`}
          close="Cancel"
          testid="confirm"
          action={
            <button
              type="button"
              class="primary"
              data-testid="confirm-remove"
              onClick={() => removeNow(gone.path)}
            >
              Remove
            </button>
          }
          onClose={() => {
            removing.value = null;
          }}
        >
          <p>
            It has {gone.children === 1 ? "a child" : `${NUMBER.format(gone.children)} children`}:
            all that is below it goes with it. Undo brings it back.
          </p>
        </Dialog>
      )}
    </>
  );
}
