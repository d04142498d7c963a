// Port channel: a stream of bytes over a port that only knows messages; the same at both ends.
// Holds   how much each end may still send, and what came while nobody wanted it.
// Never   lets more wait than the window, and never trusts what the other end posts.
// Source  our own; the HTML standard, Message channels.
//
//   { xenstore: "open", version: 1, life }     from the client, first of all
//   { xenstore: "opened", version: 1, life }   from the store
//   an ArrayBuffer                             bytes of the stream, divided anywhere
//   { xenstore: "more", bytes }                so many bytes were used: as many may follow
//   { xenstore: "close", code, reason }        good-bye; code is empty when nothing went wrong
//
// Each end may have PORT_WINDOW bytes under way that the other one has not used. `life` names a
// lock that the sender holds as long as it lives (life.ts); it may be empty.

import type { XenstoreError } from "../shared/errors.ts";
import { ConnectionLostError, ProtocolError } from "./errors.ts";
import { whenGone } from "./life.ts";
import { type EmitterPort, type EventPort, eventPort } from "./worker_port.ts";

/** Bytes that may be under way in one direction. */
export const PORT_WINDOW = 262_144;
const VERSION = 1;
/** Used bytes are reported when there are so many. */
const REPORT = PORT_WINDOW / 4;

/** What is used of a MessagePort; a Worker, a worker's own scope and a BroadcastChannel fit, too. */
export type PortLike = EventPort | EmitterPort;

/** What one end of a channel hears. Nothing comes after `end`. */
export interface PortEvents {
  /** The other end has said that it is there. */
  hello(): void;
  /** Bytes, good until the call returns. Returns how many were used; the rest comes after a pause. */
  data(bytes: Uint8Array): number;
  /** There is room again, after `send` took less than it was given. */
  room(): void;
  /** The other end is gone, or broke the rules. Undefined: it said good-bye. */
  end(error?: XenstoreError): void;
}

export interface PortOptions {
  /** What this end is. */
  readonly role: "client" | "store";
  /** The own life; empty: there is none. */
  readonly life: string;
  /** The other end is certainly of the same origin. */
  readonly sure?: boolean;
}

type Word = Readonly<Record<string, unknown>>;

export class PortChannel {
  #port: EventPort;
  #events: PortEvents;
  #options: PortOptions;
  #greeted = false;
  #closed = false;
  #paused = false;
  /** Bytes that may be sent. */
  #credit = PORT_WINDOW;
  #short = false;
  /** How it ended, while bytes that came before that are held. */
  #last: { error: XenstoreError | undefined } | null = null;
  /** Bytes that came and were not reported as used; of these, those that were. */
  #under = 0;
  #used = 0;
  /** Bytes that came and were not used. */
  #held = new Uint8Array(0);
  #heldLen = 0;
  #stopWatching = () => {};
  #onMessage = (event: Event) => this.#heard((event as MessageEvent).data);
  #onBroken = () => this.#broken("a message that cannot be read here");
  #onClose = () => this.#lost("the other end of the port is gone");

  constructor(port: PortLike, events: PortEvents, options: PortOptions) {
    this.#port = eventPort(port);
    this.#events = events;
    this.#options = options;
    this.#port.addEventListener("message", this.#onMessage);
    this.#port.addEventListener("messageerror", this.#onBroken);
    this.#port.addEventListener("close", this.#onClose);
    this.#port.start?.();
  }

  /** Says that this end is there: the client at once, the store when it has heard the client. */
  greet(): void {
    const { role, life } = this.#options;
    const word = role === "client" ? "open" : "opened";
    this.#post({ xenstore: word, version: VERSION, life });
  }

