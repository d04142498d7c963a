// Packet parts: what messages are shown with, here and in other views.
// Holds   a connection's name, a payload's text, kinds in words, times and numbers.
// Never   asks the engine for anything.
// Source  our own.

import { computed, type Signal, useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { type Piece, pieces } from "../model/packet_text.ts";
import type { PacketRow } from "../model/protocol.ts";
import { domidOf } from "../model/words.ts";
import { narrow } from "./media.ts";
import { domClass, domLabel, seen, selected, view } from "./state.ts";

/** What a kind is called, and its mark. */
export const KIND_WORDS: Readonly<
  Record<PacketRow["kind"], { readonly mark: string; readonly word: string; readonly many: string }>
> = {
  request: { mark: "\u2192", word: "request", many: "Requests" },
  reply: { mark: "\u2190", word: "reply", many: "Replies" },
  event: { mark: "\u2217", word: "event", many: "Events" },
  note: { mark: "\u00b7", word: "note", many: "Notes" },
};

const NUMBER = new Intl.NumberFormat("en");
const TIME = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** The moment that is shown; null: now. */
export const moment = computed(() => seen.history.value?.at ?? null);

/** "8,577" */
export function number(value: number): string {
  return NUMBER.format(value);
}

/** Milliseconds: "12,345.6" */
export function time(ms: number): string {
  return TIME.format(ms);
}

/** "1 node", "5 nodes" */
export function count(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`;
}

/** A connection by its name, and whose it is. */
export function Conn({ conn, domid, long }: { conn: string; domid?: number; long?: boolean }) {
  const owner = domid ?? domidOf(conn);
  const label = domLabel(owner);
  const name = seen.packets.value?.labels[conn] ?? "";
  if (conn === "") return <span class="dim">the host</span>;
  return (
    <span class="packets-conn" title={`${conn}${name && `, ${name},`} of ${label}`}>
      <b class={domClass(owner)}>{conn}</b>
      {long && (
        <span class="dim"> {name.replace(/^xenstore /, "") || label.replace(/^dom\d+ /, "")}</span>
      )}
    </span>
  );
}

/** Pieces of a payload that are drawn at most: each is an element. */
const PIECES_MAX = 40;

/** Arbitrary bytes as text, with NULs and other bytes told apart. */
export function Bytes({ bytes, max = 160 }: { bytes: Uint8Array; max?: number }) {
  const { pieces: all, more } = pieces(bytes, max);
  const shown = all.slice(0, PIECES_MAX);
  return (
    <bdi class="mono">
      {shown.map(drawn)}
      {(more > 0 || shown.length < all.length) && <span class="dim">...</span>}
    </bdi>
  );
}

function drawn({ kind, text }: Piece) {
  if (kind === "text") return text;
  return <span class={kind === "nul" ? "packets-nul" : "packets-escape"}>{text}</span>;
}

/** Selects a node in the tree, and brings the tree into view where it is a view of its own. */
export function showNode(path: string): void {
  selected.value = path;
  if (narrow.value) view.value = "tree";
}

/** Size of an element in pixels, as it changes. */
export function useSize(element: {
  readonly current: Element | null;
}): Signal<{ width: number; height: number }> {
  const size = useSignal({ width: 0, height: 0 });
  const last = useRef(size);
  useLayoutEffect(() => {
    const watched = element.current;
    if (!watched) return;
    const measure = () => {
      const { clientWidth: width, clientHeight: height } = watched;
      const before = last.current.peek();
      if (before.width !== width || before.height !== height)
        last.current.value = { width, height };
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(watched);
    return () => observer.disconnect();
  }, []);
  return size;
}
