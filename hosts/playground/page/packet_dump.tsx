// Packet dump: the bytes of a message, with those of one field lit.
// Holds   the lines of the dump: offset, bytes, text.
// Never   has more lines than a message has at most: 257.
// Source  our own.

import type { Signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { asciiOf, BYTES_IN_LINE, hexDump, hexOf } from "../model/packet_text.ts";
import { copyText } from "./copy.ts";
import { count, useSize } from "./packet_parts.tsx";

/** Bytes from `from` to below `to` are the field `name`. */
export interface Part {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

const HEADER = 16;
/** Below this width in pixels a line has half as many bytes. */
const NARROW = 560;

export function HexDump({
  bytes,
  parts,
  lit,
}: {
  bytes: Uint8Array;
  parts: readonly Part[];
  lit: Signal<string>;
}) {
  const place = useRef<HTMLDivElement>(null);
  const size = useSize(place);
  const part = parts.find(({ name }) => name === lit.value);
  const width = size.value.width < NARROW ? BYTES_IN_LINE / 2 : BYTES_IN_LINE;
  const lines = Math.ceil(bytes.length / width);
  return (
    <div ref={place} class="packets-dump">
      <p class="packets-dump-head">
        <span class="dim">{count(bytes.length, "byte")}: the header, then the payload</span>
        <button type="button" onClick={() => copyText(hexDump(bytes), "The dump")}>
          Copy
        </button>
      </p>
      <pre class="mono">
        {Array.from({ length: lines }, (_, line) => (
          <DumpLine key={line} bytes={bytes} at={line * width} width={width} part={part} />
        ))}
      </pre>
    </div>
  );
}

/** The line that begins at this offset; what is lit in it stands in a mark. */
function DumpLine({
  bytes,
  at,
  width,
  part,
}: {
  bytes: Uint8Array;
  at: number;
  width: number;
  part: Part | undefined;
}) {
  const end = Math.min(at + width, bytes.length);
  const from = Math.min(end, Math.max(at, part?.from ?? end));
  const to = Math.max(from, Math.min(end, part?.to ?? from));
  const hex = (a: number, b: number) => Array.from(bytes.subarray(a, b), hexOf).join(" ");
  const ascii = (a: number, b: number) => Array.from(bytes.subarray(a, b), asciiOf).join("");
  const gap = " ".repeat((at + width - end) * 3);
  return (
    <>
      <span class="dim">{at.toString(16).padStart(4, "0")}</span>
      {"  "}
      <span class={at < HEADER ? "packets-head-bytes" : undefined}>
        {hex(at, from)}
        {from > at && to > from && " "}
        {to > from && <mark>{hex(from, to)}</mark>}
        {end > to && to > at && " "}
        {to > from || from === end ? hex(to, end) : hex(from, end)}
        {gap}
        {"  "}
        {ascii(at, from)}
        {to > from && <mark>{ascii(from, to)}</mark>}
        {ascii(to, end)}
      </span>
      {"\n"}
    </>
  );
}
