// Line: a Connection for tests, and what its listener heard.
// Holds   the events, the watches that are set again, the end.
// Never   hides what the connection does.
// Source  our own.

import { XS_READ, XS_WATCH, XS_WRITE } from "../../assembly/xs_wire.ts";
import type { ClientOptions, Status } from "../../hosts/client/api.ts";
import { type AskOptions, Connection, type Listener } from "../../hosts/client/connection.ts";
import { decodeText } from "../../hosts/client/text.ts";
import type { Front, Peer } from "./raw.ts";

/** A decoder of replies that say nothing. */
export const nothing = () => undefined;

export class Line implements Listener {
  /** Events as `path token`, and what a test adds. */
  readonly heard: string[] = [];
  /** Paths that are watched again on a new link. */
  watched: string[] = [];
  /** What `ended` was called with. */
  readonly ends: (Error | null)[] = [];
  /** Called with each event. */
  onEvent: () => void = () => {};
  /** Called before the watches are set again. */
  onRelinked: (link: number) => Promise<void> | void = () => {};
  connection!: Connection;

  event(path: string, token: string): void {
    this.heard.push(`${path} ${token}`);
    this.onEvent();
  }

  async relinked(link: number): Promise<number> {
    await this.onRelinked(link);
    const again = { first: true, link };
    const set = this.watched.map((path) =>
      this.connection.ask(XS_WATCH, path, "again\0", nothing, again),
    );
    await Promise.all(set);
    return set.length;
  }

  ended(error: Error | null): void {
    this.ends.push(error);
  }

  read(path: string, options?: AskOptions): Promise<string> {
    return this.connection.ask(XS_READ, path, null, decodeText, options);
  }

  write(path: string, value: string | Uint8Array, options?: AskOptions): Promise<undefined> {
    return this.connection.ask(XS_WRITE, path, value, nothing, options);
  }
}

/** A connection to `front`, and the store's end of it. */
export async function connect(
  front: Front,
  options: ClientOptions = {},
): Promise<{ line: Line; peer: Peer }> {
  const line = new Line();
  const [connection, peer] = await Promise.all([
    Connection.open(front.transport, line, options),
    front.accept(),
  ]);
  line.connection = connection;
  return { line, peer };
}

/** What a promise came to, for those that are awaited later: never an unhandled rejection. */
export function outcome<T>(promise: Promise<T>): Promise<T | Error> {
  return promise.catch((error: Error) => error);
}

/** The next status of a state. Ends with an error when the connection is closed before. */
export async function until(
  statuses: AsyncIterableIterator<Status>,
  state: Status["state"],
): Promise<Status> {
  for (;;) {
    const { value, done } = await statuses.next();
    if (done) throw new Error(`closed, and never ${state}`);
    if (value.state === state) return value;
  }
}
