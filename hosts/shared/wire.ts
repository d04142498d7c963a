// Wire: messages and bytes, as a client sees them.
// Holds   the header, the cutting of a byte stream into messages, payloads made of strings.
// Never   knows which request a message belongs to.
// Source  the XenStore protocol, Header and Payload syntax.

import { XENSTORE_PAYLOAD_MAX, XS_HEADER_SIZE } from "../../assembly/xs_wire.ts";
import { XenstoreError } from "./errors.ts";

/** Text goes out as UTF-8, bytes as they are. */
export type Text = string | Uint8Array;

/** One whole message. */
export interface Message {
  type: number;
  reqId: number;
  txId: number;
  /** 0 to 4096 bytes; a view, valid as long as the chunk it came in. */
  payload: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Bytes of `text`. */
export function toBytes(text: Text): Uint8Array {
  return typeof text === "string" ? encoder.encode(text) : text;
}

/** `bytes` read as UTF-8; what is not UTF-8 becomes U+FFFD. */
export function toText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** The parts one behind the other. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A payload of strings, each followed by a NUL. */
export function strings(...texts: Text[]): Uint8Array {
  const nul = new Uint8Array(1);
  return concat(texts.flatMap((text) => [toBytes(text), nul]));
}

/** The strings of a payload: what stands before each NUL; bytes behind the last one are dropped. */
export function splitStrings(payload: Uint8Array): string[] {
  const found: string[] = [];
  let start = 0;
  for (let nul = payload.indexOf(0); nul >= 0; nul = payload.indexOf(0, start)) {
    found.push(toText(payload.subarray(start, nul)));
    start = nul + 1;
  }
  return found;
}

/** What stands before the first NUL, or all of it. */
export function firstString(payload: Uint8Array): Uint8Array {
  const nul = payload.indexOf(0);
  return nul < 0 ? payload : payload.subarray(0, nul);
}

/** One message as bytes. */
export function encodeMessage(message: Message): Uint8Array {
  const bytes = new Uint8Array(XS_HEADER_SIZE + message.payload.length);
  const header = new DataView(bytes.buffer);
  header.setUint32(0, message.type, true);
  header.setUint32(4, message.reqId, true);
  header.setUint32(8, message.txId, true);
  header.setUint32(12, message.payload.length, true);
  bytes.set(message.payload, XS_HEADER_SIZE);
  return bytes;
}

/** Cuts the bytes that come in into whole messages, wherever they were divided. */
export class MessageReader {
  #kept: Uint8Array = new Uint8Array(0);

  /**
   * Takes the next chunk and returns the messages it completed, oldest first.
   * Throws EPROTO when a header announces more than 4096 bytes; the stream is unusable then.
   */
  push(chunk: Uint8Array): Message[] {
    const bytes = this.#kept.length === 0 ? chunk : concat([this.#kept, chunk]);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const messages: Message[] = [];
    let at = 0;
    while (bytes.length - at >= XS_HEADER_SIZE) {
      const size = view.getUint32(at + 12, true);
      if (size > XENSTORE_PAYLOAD_MAX) throw new XenstoreError("EPROTO");
      const end = at + XS_HEADER_SIZE + size;
      if (end > bytes.length) break;
      messages.push({
        type: view.getUint32(at, true),
        reqId: view.getUint32(at + 4, true),
        txId: view.getUint32(at + 8, true),
        payload: bytes.subarray(at + XS_HEADER_SIZE, end),
      });
      at = end;
    }
    this.#kept = bytes.slice(at);
    return messages;
  }
}
