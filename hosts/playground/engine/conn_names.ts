// Conn names: what connections are called in a session, whose history may be older than its store.
// Holds   the name of each connection of the store, and the last number of each kind.
// Never   gives a name twice.
// Source  our own; hosts/embed/trace.ts has the names of a store.

import type { TraceRecord } from "../../entry/browser.ts";

const NUMBERED = /^(S|R|D\d+\.)(\d+)$/;

export class ConnNames {
  readonly #names = new Map<string, string>();
  readonly #last = new Map<string, number>();

  /** A name that was used: it does not come again. */
  use(name: string): void {
    const [, kind, number] = NUMBERED.exec(name) ?? [];
    if (kind === undefined) return;
    this.#last.set(kind, Math.max(this.#last.get(kind) ?? 0, Number(number)));
  }

  /**
   * A connection of the store was opened. A ring's keeps its name, as D7.
   * @param told  what it is to be called
   */
  open(conn: string, told: string | null): string {
    const kind = NUMBERED.exec(conn)?.[1];
    const name = told ?? (kind === undefined ? conn : `${kind}${(this.#last.get(kind) ?? 0) + 1}`);
    this.use(name);
    this.#names.set(conn, name);
    return name;
  }

  of(conn: string): string {
    return this.#names.get(conn) ?? conn;
  }
}

/** Names and times of a recorded trace, for what happens while it is played again. */
export class Retelling {
  /** The time of the newest request: ms. */
  ms = 0;
  /** In the order in which connections are opened. */
  #names: string[] = [];
  #times = new Map<string, number[]>();

  constructor(records: readonly TraceRecord[]) {
    const open = new Set<string>();
    for (const record of records) {
      const { kind, conn, ms } = record;
      if (kind === "close" || ("note" in record && record.note === "destroyed")) open.delete(conn);
      if (kind !== "request") continue;
      if (!open.has(conn)) this.#names.push(conn);
      open.add(conn);
      const times = this.#times.get(conn);
      if (times) times.push(ms);
      else this.#times.set(conn, [ms]);
    }
    for (const times of this.#times.values()) times.reverse();
  }

  /** The name of the connection that is opened now. */
  name(): string | null {
    return this.#names.shift() ?? null;
  }

  /** A request was made on a connection. */
  request(conn: string): void {
    this.ms = Math.max(this.ms, this.#times.get(conn)?.pop() ?? 0);
  }
}
