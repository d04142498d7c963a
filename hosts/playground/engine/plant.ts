// Plant: puts a whole tree into a new store by ordinary requests, many at a time.
// Holds   nothing.
// Never   sends a request that would change nothing: permissions are inherited where they are alike.
// Source  the XenStore protocol, WRITE and SET_PERMS.

import type { ByteStream } from "../../entry/browser.ts";
import {
  encodeMessage,
  firstString,
  type Message,
  MessageReader,
  strings,
  XS_ERROR,
  XS_SET_PERMS,
  XS_WRITE,
} from "../../entry/wire.ts";
import type { Mirror, MirrorNode } from "./mirror.ts";

/** Bytes that are sent at once, so that other work of the worker has its turn. */
const PIECE = 65_536;

/**
 * Puts all nodes of the mirror into the store behind the stream, which is closed then.
 * @throws Error of one line when the store refuses one
 */
export async function plant(stream: ByteStream, mirror: Mirror): Promise<void> {
  const planting = new Planting(stream);
  for (const [path, perms] of mirror.special) planting.perms(path, perms);
  for (const node of mirror.walk()) {
    planting.node(node);
    if (planting.size >= PIECE) await planting.flush();
  }
  await planting.flush();
  stream.close();
}

class Planting {
  size = 0;
  readonly #stream: ByteStream;
  #parts: Uint8Array[] = [];
  #paths: string[] = [];
  #reader = new MessageReader();
  #open = 0;
  #problem: Error | null = null;
  #done: () => void = () => {};

  constructor(stream: ByteStream) {
    this.#stream = stream;
    stream.start({
      data: (bytes) => {
        for (const message of this.#reader.push(bytes.slice())) this.#reply(message);
      },
      drain: () => {},
      end: (error) => {
        this.#problem ??= error ?? new Error("the store has ended");
        this.#done();
      },
    });
  }

  node(node: MirrorNode): void {
    const path = node.path();
    if (node.parent || node.value.length > 0) this.#write(path, node.value);
    // A node that domain 0 makes has its parent's permissions.
    if (node.perms !== (node.parent?.perms ?? "n0")) this.perms(path, node.perms);
  }

  perms(path: string, perms: string): void {
    this.#send(XS_SET_PERMS, path, strings(path, ...perms.split(" ")));
  }

  /** Sends what waits, and waits for the replies. */
  async flush(): Promise<void> {
    if (this.size > 0 && !this.#problem) {
      const bytes = new Uint8Array(this.size);
      let at = 0;
      for (const part of this.#parts) {
        bytes.set(part, at);
        at += part.length;
      }
      this.#parts = [];
      this.size = 0;
      const answered = new Promise<void>((resolve) => {
        this.#done = resolve;
      });
      this.#stream.write(bytes);
      await answered;
      this.#paths = [];
    }
    if (this.#problem) throw this.#problem;
  }

  #write(path: string, value: Uint8Array): void {
    const head = strings(path);
    const payload = new Uint8Array(head.length + value.length);
    payload.set(head);
    payload.set(value, head.length);
    this.#send(XS_WRITE, path, payload);
  }

  #send(type: number, path: string, payload: Uint8Array): void {
    const bytes = encodeMessage({ type, reqId: this.#paths.length, txId: 0, payload });
    this.#parts.push(bytes);
    this.#paths.push(path);
    this.size += bytes.length;
    this.#open += 1;
  }

  #reply({ type, reqId, payload }: Message): void {
    if (type === XS_ERROR) {
      const code = new TextDecoder().decode(firstString(payload));
      this.#problem ??= new Error(`${this.#paths[reqId]} can't be put into the store: ${code}.`);
    }
    if (--this.#open === 0) this.#done();
  }
}
