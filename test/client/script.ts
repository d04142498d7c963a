// Script: a client of a store that answers as a test tells it to.
// Holds   the client, the log of what it asked, and its streams.
// Never   answers by itself.
// Source  our own; test/tools/scripted.ts.

import type { Client, ClientOptions } from "../../hosts/client/api.ts";
import { openClient } from "../../hosts/client/client.ts";
import type { XenstoreError } from "../../hosts/client/errors.ts";
import { type Rules, ScriptedStore, ScriptedStream } from "../tools/scripted.ts";

export interface Script {
  readonly client: Client;
  readonly store: ScriptedStore;
  /** One for each connection; the last is the present one. */
  readonly streams: ScriptedStream[];
  /** What was asked since the last call. */
  asked(): string[];
}

/** Opens a client of a store with these rules; `given` changes its streams. */
export async function script(
  rules: Rules = {},
  options: ClientOptions = {},
  given: Partial<Pick<ScriptedStream, "payloadMax" | "passesDepth">> = {},
): Promise<Script> {
  const store = new ScriptedStore(rules);
  const streams: ScriptedStream[] = [];
  const open = async () => {
    const stream = Object.assign(new ScriptedStream(store), given);
    streams.push(stream);
    return stream;
  };
  const client = await openClient({ name: "script", reconnects: false, open }, options);
  return { client, store, streams, asked: () => store.log.splice(0) };
}

/** Code and message of what a promise rejects with; null if it does not. */
export function failure(promise: Promise<unknown>): Promise<XenstoreError | null> {
  return promise.then(
    () => null,
    (error: XenstoreError) => error,
  );
}
