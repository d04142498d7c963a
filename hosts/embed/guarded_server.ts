// Guarded server: a server whose core may fail without anybody being left to wait.
// Holds   the links of all connections, and why the store is no more.
// Never   calls a core that has failed, and never lets its error out of a call of a client.
// Source  our own.

import { type Core, CorePanic } from "../shared/core.ts";
import type { XenstoreError } from "../shared/errors.ts";
import type { Clock, Link, Log } from "../shared/runtime.ts";
import { Server } from "../shared/server.ts";

export class GuardedServer extends Server {
  /** Why nothing is served any more; null: it is. */
  over: XenstoreError | null = null;
  #links = new Map<number, Link>();
  #onPanic: (error: CorePanic) => void;

  /** @param onPanic  called once, when the core has failed; it must call `end` */
  constructor(core: Core, clock: Clock, log: Log, onPanic: (error: CorePanic) => void) {
    super(core, clock, log);
    this.#onPanic = onPanic;
  }

  /** Does something with the core, unless it is over; a failure of the core ends the store. */
  run(call: () => void): void {
    if (this.over) return;
    try {
      call();
    } catch (error) {
      this.panic(error);
    }
  }

  /** Takes what was thrown: the failure of a core ends the store, anything else goes on its way. */
  panic(error: unknown): void {
    if (!(error instanceof CorePanic)) throw error;
    if (!this.over) this.#onPanic(error);
  }

  /** Nothing is served from here on; all connections end with this error. */
  end(error: XenstoreError): void {
    if (this.over) return;
    this.over = error;
    const links = [...this.#links.values()];
    this.#links.clear();
    for (const link of links) {
      if (link.fail) link.fail(error);
      else link.close();
    }
  }

  override connect(link: Link, kind: number, domid = 0): number {
    if (this.over) throw this.over;
    let conn = 0;
    this.run(() => {
      conn = super.connect(link, kind, domid);
    });
    if (this.over) throw this.over;
    if (conn) this.#links.set(conn, link);
    return conn;
  }

  override received(conn: number, len: number): void {
    if (this.over) return;
    try {
      super.received(conn, len);
    } catch (error) {
      this.panic(error);
    }
  }

  override settle(): void {
    if (this.over) return;
    try {
      super.settle();
    } catch (error) {
      this.panic(error);
    }
  }

  override flushed(conn: number, len: number): void {
    this.run(() => super.flushed(conn, len));
  }

  override closed(conn: number): void {
    this.#links.delete(conn);
    this.run(() => super.closed(conn));
  }

  override taskDone(text: Uint8Array): void {
    this.run(() => super.taskDone(text));
  }
}
