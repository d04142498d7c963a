// Packet: any message of XenStore, taken apart into fields with names.
// Holds   the form of each type's payload, the header's fields, what is wrong with a payload.
// Never   throws: a payload may hold any bytes.
// Source  the XenStore protocol: Header, Message types, Payload syntax.

import { encodeMessage, operationName, XS_TYPE_COUNT } from "../../entry/wire.ts";
import { hexBytes, isText, visible } from "./packet_text.ts";
import {
  controlNote,
  depthNote,
  domidNote,
  errorWords,
  featureWords,
  pathNote,
  permWords,
} from "./packet_words.ts";

/** What has to be known of a message; a PacketRow is one. */
export interface Packet {
  readonly kind: "request" | "reply" | "event" | "note";
  /** Name of the type; of an error reply ERROR. */
  readonly type: string;
  readonly domid: number;
  readonly reqId: number;
  readonly txId: number;
  readonly payload: Uint8Array;
}

export interface Field {
  readonly name: string;
  /** Bytes it takes in the payload, without its NUL. */
  readonly from: number;
  readonly to: number;
  /** As text that is safe to show. */
  readonly text: string;
  /** What it means, in words; "" where the text says it. */
  readonly note: string;
}

export interface Decoded {
  readonly fields: readonly Field[];
  /** What is not as the protocol wants it, and what comes of that; null: nothing. */
  readonly problem: string | null;
}

export interface HeaderField {
  readonly name: "type" | "req_id" | "tx_id" | "len";
  readonly at: number;
  /** "0b 00 00 00" */
  readonly hex: string;
  readonly value: number;
  readonly note: string;
}

/** Names of all types there are, in the order of their numbers. */
export const TYPES: readonly string[] = Array.from({ length: XS_TYPE_COUNT }, (_, type) =>
  operationName(type),
);

/** A type's number: of "type 99", 99. */
export function typeNumber(name: string): number {
  const known = TYPES.indexOf(name);
  return known >= 0 ? known : Number(/^type (\d+)$/.exec(name)?.[1] ?? 0xffff);
}

/** The whole message as it went over the connection. */
export function bytesOf(packet: Packet): Uint8Array {
  const { reqId, txId, payload } = packet;
  return encodeMessage({ type: typeNumber(packet.type), reqId, txId, payload });
}

/** The four fields of its header. */
export function headerOf(packet: Packet): HeaderField[] {
  const bytes = bytesOf(packet);
  const { kind, reqId, txId, payload } = packet;
  const event = kind === "event";
  const notes: [HeaderField["name"], number, string][] = [
    ["type", typeNumber(packet.type), packet.type],
    ["req_id", reqId, event ? "0 in events" : "chosen by the client, copied into the reply"],
    ["tx_id", txId, txId !== 0 ? "the transaction" : event ? "0 in events" : "in no transaction"],
    ["len", payload.length, payload.length === 1 ? "byte of payload" : "bytes of payload"],
  ];
  return notes.map(([name, value, note], index) => {
    const at = index * 4;
    return { name, at, hex: hexBytes(bytes.subarray(at, at + 4)), value, note };
  });
}

/** The payload taken apart; `request`: of a reply, the type of what it answers, where known. */
export function decode(packet: Packet, request = packet.type): Decoded {
  if (packet.kind === "note") return { fields: [], problem: null };
  if (packet.kind === "event") return decodeEvent(packet);
  return packet.kind === "reply" ? decodeReply(packet, request) : decodeRequest(packet);
}

/** A string of a payload: where it begins and ends, and whether a NUL follows. */
interface Cut {
  readonly from: number;
  readonly to: number;
  readonly ended: boolean;
}

function cut(payload: Uint8Array): Cut[] {
  const cuts: Cut[] = [];
  for (let from = 0; from < payload.length; ) {
    const nul = payload.indexOf(0, from);
    const to = nul < 0 ? payload.length : nul;
    cuts.push({ from, to, ended: nul >= 0 });
    from = to + 1;
  }
  return cuts;
}

/**
 * Forms of requests: "one" has exactly one string; "strings" at least `least` and at most `most`;
 * "write" a path and any bytes; "any" is not looked at. The last name stands for all that follow.
 */
interface Form {
  readonly form: "one" | "strings" | "write" | "any";
  readonly names: readonly string[];
  readonly least: number;
  readonly most: number;
}

