// Tab transport: finds the worker that has the shared store, in this tab or in another one.
// Holds   this tab's worker, and the port of each connection.
// Never   waits for a worker that has said good-bye or has failed.
// Source  our own; tab_words.ts has the messages.

import { ConnectError } from "../client/errors.ts";
import { whenGone } from "../client/life.ts";
import type { PortLike } from "../client/port_channel.ts";
import { portTransport } from "../client/port_stream.ts";
import type { Transport } from "../client/transport.ts";
import type { ByteStream } from "../shared/byte_stream.ts";
import { channelName, commonName, type OwnWord, type Who, type Word, wordOf } from "./tab_words.ts";

export interface TabParts {
  readonly own: OwnWord;
  readonly worker: () => Worker;
  readonly onOwner: (owns: boolean) => void;
  readonly log: (line: string) => void;
}

/** A port to the store's worker. */
interface Found {
  readonly port: PortLike;
  /** The life of that worker. */
  readonly owner: string;
}

/** The port of a connection that there is, or was. */
interface Place {
  port: EventTarget | null;
}

/** A way to the store for one client, until that forgets it. */
export interface TabWay extends Transport {
  forget(): void;
}

/** A worker that has the store closes it in less, unless it hangs. */
const LEAVE_MS = 2000;

export class TabTransport {
  /** This tab's worker has the store. */
  owns = false;
  #parts: TabParts;
  #common: BroadcastChannel;
  #worker: Worker | null = null;
  #left = () => {};
  #hidden = false;
  #closed = false;
  /** Attempts that look for the store, or wait for its greeting. */
  #seekers = new Set<(word: Word) => void>();
  /** The life of this tab's worker, once it has the store. */
  #ownLife = "";
  /** Stops waiting for the end of this tab's worker. */
  #stopWatching = () => {};
  #places = new Set<Place>();
  #onHide = () => this.#hide();
  #onShow = () => {
    this.#hidden = false;
    if (!this.#closed) this.#start();
  };

