// Messages: the sixteen bytes of a header and what follows, as the tests read and write them.
// Holds   a coder and a splitter of their own, so that the tests do not trust the hosts' ones.
// Never   looks into a payload.
// Source  the XenStore protocol, struct xsd_sockmsg.

/** One message. `payload` is text with one character (0 to 255) for each byte. */
export type Message = { type: number; reqId: number; txId: number; payload: string };

/** Names of the message types by number; 20 is a hole. */
export const TYPE_NAMES: readonly string[] = [
  "CONTROL",
  "DIRECTORY",
  "READ",
  "GET_PERMS",
  "WATCH",
  "UNWATCH",
  "TRANSACTION_START",
  "TRANSACTION_END",
  "INTRODUCE",
  "RELEASE",
  "GET_DOMAIN_PATH",
  "WRITE",
  "MKDIR",
  "RM",
  "SET_PERMS",
  "WATCH_EVENT",
  "ERROR",
  "IS_DOMAIN_INTRODUCED",
  "RESUME",
  "SET_TARGET",
  "",
  "RESET_WATCHES",
  "DIRECTORY_PART",
  "GET_FEATURE",
  "SET_FEATURE",
  "GET_QUOTA",
  "SET_QUOTA",
];

export const WATCH_EVENT = 15;
export const ERROR = 16;
export const HEADER_SIZE = 16;

/** Returns the number of the type called `name`; a decimal number stands for itself. */
export function typeNumber(name: string): number {
  if (/^\d+$/.test(name)) return Number(name);
  const type = name === "" ? -1 : TYPE_NAMES.indexOf(name);
  if (type < 0) throw new Error(`no message type is called "${name}"`);
  return type;
}

/** Returns the name of a type, or its number in decimal. */
export function typeName(type: number): string {
  return TYPE_NAMES[type] || String(type);
}

/** Returns the bytes of text that has one character for each byte. */
export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

/** Returns text with one character for each byte. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** Returns the bytes of one message. `len` lies about the length of the payload if it is given. */
export function encode(message: Message, len = message.payload.length): Uint8Array {
  const out = Buffer.alloc(HEADER_SIZE + message.payload.length);
  out.writeUInt32LE(message.type >>> 0, 0);
  out.writeUInt32LE(message.reqId >>> 0, 4);
  out.writeUInt32LE(message.txId >>> 0, 8);
  out.writeUInt32LE(len >>> 0, 12);
  out.write(message.payload, HEADER_SIZE, "latin1");
  return out;
}

/** Cuts a stream of bytes into messages. */
export class Splitter {
  #rest: Buffer = Buffer.alloc(0);

  /** Takes bytes in and returns the messages that are complete with them. */
  push(bytes: Uint8Array): Message[] {
    const all = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes]);
    const messages: Message[] = [];
    let at = 0;
    while (all.length - at >= HEADER_SIZE) {
      const end = at + HEADER_SIZE + all.readUInt32LE(at + 12);
      if (end > all.length) break;
      messages.push({
        type: all.readUInt32LE(at),
        reqId: all.readUInt32LE(at + 4),
        txId: all.readUInt32LE(at + 8),
        payload: all.toString("latin1", at + HEADER_SIZE, end),
      });
      at = end;
    }
    this.#rest = all.subarray(at);
    return messages;
  }

  /** Bytes of a message that is not complete. */
  get restLen(): number {
    return this.#rest.length;
  }
}
