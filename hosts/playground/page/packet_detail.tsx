// Packet detail: one message with all its fields.
// Holds   what it says, its header and payload by field, its bytes.
// Never   asks for a message that the list has.
// Source  our own.

import { useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { explain } from "../model/known.ts";
import { bytesOf, decode, type Field, headerOf } from "../model/packet.ts";
import { sentenceOf } from "../model/packet_sentence.ts";
import { hexBytes } from "../model/packet_text.ts";
import type { Operation, PacketRow } from "../model/protocol.ts";
import { absoluteOf } from "../model/words.ts";
import { HexDump, type Part } from "./packet_dump.tsx";
import { PacketLinks } from "./packet_links.tsx";
import { Bytes, Conn, KIND_WORDS, number, showNode, time } from "./packet_parts.tsx";
import { ALL, goTo, hidden, listed, narrowed, select, setFilter } from "./packet_state.ts";
import { call, packet, seen } from "./state.ts";

/** Fields of one message that are listed: a directory may have two thousand names. */
const FIELDS_MAX = 60;
const HEADER = 16;

/** The selected message: of the list, or asked for where that does not have it. */
export function PacketDetail() {
  const n = packet.value;
  const asked = useSignal<PacketRow | null | undefined>(undefined);
  const inList = useComputed(() => listed.value?.rows.find((row) => row.n === packet.value));
  useEffect(() => {
    asked.value = undefined;
    if (n === 0) return;
    // What is asked for is kept: the list may scroll away from it.
    call("packets.one", { n }).then(
      (row) => {
        if (packet.peek() === n) asked.value = row;
      },
      () => {
        if (packet.peek() === n) asked.value = null;
      },
    );
  }, [n]);
  if (n === 0) return null;
  const row = asked.value?.n === n ? asked.value : inList.value;
  return (
    <section class="packets-detail" aria-label="Particulars" data-testid="packet-detail">
      {row ? <Particulars key={n} row={row} /> : <Missing n={n} gone={asked.value === null} />}
    </section>
  );
}

function Missing({ n, gone }: { n: number; gone: boolean }) {
  return (
    <p class="dim packets-missing">
      {gone
        ? `Message ${number(n)} is not kept any more: the oldest are dropped.`
        : `Message ${number(n)}`}
      {gone && <CloseButton />}
    </p>
  );
}

function CloseButton() {
  return (
    <button type="button" onClick={() => select(0)}>
      Close
    </button>
  );
}

function Particulars({ row }: { row: PacketRow }) {
  const operation = useOperation(row.operation);
  const request = row.kind === "reply" ? operation?.type : undefined;
  const { mark, word } = KIND_WORDS[row.kind];
  return (
    <>
      <header class="packets-title">
        <h2>
          <span class="dim">#{number(row.n)}</span> <span aria-hidden="true">{mark}</span> {word}{" "}
          <span class={row.type === "ERROR" ? "bad" : ""}>{row.type}</span>
          {request !== undefined && row.type === "ERROR" && <span class="dim"> to {request}</span>}
        </h2>
        <span>
          <span class="dim">
            {row.kind === "request" ? "from" : row.kind === "note" ? "on" : "to"}
          </span>{" "}
          <Conn conn={row.conn} domid={row.domid} long />
        </span>
        <span class="dim">at {time(row.ms)} ms</span>
        <span class="grow" />
        <CloseButton />
      </header>
      {hidden.value && <Hidden n={row.n} />}
      {row.kind === "note" ? (
        <p class="packets-says">{row.text}</p>
      ) : (
        <Message row={row} request={request}>
          <PacketLinks row={row} operation={operation} />
        </Message>
      )}
    </>
  );
}

function Hidden({ n }: { n: number }) {
  if (!narrowed.value) {
    return <p class="packets-hidden">It is not in the list any more: the oldest are dropped.</p>;
  }
  return (
    <p class="packets-hidden">
      The filter keeps this message out of the list.{" "}
      <button
        type="button"
        onClick={() => {
          setFilter(ALL);
          goTo(n);
        }}
      >
        Clear the filter
      </button>
    </p>
  );
}

/** The operation a message belongs to; it is asked for again while there is no reply. */
function useOperation(n: number): Operation | null {
  const found = useSignal<Operation | null>(null);
  const last = found.value?.reply === 0 || found.value === null ? seen.history.value?.last : 0;
  // `last` says that something has happened since.
  useEffect(() => {
    if (n === 0) return;
    let over = false;
    call("history.operation", { n }).then(
      (operation) => {
        if (!over) found.value = operation;
      },
      () => {},
    );
    return () => {
      over = true;
    };
  }, [n, last]);
  return found.value;
}

function Message({
  row,
  request,
  children,
}: {
  row: PacketRow;
  request: string | undefined;
  children: ComponentChildren;
}) {
  const { fields, problem } = decode(row, request);
  const bytes = bytesOf(row);
  const header = headerOf(row);
  const lit = useSignal("");
  const known = explained(row, fields);
  const parts: Part[] = [
    ...header.map(({ name, at }) => ({ name, from: at, to: at + 4 })),
    ...fields.slice(0, FIELDS_MAX).map(({ from, to }, at) => {
      return { name: `payload-${at}`, from: from + HEADER, to: to + HEADER };
    }),
  ];
  return (
    <>
      <p class="packets-says">{sentenceOf(row, request)}</p>
      {problem !== null && <p class="packets-problem">{problem}</p>}
      {children}
      <div class="packets-fields">
        <table class="data" onMouseLeave={() => setLit(lit, "")}>
          <caption class="said">Fields of the message</caption>
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Bytes</th>
              <th scope="col">Value</th>
              <th scope="col">Meaning</th>
            </tr>
          </thead>
          <tbody>
            {header.map(({ name, hex, value, note }) => (
              <Line key={name} id={name} name={name} hex={hex} lit={lit} note={note}>
                {value > 0xffff ? `0x${value.toString(16)}` : value}
              </Line>
            ))}
            {fields.slice(0, FIELDS_MAX).map((field, at) => (
              <FieldLine
                key={field.from}
                id={`payload-${at}`}
                field={field}
                row={row}
                lit={lit}
                note={field.note || (known[field.name as keyof typeof known] ?? "")}
              />
            ))}
          </tbody>
        </table>
        {fields.length > FIELDS_MAX && (
          <p class="dim packets-more">
            And {number(fields.length - FIELDS_MAX)} more, in the bytes below.
          </p>
        )}
      </div>
      <HexDump bytes={bytes} parts={parts} lit={lit} />
    </>
  );
}

type Lit = ReturnType<typeof useSignal<string>>;

function setLit(lit: Lit, name: string): void {
  lit.value = name;
}

/** Bytes of a field that are written out in its line. */
const HEX_MAX = 8;

function FieldLine({
  id,
  field,
  row,
  lit,
  note,
}: {
  id: string;
  field: Field;
  row: PacketRow;
  lit: Lit;
  note: string;
}) {
  const bytes = row.payload.subarray(field.from, field.to);
  const more = bytes.length > HEX_MAX ? " ..." : "";
  const node = field.name === "path" ? nodeOf(field.text, row.domid) : null;
  return (
    <Line
      id={id}
      name={field.name}
      hex={hexBytes(bytes.subarray(0, HEX_MAX)) + more}
      lit={lit}
      note={note}
    >
      {node === null ? (
        <Bytes bytes={bytes} max={4096} />
      ) : (
        <button
          type="button"
          class="plain packets-path mono"
          title="Show it in the tree"
          onClick={() => showNode(node)}
        >
          <Bytes bytes={bytes} max={4096} />
        </button>
      )}
    </Line>
  );
}

/** What a well-known path is for, and what the value that goes with it means. */
function explained(row: PacketRow, fields: readonly Field[]): { path?: string; value?: string } {
  const path = fields.find(({ name }) => name === "path");
  const node = path ? nodeOf(path.text, row.domid) : null;
  if (node === null) return {};
  const value = fields.find(({ name }) => name === "value");
  const bytes = value ? row.payload.subarray(value.from, value.to) : new Uint8Array(0);
  const known = explain(node, bytes);
  return known ? { path: known.text, value: (value && known.value) ?? "" } : {};
}

/** The node that a path names; null: it names none. */
function nodeOf(path: string, domid: number): string | null {
  if (!/^[A-Za-z0-9/_@-]+$/.test(path) || path.startsWith("@")) return null;
  return absoluteOf(path, domid);
}

function Line({
  id,
  name,
  hex,
  note,
  lit,
  children,
}: {
  id: string;
  name: string;
  hex: string;
  note: string;
  lit: Lit;
  children: ComponentChildren;
}) {
  return (
    <tr class={lit.value === id ? "packets-lit" : ""} onMouseEnter={() => setLit(lit, id)}>
      <th scope="row">{name}</th>
      <td class="mono packets-hex">{hex}</td>
      <td class="packets-value">{children}</td>
      <td class="dim">{note}</td>
    </tr>
  );
}
