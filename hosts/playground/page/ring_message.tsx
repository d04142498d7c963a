// Ring message: messages of a ring in words, and their bytes told apart by field.
// Holds   the list of messages, the strip of bytes, the legend of the fields.
// Never   shows a byte as anything but text.
// Source  the XenStore protocol, Header.

import {
  distance,
  FIELDS,
  fieldAt,
  type Piece,
  payloadText,
  typeName,
} from "../model/ring_bytes.ts";

/** Messages that are drawn of one list. */
const SHOWN = 24;
/** Bytes that are drawn of one strip. */
const BYTES_SHOWN = 192;

interface MessagesProps {
  readonly pieces: readonly Piece[];
  /** Where reading goes on, for messages in a queue. */
  readonly cons?: number;
  readonly label: string;
  readonly empty: string;
  readonly onPoint?: (piece: Piece | null) => void;
}

export function Messages({ pieces, cons, label, empty, onPoint }: MessagesProps) {
  if (pieces.length === 0) return <p class="dim ring-empty">{empty}</p>;
  return (
    <ol class="ring-messages" aria-label={label}>
      {pieces.slice(0, SHOWN).map((piece) => (
        <li
          key={piece.start}
          onPointerEnter={() => onPoint?.(piece)}
          onPointerLeave={() => onPoint?.(null)}
        >
          <MessageLine piece={piece} />
          <span class="dim ring-have">{haveText(piece, cons)}</span>
        </li>
      ))}
      {pieces.length > SHOWN && <li class="dim">and {pieces.length - SHOWN} more</li>}
    </ol>
  );
}

function MessageLine({ piece }: { readonly piece: Piece }) {
  const { header, payload } = piece;
  if (!header) return <strong>a header that is not all there</strong>;
  return (
    <>
      <strong class="ring-name">{typeName(header)}</strong>
      <Field name="type" value={header.type} />
      <Field name="req_id" value={header.reqId} />
      <Field name="tx_id" value={header.txId} />
      <Field name="len" value={header.len} />
      {payload.length > 0 && (
        <span class="ring-field ring-payload mono ring-text">{payloadText(payload)}</span>
      )}
    </>
  );
}

function Field({ name, value }: { readonly name: string; readonly value: number }) {
  return (
    <span class={`ring-field ring-${name}`}>
      {name} <span class="mono">{value}</span>
    </span>
  );
}

function haveText(
  { start, have, total, header, tooLong }: Piece,
  cons: number | undefined,
): string {
  if (tooLong) return "len is above 4096: nothing behind it can be trusted";
  const read = cons === undefined ? 0 : distance(cons, start);
  const gone = read > 0 && read < 0x8000_0000 ? `, ${read} of them read` : "";
  if (!header) return `${have} of 16 bytes of its header${gone}`;
  return have === total ? `${total} bytes${gone}` : `${have} of ${total} bytes${gone}`;
}

/** Bytes one by one: hexadecimal, told apart by the field that they belong to. */
export function Strip({
  bytes,
  pieces,
  label,
}: {
  readonly bytes: Uint8Array;
  readonly pieces: readonly Piece[];
  readonly label: string;
}) {
  const shown = bytes.subarray(0, BYTES_SHOWN);
  return (
    <p class="ring-strip mono">
      <span class="said">{label}: </span>
      {groupsOf(shown, pieces).map(({ at, field, text }) => (
        <span key={at} class={`ring-field ring-${field}`} title={field}>
          {text}
        </span>
      ))}
      {bytes.length > shown.length && (
        <span class="dim">and {bytes.length - shown.length} more</span>
      )}
    </p>
  );
}

function groupsOf(bytes: Uint8Array, pieces: readonly Piece[]) {
  const groups: { at: number; field: string; piece: Piece | undefined; text: string }[] = [];
  let next = 0;
  for (let at = 0; at < bytes.length; at++) {
    while (next < pieces.length && pieces[next].start + pieces[next].have <= at) next++;
    const piece: Piece | undefined = pieces[next];
    const field = piece ? fieldAt(at - piece.start) : "raw";
    const hex = bytes[at].toString(16).padStart(2, "0");
    const last = groups.at(-1);
    if (last && last.field === field && last.piece === piece) last.text += ` ${hex}`;
    else groups.push({ at, field, piece, text: hex });
  }
  return groups;
}

/** What the colours mean, and the two flags. */
export function FieldLegend() {
  return (
    <ul class="ring-legend" aria-label="Legend">
      {FIELDS.map((field) => (
        <li key={field} class={`ring-field ring-${field}`}>
          {field}
        </li>
      ))}
      <li>
        <svg viewBox="0 0 9 12" class="ring-flag" aria-hidden="true">
          <path class="ring-cons" d="M1 0h7l-7 5z" />
          <path class="ring-cons" d="M0 0h1.6v12h-1.6z" />
        </svg>
        cons
      </li>
      <li>
        <svg viewBox="0 0 9 12" class="ring-flag" aria-hidden="true">
          <path class="ring-prod" d="M8 12h-7l7 -5z" />
          <path class="ring-prod" d="M7.4 0h1.6v12h-1.6z" />
        </svg>
        prod
      </li>
    </ul>
  );
}
