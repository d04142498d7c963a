// Main: the worker that has the store.
// Holds   the engine, bound to the worker's messages.
// Never   draws.
// Source  our own.

import type { ToEngine, ToPage } from "../model/protocol.ts";
import { type Arrival, arrive, makeEngine } from "./boot.ts";

/** What is used of a dedicated worker's scope; its types are not those of a page. */
interface Scope {
  readonly name: string;
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: "message", call: (event: { data: ToEngine }) => void): void;
}

const scope = self as unknown as Scope;
const post = (message: ToPage, transfer: Transferable[] = []) =>
  scope.postMessage(message, transfer);
const parts = makeEngine(new URL("./xenstore.wasm", import.meta.url), post);

scope.addEventListener("message", async ({ data }) => {
  await parts.engine.hear(data);
  // A link that could not be opened: the tab begins as without one.
  if ("call" in data && data.op === "open.link" && !parts.engine.isOpen) start();
});

function start(): void {
  arrive(parts, arrival()).catch((error: Error) => {
    parts.engine.notice("error", `The store could not be started: ${error.message}`);
  });
}

if (!arrival().link) start();

/** The page says it in the worker's name, which is there from the first line on. */
function arrival(): Arrival {
  try {
    const { link, session } = JSON.parse(scope.name) as Arrival;
    return { link: link === true, session: typeof session === "string" ? session : null };
  } catch {
    return { link: false, session: null };
  }
}
