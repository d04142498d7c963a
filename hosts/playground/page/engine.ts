// Engine: the page's end of the worker that has the store.
// Holds   the calls that wait for their answer, and what the page looks at.
// Never   waits: a call is a promise, what is seen comes by itself.
// Source  our own; "The playground" in ARCHITECTURE.md.

import type {
  ConsoleLine,
  Look,
  Notice,
  OpName,
  Ops,
  Seen,
  ToEngine,
  ToPage,
} from "../model/protocol.ts";

/** An error of the engine: its message is for people. */
export class EngineError extends Error {
  /** Such as ENOENT; "" where there is none. */
  readonly code: string;

  constructor(message: string, code = "") {
    super(message);
    this.name = "EngineError";
    this.code = code;
  }
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class EngineLink {
  onSeen: (seen: Seen) => void = () => {};
  onConsole: (line: ConsoleLine) => void = () => {};
  onNotice: (notice: Notice) => void = () => {};
  /** The worker is gone for good. */
  onEnd: (reason: string) => void = () => {};
  #worker: Worker;
  #calls = new Map<number, Waiting>();
  #count = 0;
  #look: Look = {};
  #lookDue = false;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.addEventListener("message", ({ data }) => this.#heard(data as ToPage));
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      const reason = event.message || "the script engine.js could not be loaded";
      for (const { reject } of this.#calls.values()) reject(new EngineError(reason));
      this.#calls.clear();
      this.onEnd(reason);
    });
  }

  /** Has the engine do something. Errors: EngineError with words for people. */
  call<K extends OpName>(
    op: K,
    args: Parameters<Ops[K]>[0],
    transfer: Transferable[] = [],
  ): Promise<ReturnType<Ops[K]>> {
    const call = ++this.#count;
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { resolve: resolve as (value: unknown) => void, reject });
      this.#post({ call, op, args }, transfer);
    });
  }

  /** Changes what the page looks at; parts that are undefined are not looked at any more. */
  look(part: { readonly [K in keyof Look]?: Look[K] | undefined }): void {
    const next = { ...this.#look, ...part };
    for (const key of Object.keys(next) as (keyof Look)[]) {
      if (next[key] === undefined) delete next[key];
    }
    this.#look = next as Look;
    if (this.#lookDue) return;
    this.#lookDue = true;
    queueMicrotask(() => {
      this.#lookDue = false;
      this.#post({ look: this.#look });
    });
  }

  #heard(message: ToPage): void {
    if ("frame" in message) {
      this.onSeen(message.seen);
      requestAnimationFrame(() => this.#post({ drawn: message.frame }));
    } else if ("answer" in message) this.#answered(message);
    else if ("console" in message) this.onConsole(message.console);
    else this.onNotice(message.notice);
  }

  #answered(message: Extract<ToPage, { answer: number }>): void {
    const waiting = this.#calls.get(message.answer);
    this.#calls.delete(message.answer);
    if ("error" in message) waiting?.reject(new EngineError(message.error, message.code));
    else waiting?.resolve(message.value);
  }

  #post(message: ToEngine, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}
