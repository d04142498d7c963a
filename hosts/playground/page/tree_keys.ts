// Tree keys: what each key does in the tree.
// Holds   the keys of the ARIA pattern, and our own for editing in place.
// Never   draws anything.
// Source  the ARIA Authoring Practices, Tree View.

import { copyText } from "./copy.ts";
import { selected } from "./state.ts";
import { edit } from "./tree_edit.tsx";
import {
  current,
  fold,
  foldOutSiblings,
  helpOpen,
  moveBy,
  moveTo,
  pageRows,
  remove,
  reveal,
  shown,
} from "./tree_state.ts";
import { parentOf } from "./tree_window.ts";

/** What a key does, for people; the same list is shown as help. */
export const KEYS: readonly (readonly [string, string])[] = [
  ["Up, Down", "the row above or below"],
  ["Right", "expand, then the first child"],
  ["Left", "collapse, then the node above"],
  ["Home, End", "the first or the last row"],
  ["Page Up, Page Down", "a page of rows"],
  ["*", "expand the node and its siblings"],
  ["Enter or F2", "edit the value in place"],
  ["p", "edit the permissions in place"],
  ["n or Insert", "create a node below, as name=value"],
  ["Delete", "remove the node"],
  ["Ctrl+C", "copy the path"],
  ["/", "go to the filter"],
  ["Escape", "leave what is being edited"],
  ["?", "this help"],
];

const PLAIN: Readonly<Record<string, () => void>> = {
  ArrowDown: () => moveBy(1),
  ArrowUp: () => moveBy(-1),
  PageDown: () => moveBy(pageRows()),
  PageUp: () => moveBy(-pageRows()),
  Home: () => moveTo(0),
  End: () => moveTo((shown.peek()?.total ?? 1) - 1),
  ArrowRight: right,
  ArrowLeft: left,
  "*": () => foldOutSiblings(selected.peek()),
  Enter: () => edit("value"),
  F2: () => edit("value"),
  p: () => edit("perms"),
  n: () => edit("create"),
  Insert: () => edit("create"),
  Delete: () => remove(selected.peek(), current().row?.children ?? 0),
  "/": () => document.getElementById("tree-filter")?.focus(),
  "?": () => {
    helpOpen.value = true;
  },
};

/** Does what a key in the tree stands for. */
export function treeKey(event: KeyboardEvent): void {
  if (event.altKey || event.defaultPrevented) return;
  if (event.ctrlKey || event.metaKey) {
    if (event.key.toLowerCase() !== "c" || !getSelection()?.isCollapsed) return;
    event.preventDefault();
    copyText(selected.peek(), "The path");
    return;
  }
  const act = PLAIN[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

function right(): void {
  const { row, index } = current();
  if (!row || row.children === 0) return;
  if (row.expanded) moveTo(index + 1);
  else fold(row.path, true);
}

function left(): void {
  const { row, index } = current();
  if (row && row.children > 0 && row.expanded && row.path !== "/") {
    fold(row.path, false);
    return;
  }
  const parent = parentOf(selected.peek());
  if (parent === selected.peek()) return;
  const { from = 0, rows = [] } = shown.peek() ?? {};
  const above = rows.slice(0, Math.max(0, index - from)).findLastIndex(({ row: one }) => {
    return one.path === parent;
  });
  if (above >= 0) moveTo(from + above);
  else reveal(parent);
}