  constructor(parts: TabParts) {
    this.#parts = parts;
    this.#common = new BroadcastChannel(commonName(parts.own.name));
    this.#common.addEventListener("message", (event) => this.#tell(wordOf(event)));
    addEventListener("pagehide", this.#onHide);
    addEventListener("pageshow", this.#onShow);
  }

  /** A way to the store, wherever it is, for one client. */
  as(who: Who): TabWay {
    const place = { port: null };
    this.#places.add(place);
    return {
      name: `tabs:${this.#parts.own.name}`,
      reconnects: true,
      open: (signal) => this.#open(who, place, signal),
      forget: () => void this.#places.delete(place),
    };
  }

  /** Ends the worker; resolves when it has closed the store, if it had it. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    removeEventListener("pagehide", this.#onHide);
    removeEventListener("pageshow", this.#onShow);
    if (this.#worker) {
      await new Promise<void>((resolve) => {
        this.#left = resolve;
        setTimeout(resolve, LEAVE_MS);
        this.#worker?.postMessage({ xenstore: "leave" });
      });
    }
    this.#stop();
    this.#common.close();
  }

  async #open(who: Who, place: Place, signal: AbortSignal): Promise<ByteStream> {
    if (this.#closed || this.#hidden) throw refused("this page has left the store");
    this.#start();
    const attempt = new AbortController();
    const stop = () => attempt.abort(signal.reason);
    let found: Found | null = null;
    const hear = (word: Word) => {
      if (word.xenstore === "failed") attempt.abort(refused(word.reason));
      // Whoever was to greet is gone.
      const other = word.xenstore === "serving" && found && word.owner !== found.owner;
      if (other) attempt.abort(refused("another tab took over"));
    };
    const source = async () => {
      found = await this.#seek(who, attempt.signal);
      return found.port;
    };
    signal.addEventListener("abort", stop);
    this.#seekers.add(hear);
    try {
      const transport = portTransport(source, { name: "the tab", sameOrigin: true });
      const stream = await transport.open(attempt.signal);
      place.port = (found as Found | null)?.port as unknown as EventTarget;
      return stream;
    } finally {
      this.#seekers.delete(hear);
      signal.removeEventListener("abort", stop);
    }
  }

  /** Finds who has the store, and a port to it; waits until there is one. */
  #seek(who: Who, signal: AbortSignal): Promise<Found> {
    if (this.owns) return Promise.resolve(this.#ownPort(who));
    const id = crypto.randomUUID();
    const channel = new BroadcastChannel(channelName(this.#parts.own.name, id));
    return new Promise<Found>((resolve, reject) => {
      const ask = () => this.#common.postMessage({ xenstore: "join", id, ...who });
      const hear = (word: Word) => {
        if (word.xenstore === "joined" && word.id === id) {
          end(() => resolve({ port: channel, owner: word.owner }));
        } else if (word.xenstore === "serving" && this.owns) {
          channel.close();
          end(() => resolve(this.#ownPort(who)));
        } else if (word.xenstore === "serving") ask();
      };
      const abort = () => {
        channel.close();
        end(() => reject(signal.reason));
      };
      const end = (settle: () => void) => {
        this.#seekers.delete(hear);
        signal.removeEventListener("abort", abort);
        settle();
      };
      this.#seekers.add(hear);
      signal.addEventListener("abort", abort);
      if (signal.aborted) abort();
      else ask();
    });
  }

  /** A port to this tab's own worker. */
  #ownPort(who: Who): Found {
    const { port1, port2 } = new MessageChannel();
    this.#worker?.postMessage({ xenstore: "join", id: "", ...who }, [port2]);
    return { port: port1, owner: this.#ownLife };
  }

  /** Starts the worker, unless it is there. */
  #start(): void {
    if (this.#worker) return;
    let worker: Worker;
    try {
      worker = this.#parts.worker();
    } catch (error) {
      throw refused(`the worker cannot be started: ${(error as Error).message}`);
    }
    this.#worker = worker;
    worker.addEventListener("message", (event) => this.#heard(worker, wordOf(event)));
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      const { message } = event as ErrorEvent;
      const reason = message
        ? `the worker failed: ${message}`
        : "the worker cannot be loaded; is the script xenstore/worker where it should be?";
      this.#heard(worker, { xenstore: "failed", reason });
    });
    worker.postMessage(this.#parts.own);
  }

  #heard(worker: Worker, word: Word | null): void {
    if (worker !== this.#worker || !word) return;
    switch (word.xenstore) {
      case "log":
        this.#parts.log(word.line);
        break;
      case "serving":
        this.#ownLife = word.owner;
        this.#setOwns(true);
        this.#stopWatching = whenGone(word.owner, true, () => {
          this.#heard(worker, { xenstore: "failed", reason: "the worker was ended" });
        });
        break;
      case "failed":
      case "left":
        this.#stop();
        this.#left();
    }
    this.#tell(word);
  }

  #tell(word: Word | null): void {
    if (word) for (const hear of [...this.#seekers]) hear(word);
  }

  #setOwns(owns: boolean): void {
    if (owns === this.owns) return;
    this.owns = owns;
    this.#parts.onOwner(owns);
  }

  /** The worker is gone, or of no use any more. */
  #stop(): void {
    this.#stopWatching();
    this.#worker?.terminate();
    this.#worker = null;
    this.#setOwns(false);
  }

  /** The page goes, perhaps to come back: nobody may wait for it meanwhile. */
  #hide(): void {
    this.#hidden = true;
    this.#stop();
    this.#tell({ xenstore: "failed", reason: "this page has left the store" });
    for (const { port } of this.#places) port?.dispatchEvent(new Event("close"));
  }
}

function refused(reason: string): ConnectError {
  return new ConnectError("ENXIO", reason, { op: "connect", cause: new Error(reason) });
}
