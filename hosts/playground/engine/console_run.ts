// Console run: one command of a console, from its line to its exit code.
// Holds   what it has printed and was not sent to the page yet.
// Never   floods the page: output goes in pieces, and what is too much is left out.
// Source  our own.

import type { ConsoleLine } from "../model/protocol.ts";
import type { Run } from "./domain_entry.ts";

/** Output goes to the page at most so often: ms. */
const PIECE_MS = 16;
/** Characters that may be printed at once, and how many more each ms. */
const ROOM = 1_000_000;
const ROOM_PER_MS = 50;
/** Characters that are kept for whoever waits for the command. */
const KEPT_MAX = 262_144;
const LEFT_OUT =
  "[Some of the output is left out from here on: the command has printed more than 1 MB.]\n";

interface Piece {
  readonly kind: "out" | "err";
  text: string;
}

export class ConsoleRun implements Run {
  readonly run: number;
  readonly line: string;
  readonly ended: Promise<void>;
  /** Resolves with the first thing that it prints, or when it has ended. */
  readonly begun: Promise<void>;
  /** What it has printed, from its beginning on. */
  out = "";
  err = "";
  /** null: it runs. */
  code: number | null = null;
  readonly #domid: number;
  readonly #say: (line: ConsoleLine) => void;
  readonly #abort = new AbortController();
  #hasBegun: () => void = () => {};
  #hasEnded: () => void = () => {};
  #pieces: Piece[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  #sentMs = 0;
  readonly #room = new Room();

  constructor(run: number, domid: number, line: string, say: (line: ConsoleLine) => void) {
    this.run = run;
    this.line = line;
    this.#domid = domid;
    this.#say = say;
    this.begun = new Promise((resolve) => {
      this.#hasBegun = resolve;
    });
    this.ended = new Promise((resolve) => {
      this.#hasEnded = resolve;
    });
    this.#tell("begin", line);
  }

  /** Speaks when the command is stopped. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  stop(why?: string): void {
    if (this.code !== null || this.#abort.signal.aborted) return;
    if (why !== undefined) this.print("err", `[Stopped: ${why}.]\n`);
    this.#abort.abort();
  }

  print(kind: "out" | "err", text: string): void {
    if (this.code !== null) return;
    if (this[kind].length < KEPT_MAX) this[kind] += text.slice(0, KEPT_MAX - this[kind].length);
    if (kind === "out") this.#hasBegun();
    const { shown, begins } = this.#room.take(text);
    if (shown !== "") this.#put(kind, shown);
    if (begins) this.#put("err", LEFT_OUT);
  }

  end(code: number): void {
    if (this.code !== null) return;
    this.#flush();
    this.code = code;
    this.#tell("end", String(code));
    this.#hasBegun();
    this.#hasEnded();
  }

  #put(kind: "out" | "err", text: string): void {
    const last = this.#pieces.at(-1);
    if (last?.kind === kind) last.text += text;
    else this.#pieces.push({ kind, text });
    const waitMs = Math.max(0, this.#sentMs + PIECE_MS - performance.now());
    this.#timer ??= setTimeout(() => this.#flush(), waitMs);
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#sentMs = performance.now();
    for (const { kind, text } of this.#pieces.splice(0)) this.#tell(kind, text);
  }

  #tell(kind: ConsoleLine["kind"], text: string): void {
    this.#say({ domid: this.#domid, run: this.run, kind, text });
  }
}

/** How much may be shown: a good deal at once, and then so much for each ms. */
class Room {
  #left = ROOM;
  #ms = performance.now();
  #cuts = false;

  /** What of a text is shown. `begins`: from here on some is left out. */
  take(text: string): { shown: string; begins: boolean } {
    const nowMs = performance.now();
    this.#left = Math.min(ROOM, this.#left + (nowMs - this.#ms) * ROOM_PER_MS);
    this.#ms = nowMs;
    // What is shown again does not end at once.
    if (this.#cuts && this.#left < ROOM / 2) return { shown: "", begins: false };
    const shown = text.slice(0, this.#left);
    this.#left -= shown.length;
    this.#cuts = shown.length < text.length;
    return { shown, begins: this.#cuts };
  }
}
