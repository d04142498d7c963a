// Core client: requests served by the core in this process, without host, socket or copy.
// Holds   one instance of build/xenstore.wasm and one connection to it.
// Never   measures; it makes what is measured.
// Source  "The boundary" in ARCHITECTURE.md.

import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { CONN_SOCKET, INPUT_SIZE, OPT_QUOTA_NODE_SIZE } from "../../assembly/abi.ts";
import { XS_ERROR, XS_HEADER_SIZE, XS_WATCH_EVENT } from "../../assembly/xs_wire.ts";
import type { Exports } from "../core.ts";
import type { Request } from "./connection.ts";

export const WASM = resolve(import.meta.dirname, "../../build/xenstore.wasm");
const SEED_LO = 42;
const SEED_HI = 4711;

/** Why the core can't be measured, or null when it can. */
export const coreMissing = () => (existsSync(WASM) ? null : "the core is not built: npm run build");

export class CoreClient {
  readonly raw: Exports;
  /** Payload of the last reply of the last `exchange`. */
  lastAt = 0;
  lastLen = 0;
  readonly #conn: number;
  readonly #input: number;
  #bytes: Uint8Array;
  #view: DataView;
  #queued = 0;

  constructor() {
    const module = new WebAssembly.Module(readFileSync(WASM));
    this.raw = new WebAssembly.Instance(module, {}).exports as unknown as Exports;
    this.raw.init(SEED_LO, SEED_HI);
    // No quota: as the daemons are compared.
    for (let quota = 0; quota <= OPT_QUOTA_NODE_SIZE; quota++) this.raw.configure(quota, 0);
    this.raw.tick(1);
    this.#conn = this.raw.connect(CONN_SOCKET, 0);
    if (!this.#conn) throw new Error("the core takes no connection");
    this.#input = this.raw.input_ptr();
    this.#bytes = new Uint8Array(this.raw.memory.buffer);
    this.#view = new DataView(this.raw.memory.buffer);
  }

  /** Puts one more request into the staging buffer. */
  put(message: Request, txId = 0): void {
    if (this.#queued + message.length > INPUT_SIZE) throw new Error("too many requests at once");
    const at = this.#input + this.#queued;
    this.#bytes.set(message, at);
    this.#view.setUint32(at + 8, txId, true);
    this.#queued += message.length;
  }

  /** Has the queued requests served in one call. @returns how many replies came; errors throw */
  exchange(): number {
    this.raw.receive(this.#conn, this.#queued);
    this.#queued = 0;
    this.#renew();
    const from = this.raw.out_ptr(this.#conn);
    const len = this.raw.out_len(this.#conn);
    let replies = 0;
    for (let at = from; at < from + len; ) {
      const type = this.#view.getUint32(at, true);
      this.lastLen = this.#view.getUint32(at + 12, true);
      this.lastAt = at + XS_HEADER_SIZE;
      if (type === XS_ERROR) throw new Error(`the core answered ${this.text()}`);
      if (type !== XS_WATCH_EVENT) replies++;
      at = this.lastAt + this.lastLen;
    }
    this.raw.sent(this.#conn, len);
    this.#renew();
    return replies;
  }

  /** Forgets the queued requests. */
  discard(): void {
    this.#queued = 0;
  }

  call(message: Request, txId = 0): void {
    this.put(message, txId);
    if (this.exchange() !== 1) throw new Error("a request got no reply");
  }

  /** The last reply's payload without its NUL; only right after `exchange`. */
  text(): string {
    const { lastAt, lastLen } = this;
    return Buffer.from(this.#bytes.slice(lastAt, lastAt + lastLen))
      .toString("latin1")
      .split("\0")[0];
  }

  stat(which: number): number {
    return this.raw.stat(which);
  }

  /** Views end when the memory grows. */
  #renew(): void {
    if (this.#bytes.byteLength) return;
    this.#bytes = new Uint8Array(this.raw.memory.buffer);
    this.#view = new DataView(this.raw.memory.buffer);
  }
}