const one = (name: string): Form => ({ form: "one", names: [name], least: 1, most: 1 });
const list = (names: string, least: number, most: number): Form => {
  return { form: "strings", names: names.split(" "), least, most };
};
const MANY = Number.POSITIVE_INFINITY;

const REQUESTS: Readonly<Record<string, Form>> = {
  CONTROL: list("command argument", 1, MANY),
  DIRECTORY: one("path"),
  READ: one("path"),
  GET_PERMS: one("path"),
  WATCH: list("path token depth", 2, 3),
  UNWATCH: list("path token", 2, 2),
  TRANSACTION_START: { form: "any", names: ["not looked at"], least: 0, most: MANY },
  TRANSACTION_END: one("end"),
  INTRODUCE: list("domid gfn port more", 3, MANY),
  RELEASE: one("domid"),
  GET_DOMAIN_PATH: one("domid"),
  WRITE: { form: "write", names: ["path", "value"], least: 1, most: 1 },
  MKDIR: one("path"),
  RM: one("path"),
  SET_PERMS: list("path owner entry", 2, MANY),
  IS_DOMAIN_INTRODUCED: one("domid"),
  RESUME: one("domid"),
  SET_TARGET: list("domid target more", 2, MANY),
  RESET_WATCHES: { form: "any", names: ["not looked at"], least: 0, most: MANY },
  DIRECTORY_PART: list("path offset", 2, 2),
  GET_FEATURE: list("domid", 0, 1),
  SET_FEATURE: list("domid features", 2, 2),
  GET_QUOTA: list("quota", 0, 2),
  SET_QUOTA: list("quota value", 2, 3),
};

function decodeRequest(packet: Packet): Decoded {
  const { type, payload } = packet;
  const form = REQUESTS[type];
  const cuts = cut(payload);
  if (form === undefined) {
    const fields = cuts.map((part) => field("string", part, packet));
    return { fields, problem: withoutHandler(type) };
  }
  if (form.form === "write") return decodeWrite(packet);
  const whole = cuts.filter(({ ended }) => ended).length;
  const names = namesOf(type, form, whole);
  const fields = cuts.map((part, index) => {
    const name =
      part.ended || form.form !== "strings" ? (names[index] ?? names.at(-1)) : "left over";
    return field(name ?? "more", part, packet);
  });
  return { fields, problem: form.form === "any" ? null : problemOf(form, cuts, whole) };
}

/** With a domain in front or without: the number of strings decides. */
function namesOf(type: string, form: Form, count: number): readonly string[] {
  const withDomain = (type === "GET_QUOTA" && count === 2) || (type === "SET_QUOTA" && count === 3);
  return withDomain ? ["domid", ...form.names] : form.names;
}

function withoutHandler(type: string): string {
  if (type === "WATCH_EVENT" || type === "ERROR") {
    return `Only the store sends a message of type ${type}: the answer is ENOSYS.`;
  }
  if (type === "RESTRICT") return "This type was removed from the protocol: the answer is ENOSYS.";
  return "The protocol has no such type: the answer is ENOSYS.";
}

function problemOf(form: Form, cuts: readonly Cut[], whole: number): string | null {
  const open = cuts.some(({ ended }) => !ended);
  if (form.form === "one") {
    if (cuts.length === 0) return "There is no string in it: the answer is EINVAL.";
    if (open) return "There is no NUL at its end: the answer is EINVAL.";
    return cuts.length > 1 ? "It has more than one string: the answer is EINVAL." : null;
  }
  if (whole < form.least || whole > form.most) {
    const wanted = form.most === MANY ? `${form.least} or more` : rangeOf(form);
    const left = open ? ", each with a NUL behind it" : "";
    const has = whole === 1 ? "1 string" : `${whole} strings`;
    return `It has ${has} where ${wanted} are wanted${left}: the answer is EINVAL.`;
  }
  return open ? "The bytes behind the last NUL are not looked at." : null;
}

function rangeOf({ least, most }: Form): string {
  return least === most ? `${least}` : `${least} to ${most}`;
}

function decodeWrite(packet: Packet): Decoded {
  const { payload } = packet;
  const nul = payload.indexOf(0);
  if (nul < 0) {
    const fields = [field("path", { from: 0, to: payload.length, ended: false }, packet)];
    return { fields, problem: "There is no NUL behind the path: the answer is EINVAL." };
  }
  const value = { from: nul + 1, to: payload.length, ended: false };
  const fields = [
    field("path", { from: 0, to: nul, ended: true }, packet),
    field("value", value, packet),
  ];
  return { fields, problem: null };
}

