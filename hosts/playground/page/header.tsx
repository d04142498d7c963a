// Header: which session this is, how it does, and what holds for the whole page.
// Holds   the session's name, its size and rate, undo and redo, the theme, the help.
// Never   shows more than two lines, also on a narrow screen.
// Source  our own.

import { useSignal, useSignalEffect } from "@preact/signals";
import { HelpDialog, helpIsOpen } from "./header_help.tsx";
import { act, seen, tell } from "./state.ts";
import { chooseTheme, THEMES, theme } from "./theme.ts";

export function Header() {
  useSignalEffect(() => {
    const name = seen.session.value?.name ?? "";
    document.title = name === "" ? "XenStore playground" : `${name} - XenStore playground`;
  });
  return (
    <header class="head">
      <h1>
        <span class="head-xen">XenStore </span>playground
      </h1>
      <SessionName />
      <Kept />
      <Counts />
      <span class="grow" />
      <UndoRedo />
      <ThemeChoice />
      <button
        type="button"
        onClick={() => {
          helpIsOpen.value = true;
        }}
      >
        Help
      </button>
      <HelpDialog />
    </header>
  );
}

function SessionName() {
  const typed = useSignal<string | null>(null);
  const name = seen.session.value?.name ?? "";
  const rename = (next: string) => {
    typed.value = null;
    if (next.trim() !== "" && next.trim() !== name) act("session.rename", { name: next.trim() });
  };
  return (
    <input
      class="head-name"
      data-testid="session-name"
      aria-label="Name of this session"
      title="Name of this session: type to rename it"
      maxLength={80}
      spellcheck={false}
      autocomplete="off"
      disabled={seen.session.value === undefined}
      size={Math.max(8, Math.min(32, (typed.value ?? name).length))}
      value={typed.value ?? name}
      onInput={(event) => {
        typed.value = event.currentTarget.value;
      }}
      onBlur={() => {
        if (typed.value !== null) rename(typed.value);
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") typed.value = null;
        if (event.key === "Enter") event.currentTarget.blur();
      }}
    />
  );
}

function Kept() {
  const kept = seen.session.value?.kept;
  if (kept === undefined) return null;
  if (kept === true) {
    return (
      <span class="tag good" data-testid="kept" title="A reload brings this session back">
        Kept
      </span>
    );
  }
  return (
    <button
      type="button"
      class="head-unkept"
      data-testid="kept"
      title={kept}
      onClick={() => tell("warning", kept)}
    >
      Not kept: why?
    </button>
  );
}

const NUMBER = new Intl.NumberFormat("en");
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

function Counts() {
  const session = seen.session.value;
  if (!session) return null;
  const { nodes, rate } = session;
  return (
    <span class="head-counts dim">
      <span data-testid="nodes" title={`${NUMBER.format(nodes)} nodes`}>
        {nodes < 10_000 ? NUMBER.format(nodes) : SHORT.format(nodes)}{" "}
        {nodes === 1 ? "node" : "nodes"}
      </span>
      <span data-testid="rate" title="Operations in the last second">
        {rate < 10_000 ? NUMBER.format(rate) : SHORT.format(rate)} ops/s
      </span>
    </span>
  );
}

function UndoRedo() {
  const { undo = null, redo = null } = seen.history.value ?? {};
  return (
    <span class="head-undo">
      <button
        type="button"
        data-testid="undo"
        disabled={undo === null}
        title={undo === null ? "Nothing to undo" : `Undo: ${undo} (Ctrl+Z)`}
        onClick={() => act("history.undo", {})}
      >
        <Arrow back />
        <span class="said">Undo{undo === null ? "" : `: ${undo}`}</span>
      </button>
      <button
        type="button"
        data-testid="redo"
        disabled={redo === null}
        title={redo === null ? "Nothing to redo" : `Redo: ${redo} (Ctrl+Shift+Z)`}
        onClick={() => act("history.redo", {})}
      >
        <Arrow />
        <span class="said">Redo{redo === null ? "" : `: ${redo}`}</span>
      </button>
    </span>
  );
}

function Arrow({ back = false }: { back?: boolean }) {
  return (
    <svg
      viewBox="0 0 16 16"
      width="16"
      height="16"
      aria-hidden="true"
      style={back ? undefined : "transform:scaleX(-1)"}
    >
      <path
        d="M6 3 2.5 6.5 6 10M2.8 6.5H10a3.5 3.5 0 0 1 0 7H6"
        fill="none"
        stroke="currentColor"
        stroke-width="1.7"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}

function ThemeChoice() {
  return (
    <select
      class="head-theme"
      data-testid="theme"
      aria-label="Theme"
      title="Theme"
      value={theme.value}
      onChange={(event) => chooseTheme(event.currentTarget.value)}
    >
      {THEMES.map(({ name, label }) => (
        <option key={name} value={name}>
          {label}
        </option>
      ))}
    </select>
  );
}
