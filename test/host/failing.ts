// Failing: a copy of the built daemon whose core fails when it is told to.
// Holds   what it takes to put a function of our own in front of one that a module exports.
// Never   changes the daemon's own code.
// Source  the WebAssembly core specification, binary format.

import fs from "node:fs";
import path from "node:path";
import { DAEMON, temporaryFolder } from "./rig.ts";

const WASM = path.resolve("build/xenstore.wasm");
const HEADER = 8;
const [FUNCTIONS, EXPORTS, CODE] = [3, 7, 10];

const LOCAL_GET = 0x20;
const I32_CONST = 0x41;
const I32_LOAD = 0x28;
const I32_EQ = 0x46;
const I32_GE_U = 0x4f;
const CALL = 0x10;
const [IF, VOID, UNREACHABLE, END] = [0x04, 0x40, 0x00, 0x0b];

/** Where the payload of a message begins. */
const PAYLOAD = 16;

/** A WRITE to this path has been served when the core fails: its reply never leaves. */
export const CRASH = "/crash";

/** The built module, but it fails when it has served a request whose path is CRASH. */
export function failsWhenAsked(): Uint8Array {
  const bytes = fs.readFileSync(WASM);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const staging = (exports as { input_ptr(): number }).input_ptr();
  const text = Buffer.from(CRASH).readInt32LE(0);
  const payload = [I32_CONST, ...signed(staging), I32_LOAD, 2, PAYLOAD];
  return behind(bytes, "receive", 2, [...payload, I32_CONST, ...signed(text), I32_EQ]);
}

/** The built module, but it fails when a journal begins that is not the first. */
export function failsInLaterStarts(): Uint8Array {
  const second = [LOCAL_GET, 0, I32_CONST, ...signed(2), I32_GE_U];
  return behind(fs.readFileSync(WASM), "journal_head", 1, second);
}

/** A copy of the daemon with this module. Returns its file. */
export function daemonWith(module: Uint8Array, koffi: boolean): string {
  const folder = temporaryFolder();
  const file = path.join(folder, "build", "hosts", path.basename(DAEMON));
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.copyFileSync(DAEMON, file);
  fs.writeFileSync(path.join(folder, "build", path.basename(WASM)), module);
  if (koffi) fs.symlinkSync(path.resolve("node_modules"), path.join(folder, "node_modules"));
  return file;
}

/** Puts a function in the place of an export: it calls that, then fails if `condition` holds. */
function behind(
  module: Uint8Array,
  name: string,
  params: number,
  condition: readonly number[],
): Uint8Array {
  const sections = sectionsOf(module);
  const exported = exportOf(sections.get(EXPORTS) as Uint8Array, name);
  const functions = items(sections.get(FUNCTIONS) as Uint8Array);
  const type = read(functions.rest, offsetOf(functions.rest, exported.index)).value;
  const code = items(sections.get(CODE) as Uint8Array);
  const arguments_ = Array.from({ length: params }, (_, n) => [LOCAL_GET, n]).flat();
  const fails = [...condition, IF, VOID, UNREACHABLE, END];
  const body = [0, ...arguments_, CALL, ...unsigned(exported.index), ...fails, END];
  sections.set(FUNCTIONS, joined(functions.count + 1, functions.rest, unsigned(type)));
  sections.set(CODE, joined(code.count + 1, code.rest, [...unsigned(body.length), ...body]));
  sections.set(EXPORTS, exported.renumbered(functions.count));
  const parts = [...sections].map(([id, bytes]) =>
    Buffer.concat([Buffer.from([id, ...unsigned(bytes.length)]), bytes]),
  );
  return Buffer.concat([module.subarray(0, HEADER), ...parts]);
}

/** The sections of a module by number, in order; it has none without a number. */
function sectionsOf(module: Uint8Array): Map<number, Uint8Array> {
  const sections = new Map<number, Uint8Array>();
  for (let at = HEADER; at < module.length; ) {
    const id = module[at] as number;
    const size = read(module, at + 1);
    // Names and the like say nothing of what is done.
    if (id !== 0) sections.set(id, module.subarray(size.end, size.end + size.value));
    at = size.end + size.value;
  }
  return sections;
}

/** The number of the function that is exported by a name, and the section with another number. */
function exportOf(section: Uint8Array, name: string) {
  for (let at = read(section, 0).end; at < section.length; ) {
    const length = read(section, at);
    const text = Buffer.from(section.subarray(length.end, length.end + length.value)).toString();
    const kind = length.end + length.value;
    const index = read(section, kind + 1);
    if (text === name) {
      const [before, after] = [section.subarray(0, kind + 1), section.subarray(index.end)];
      const renumbered = (other: number) =>
        Buffer.concat([before, Buffer.from(unsigned(other)), after]);
      return { index: index.value, renumbered };
    }
    at = index.end;
  }
  throw new Error(`the module exports no ${name}`);
}

function items(section: Uint8Array): { count: number; rest: Uint8Array } {
  const { value, end } = read(section, 0);
  return { count: value, rest: section.subarray(end) };
}

/** Where number `index` of a row of numbers begins. */
function offsetOf(row: Uint8Array, index: number): number {
  let at = 0;
  for (let n = 0; n < index; n++) at = read(row, at).end;
  return at;
}

function joined(count: number, rest: Uint8Array, more: readonly number[]): Uint8Array {
  return Buffer.concat([Buffer.from(unsigned(count)), rest, Buffer.from(more)]);
}

/** Reads a LEB128 number without a sign. */
function read(bytes: Uint8Array, from: number): { value: number; end: number } {
  let value = 0;
  for (let at = from, shift = 0; ; at++, shift += 7) {
    const byte = bytes[at] as number;
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return { value, end: at + 1 };
  }
}

function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  const [low, rest] = [value & 127, value >> 7];
  const last = (rest === 0 && low < 64) || (rest === -1 && low >= 64);
  return last ? [low] : [low | 128, ...signed(rest)];
}
