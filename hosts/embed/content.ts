// Content: what a store holds, as one short text that two stores can be compared by.
// Holds   the hash: two lanes of 32 bits, over nodes in the order of their paths.
// Never   looks at what differs between equal stores: order, generations, watches, tokens.
// Source  our own; MurmurHash's mixing of words.

import type { NodeRecord } from "../shared/records.ts";
import { StreamReader } from "../shared/stream.ts";

const FIRST = 0x9e3779b1;
const SECOND = 0x85ebca77;

/** Takes bytes one after the other. */
class Lanes {
  #a = FIRST;
  #b = SECOND;

  byte(value: number): void {
    this.#a = Math.imul(this.#a ^ value, 0x01000193);
    this.#a ^= this.#a >>> 15;
    this.#b = Math.imul(this.#b + value + 1, 0xc2b2ae3d);
    this.#b = (this.#b << 13) | (this.#b >>> 19);
  }

  text(text: string): void {
    for (let i = 0; i < text.length; i++) this.byte(text.charCodeAt(i) & 0xff);
    this.end(text.length);
  }

  bytes(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) this.byte(bytes[i] as number);
    this.end(bytes.length);
  }

  /** A length tells where a part ends. */
  end(length: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.byte((length >>> shift) & 0xff);
  }

  hex(): string {
    return hex(final(this.#a)) + hex(final(this.#b));
  }
}

function final(lane: number): number {
  let x = lane;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

const hex = (word: number) => word.toString(16).padStart(8, "0");

/**
 * The hash of a store's content.
 * @param state  its state, as `dump` returns it
 * @returns      16 hexadecimal digits
 * @throws       StreamError when the state is damaged
 */
export function contentHash(state: Uint8Array): string {
  const reader = new StreamReader();
  const nodes: NodeRecord[] = [];
  for (const record of reader.push(state)) {
    if (record.kind === "node" && record.conn === 0 && record.txId === 0) nodes.push(record);
  }
  reader.end();
  nodes.sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
  const lanes = new Lanes();
  for (const node of nodes) {
    lanes.text(node.path);
    lanes.bytes(node.value);
    for (const { access, domid, inert } of node.perms) {
      lanes.text(access);
      lanes.end(inert ? domid | 0x10000 : domid);
    }
    lanes.end(node.perms.length);
  }
  return lanes.hex();
}