  /**
   * Sends as much as the other end takes.
   * @param own  the array has its buffer to itself, and nobody else uses it any more
   * @returns    how many of the bytes were sent; `room` follows if these are not all
   */
  send(bytes: Uint8Array, own: boolean): number {
    if (this.#closed) return bytes.length;
    const len = Math.min(bytes.length, this.#credit);
    this.#short = len < bytes.length;
    if (len === 0) return 0;
    this.#credit -= len;
    const whole = own && len === bytes.buffer.byteLength;
    const buffer = (whole ? bytes.buffer : bytes.slice(0, len).buffer) as ArrayBuffer;
    this.#post(buffer, [buffer]);
    return len;
  }

  /** Stops (true) or goes on (false) handing out bytes. */
  pause(paused: boolean): void {
    this.#paused = paused;
    if (!paused && this.#heldLen > 0) queueMicrotask(() => this.#release());
  }

  /** Says good-bye and lets go of the port; `end` is not called for it. */
  close(code = "", reason = ""): void {
    this.#last = null;
    this.#drop();
    if (this.#closed) return;
    this.#post({ xenstore: "close", code, reason });
    this.#letGo();
  }

  #post(message: unknown, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transfer);
  }

  #heard(message: unknown): void {
    if (this.#closed) return;
    if (Object.prototype.toString.call(message) === "[object ArrayBuffer]") {
      this.#bytes(new Uint8Array(message as ArrayBuffer));
      return;
    }
    const word = (message ?? {}) as Word;
    const what = word.xenstore;
    if (what === (this.#options.role === "client" ? "opened" : "open")) this.#greeting(word);
    else if (what === "open") this.#broken("a client's greeting: both ends are clients");
    else if (what === "more") this.#more(word.bytes);
    else if (what === "close") this.#goodBye(word);
    else this.#broken(`a message that is none of this protocol (${describe(message)})`);
  }

  #greeting({ version, life }: Word): void {
    if (version !== VERSION) {
      this.#broken(`version ${describe(version)} of the port's protocol, not ${VERSION}`);
    } else if (this.#greeted) {
      this.#broken("a second greeting");
    } else {
      this.#greeted = true;
      const gone = () => this.#lost("the page or worker at the other end is gone");
      if (typeof life === "string") {
        this.#stopWatching = whenGone(life, this.#options.sure === true, gone);
      }
      this.#events.hello();
    }
  }

  #bytes(bytes: Uint8Array): void {
    this.#under += bytes.length;
    if (!this.#greeted) this.#broken(`${bytes.length} bytes before its greeting`);
    else if (bytes.length === 0) this.#broken("an empty message");
    else if (this.#under > PORT_WINDOW) {
      this.#broken(`${this.#under} bytes at once, above the most of ${PORT_WINDOW}`);
    } else if (this.#paused || this.#heldLen > 0) this.#hold(bytes);
    else this.#handOut(bytes);
  }

  #handOut(bytes: Uint8Array): void {
    const used = this.#events.data(bytes);
    if (this.#closed && !this.#last) return;
    if (used < bytes.length) this.#hold(bytes.subarray(used));
    this.#used += used;
    if (this.#used < REPORT || this.#closed) return;
    this.#under -= this.#used;
    this.#post({ xenstore: "more", bytes: this.#used });
    this.#used = 0;
  }

  #hold(bytes: Uint8Array): void {
    if (this.#held.length === 0) this.#held = new Uint8Array(PORT_WINDOW);
    this.#held.set(bytes, this.#heldLen);
    this.#heldLen += bytes.length;
  }

  #release(): void {
    if (this.#paused || this.#heldLen === 0) return;
    const bytes = this.#held.subarray(0, this.#heldLen);
    this.#drop();
    this.#handOut(bytes);
    if (this.#last && this.#heldLen === 0) this.#events.end(this.#last.error);
  }

  #drop(): void {
    this.#held = new Uint8Array(0);
    this.#heldLen = 0;
  }

  #more(bytes: unknown): void {
    const credit = typeof bytes === "number" ? this.#credit + bytes : Number.NaN;
    if (!Number.isInteger(bytes) || (bytes as number) <= 0 || !(credit <= PORT_WINDOW)) {
      this.#broken(`leave to send ${describe(bytes)} bytes more, with ${this.#credit} to go`);
      return;
    }
    this.#credit = credit;
    if (!this.#short) return;
    this.#short = false;
    this.#events.room();
  }

  #goodBye({ code, reason }: Word): void {
    const text = typeof reason === "string" && reason !== "" ? reason : "the store ended";
    const failed = typeof code === "string" && code !== "";
    this.#finish(failed ? new ConnectionLostError(text, false) : undefined);
  }

  #broken(what: string): void {
    const error = new ProtocolError(`the other end of the port sent ${what}`);
    this.#post({ xenstore: "close", code: error.code, reason: error.message });
    this.#drop();
    this.#finish(error);
  }

  #lost(why: string): void {
    if (!this.#closed) this.#finish(new ConnectionLostError(why, false));
  }

  /** Nothing more comes: that is told behind what came before. */
  #finish(error?: XenstoreError): void {
    this.#letGo();
    if (this.#heldLen > 0) this.#last = { error };
    else this.#events.end(error);
  }

  #letGo(): void {
    this.#closed = true;
    this.#stopWatching();
    this.#port.removeEventListener("message", this.#onMessage);
    this.#port.removeEventListener("messageerror", this.#onBroken);
    this.#port.removeEventListener("close", this.#onClose);
    this.#port.close?.();
  }
}

/** A value in a few words: it may be anything. */
function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  if (typeof value !== "object" || value === null) return String(value);
  return Object.prototype.toString.call(value).slice(8, -1);
}
