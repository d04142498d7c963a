// Tree rows: the lines of the tree.
// Holds   one row's drawing, value and permissions as pieces of text.
// Never   draws a row anew that is as it was.
// Source  the ARIA Authoring Practices, Tree View.

import { Component } from "preact";
import { explain } from "../model/known.ts";
import { pieces } from "../model/value.ts";
import { domClass } from "./state.ts";
import type { ShownRow } from "./tree_window.ts";

/** Bytes of a value that a row shows. */
const PREVIEW = 200;

interface RowProps {
  readonly one: ShownRow;
  readonly active: boolean;
  /** Its colours are read from the domains: a list that is another one draws it anew. */
  readonly domains: unknown;
}

/** The id that assistive technology finds the row by: paths have no blanks. */
export function rowId(path: string): string {
  return `row:${path}`;
}

export class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    const { one, active, domains } = this.props;
    return next.one !== one || next.active !== active || next.domains !== domains;
  }

  override render({ one: { row, flash }, active }: RowProps) {
    const hidden = row.lens !== null && !row.lens.read;
    const classes = ["tree-row"];
    if (flash > 0) classes.push(`flash flash-${flash % 2}`);
    if (hidden) classes.push("tree-unread");
    if (row.hit) classes.push("tree-hit");
    return (
      // biome-ignore lint/a11y/useFocusableInteractive: the tree has the focus, rows come and go
      <div
        class={classes.join(" ")}
        role="treeitem"
        id={rowId(row.path)}
        data-testid="row"
        data-path={row.path}
        aria-level={row.depth + 1}
        aria-posinset={row.pos}
        aria-setsize={row.size}
        aria-selected={active}
        aria-expanded={row.children > 0 ? row.expanded : undefined}
        style={`--depth:${row.depth}`}
      >
        <span class={row.children > 0 ? "tree-twisty" : "tree-leaf"} aria-hidden="true" />
        <span class="tree-name" title={explain(row.path, row.value)?.text}>
          {row.name === "" ? "/" : row.name}
        </span>
        {hidden ? (
          <span class="tree-lock tag">no read</span>
        ) : (
          <Preview value={row.value} more={row.valueLen > row.value.length} />
        )}
        {row.lens?.write && <span class="tree-write tag">may write</span>}
        <Perms perms={row.perms} />
      </div>
    );
  }
}

/** The beginning of a value, as text with escapes. */
export function Preview({ value, more = false }: { value: Uint8Array; more?: boolean }) {
  const cut = value.length > PREVIEW;
  return (
    <bdi class="tree-value mono">
      {pieces(cut ? value.subarray(0, PREVIEW) : value).map(({ text, escaped }, at) =>
        escaped ? <i key={at}>{text}</i> : text,
      )}
      {(more || cut) && "\u2026"}
    </bdi>
  );
}

/** A list such as "n0 r3", each entry in its domain's colour. */
export function Perms({ perms }: { perms: string }) {
  return (
    <span class="tree-perms mono">
      {perms.split(" ").map((entry, at) => (
        <span key={at} class={domClass(Number(entry.slice(1)))}>
          {entry}{" "}
        </span>
      ))}
    </span>
  );
}
