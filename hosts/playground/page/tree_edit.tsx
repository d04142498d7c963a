// Tree edit: what is edited in place in the tree: a value, permissions, a new child.
// Holds   the line that is typed in; it stands over its row, and stays in view when that is not.
// Never   loses what was typed: only Escape, Cancel or saving closes it.
// Source  our own.

import { type Signal, useComputed, useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { fromText, nameProblem, sizeProblem, toText } from "../model/value.ts";
import { formatPerms, parsePerms } from "../model/words.ts";
import { call, selected, tell } from "./state.ts";
import { current, type Editing, editing, refused, reveal } from "./tree_state.ts";
import { childOf, ROW } from "./tree_window.ts";

/** Begins to edit the selected node in the tree. */
export async function edit(kind: Editing["kind"]): Promise<void> {
  const { row, index } = current();
  if (!row || refused()) return;
  let before = kind === "perms" ? row.perms : kind === "value" ? toText(row.value) : "";
  if (kind === "value" && row.valueLen > row.value.length) {
    const all = await call("node.read", { path: row.path }).catch(() => null);
    if (!all) return;
    before = toText(all.value);
  }
  editing.value = { kind, path: row.path, index, before };
}

const LABELS = {
  value: (path: string) => `Value of ${path}`,
  perms: (path: string) => `Permissions of ${path}`,
  create: (path: string) => `New node in ${path}, as name=value`,
};

const HINTS = {
  value: "text; \\x00 and the like stand for bytes",
  perms: "n0 r3: owner first, then others; n, r, w or b",
  create: "name=value; a slash in the name makes nodes within nodes",
};

/** What is wrong with what was typed; "": nothing. */
function problemOf({ kind, path }: Editing, text: string): string {
  try {
    if (kind === "perms") parsePerms(text);
    else if (kind === "value") return sizeProblem(path, fromText(text).length);
    else return newNode(path, text).problem;
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

/** A new node from "name=value"; without "=" its value is empty. */
function newNode(parent: string, text: string) {
  const sign = text.indexOf("=");
  const name = (sign < 0 ? text : text.slice(0, sign)).trim();
  const value = fromText(sign < 0 ? "" : text.slice(sign + 1));
  const path = childOf(parent, name);
  return { path, value, problem: nameProblem(name) || sizeProblem(path, value.length) };
}

async function save({ kind, path }: Editing, text: string): Promise<void> {
  if (kind === "perms") await call("node.perms", { path, perms: formatPerms(parsePerms(text)) });
  else if (kind === "value") await call("node.write", { path, value: fromText(text) });
  else {
    const made = newNode(path, text);
    await call("node.create", { path: made.path, value: made.value });
    reveal(made.path);
  }
}

/** Stands over the tree; `scrolled` is how far that is scrolled, `room` its height. */
export function InPlace({ scrolled, room }: { scrolled: () => number; room: () => number }) {
  const now = editing.value;
  if (!now) return null;
  const row = now.index + (now.kind === "create" ? 1 : 0);
  const top = Math.max(0, Math.min(row * ROW - scrolled(), room() - ROW - 4));
  return <Line key={`${now.kind} ${now.path} ${now.refused?.why}`} now={now} top={top} />;
}

function Line({ now, top }: { now: Editing; top: number }) {
  const text = useSignal(now.refused?.text ?? now.before);
  const said = useSignal(now.refused?.why ?? "");
  const problem = useComputed(() => (text.value === now.before ? "" : problemOf(now, text.value)));
  const wrong = said.value || problem.value;
  return (
    <form
      class="tree-edit"
      style={`top:${top}px`}
      onSubmit={(event) => {
        event.preventDefault();
        submit(now, text.value, said);
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        close();
      }}
      onFocusOut={(event) => {
        const left = !event.currentTarget.contains(event.relatedTarget as Node | null);
        if (left && text.value === now.before && document.hasFocus()) editing.value = null;
      }}
    >
      <label for="tree-edit-text">{labelOf(now)}</label>
      <Text
        now={now}
        text={text.value}
        wrong={wrong !== ""}
        type={(next) => {
          text.value = next;
          said.value = "";
        }}
      />
      <button type="submit" class="primary">
        {now.kind === "create" ? "Create" : "Save"}
      </button>
      <button type="button" onClick={close}>
        Cancel
      </button>
      <span id="tree-edit-said" class={wrong === "" ? "dim" : "bad"} role="status">
        {wrong === "" ? HINTS[now.kind] : wrong}
      </span>
    </form>
  );
}

function close(): void {
  editing.value = null;
  document.getElementById("tree")?.focus({ preventScroll: true });
}

/** Saves what was typed, or says why it can't be saved. */
async function submit(now: Editing, text: string, said: Signal<string>): Promise<void> {
  if (text === now.before && now.kind !== "create") return close();
  said.value = problemOf(now, text);
  if (said.value !== "") return;
  // The keyboard is the tree's again at once; the line comes back if the store refuses.
  close();
  try {
    await save(now, text);
  } catch (error) {
    const why = (error as Error).message;
    if (editing.peek() === null) editing.value = { ...now, refused: { text, why } };
    else tell("error", why);
  }
}

interface TextProps {
  readonly now: Editing;
  readonly text: string;
  readonly wrong: boolean;
  type(text: string): void;
}

function Text({ now, text, wrong, type }: TextProps) {
  const input = useRef<HTMLInputElement>(null);
  // Before the next key: what is typed at once belongs here.
  useLayoutEffect(() => {
    input.current?.focus({ preventScroll: true });
    input.current?.select();
  }, []);
  return (
    <input
      ref={input}
      id="tree-edit-text"
      class="mono"
      data-testid={`edit-${now.kind}`}
      aria-label={LABELS[now.kind](now.path)}
      aria-invalid={wrong}
      aria-describedby="tree-edit-said"
      placeholder={HINTS[now.kind]}
      autocomplete="off"
      autocapitalize="off"
      spellcheck={false}
      value={text}
      onInput={(event) => type(event.currentTarget.value)}
    />
  );
}

function labelOf({ kind, path }: Editing): string {
  const name = path === "/" ? "/" : path.slice(path.lastIndexOf("/") + 1);
  if (kind === "create") return path === "/" ? "/" : `${name}/`;
  return kind === "perms" ? `${name}, perms` : name;
}

/** Creates a child of the selected node, from a button. */
export function createChild(): void {
  document.getElementById(`row:${selected.peek()}`)?.scrollIntoView({ block: "nearest" });
  edit("create");
}