/** Strings of replies by the request's type; "=" in front: all bytes as they are. */
const REPLIES: Readonly<Record<string, string>> = {
  CONTROL: "=text",
  DIRECTORY: "name",
  READ: "=value",
  GET_PERMS: "owner entry",
  TRANSACTION_START: "transaction",
  GET_DOMAIN_PATH: "path",
  IS_DOMAIN_INTRODUCED: "introduced",
  DIRECTORY_PART: "generation name",
  GET_FEATURE: "features",
  GET_QUOTA: "quota",
};

function decodeReply(packet: Packet, request: string): Decoded {
  const { payload } = packet;
  const form = packet.type === "ERROR" ? "error" : (REPLIES[packet.type] ?? "result");
  if (form.startsWith("=")) {
    const end = packet.type === "CONTROL" && payload.at(-1) === 0 ? 1 : 0;
    const part = { from: 0, to: payload.length - end, ended: end === 1 };
    return { fields: [field(form.slice(1), part, packet)], problem: null };
  }
  const names = form.split(" ");
  const cuts = cut(payload);
  const fields = cuts.map((part, index) => {
    const name = names[index] ?? (names.at(-1) as string);
    const last = packet.type === "DIRECTORY_PART" && index > 0 && part.from === part.to;
    return field(last ? "end of the list" : name, part, packet, request);
  });
  const open = cuts.some(({ ended }) => !ended);
  return { fields, problem: open ? "There is no NUL at its end." : null };
}

function decodeEvent(packet: Packet): Decoded {
  const names = ["path", "token"];
  const cuts = cut(packet.payload);
  const fields = cuts.map((part, index) => field(names[index] ?? "more", part, packet));
  const whole = cuts.filter(({ ended }) => ended).length;
  return { fields, problem: whole === 2 ? null : "An event has two strings: path and token." };
}

function field(name: string, part: Cut, packet: Packet, request = packet.type): Field {
  const bytes = packet.payload.subarray(part.from, part.to);
  const text = visible(bytes);
  return {
    name,
    from: part.from,
    to: part.to,
    text,
    note: noteOf(name, text, bytes, packet, request),
  };
}

function noteOf(
  name: string,
  text: string,
  bytes: Uint8Array,
  packet: Packet,
  request: string,
): string {
  const found = NOTES[name];
  if (found !== undefined) return found(text, packet, request);
  if (name === "value" && packet.type !== "SET_QUOTA") return sizeNote(bytes);
  if (name === "value") return text === "0" ? "no limit" : "";
  return "";
}

function sizeNote(bytes: Uint8Array): string {
  if (bytes.length === 0) return "empty";
  const size = bytes.length === 1 ? "1 byte" : `${bytes.length} bytes`;
  return isText(bytes) ? size : `${size}, not all text`;
}

type NoteMaker = (text: string, packet: Packet, request: string) => string;

const NOTES: Readonly<Record<string, NoteMaker>> = {
  path: (text, { domid }) => pathNote(text, domid),
  token: (text) => (text === "" ? "empty, which is allowed" : "comes back in each event"),
  depth: depthNote,
  domid: domidNote,
  target: domidNote,
  gfn: () => "frame of the ring's page",
  port: () => "event channel",
  command: controlNote,
  owner: (text) => permWords(text, true),
  entry: (text) => permWords(text, false),
  features: featureWords,
  end: (text) => END[text] ?? "neither T nor F: EINVAL",
  transaction: () => "id of the new transaction on this connection",
  introduced: (text) => (text === "T" ? "yes" : text === "F" ? "no" : ""),
  generation: () => "changes whenever the list of children does",
  offset: () => "byte of the list of names to begin at",
  error: (text, _, request) => errorWords(text, request),
  result: (text) => (text === "OK" ? "carried out" : ""),
  "end of the list": () => "no names follow",
  "left over": () => "not looked at: no NUL follows",
  "not looked at": () => "the store ignores it",
  more: () => "not looked at",
};

const END: Readonly<Record<string, string>> = {
  T: "commit: all of it, or EAGAIN and nothing",
  F: "give up: nothing of it happens",
};
