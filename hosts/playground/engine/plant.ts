// Plant: puts a whole tree into a new store by ordinary requests, many at a time.
// Holds   nothing.
// Never   decides what is asked for: see plant_requests.ts.
// Source  the XenStore protocol, WRITE and SET_PERMS.

import type { ByteStream } from "../../entry/browser.ts";
import {
  encodeMessage,
  firstString,
  type Message,
  MessageReader,
  XS_ERROR,
} from "../../entry/wire.ts";
import type { Mirror } from "./mirror.ts";
import { type PlantRequest, plantRequests } from "./plant_requests.ts";

/** Bytes that are sent at once, so that other work of the worker has its turn. */
const PIECE = 65_536;

/**
 * Puts all nodes of the mirror into the store behind the stream, which is closed then.
 * @throws Error of one line when the store refuses one
 */
export async function plant(stream: ByteStream, mirror: Mirror): Promise<void> {
  const planting = new Planting(stream);
  for (const request of plantRequests(mirror)) {
    planting.add(request);
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

  add({ type, path, payload }: PlantRequest): void {
    const bytes = encodeMessage({ type, reqId: this.#paths.length, txId: 0, payload });
    this.#parts.push(bytes);
    this.#paths.push(path);
    this.size += bytes.length;
    this.#open += 1;
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

  #reply({ type, reqId, payload }: Message): void {
    if (type === XS_ERROR) {
      const code = new TextDecoder().decode(firstString(payload));
      this.#problem ??= new Error(`${this.#paths[reqId]} can't be put into the store: ${code}.`);
    }
    if (--this.#open === 0) this.#done();
  }
}
