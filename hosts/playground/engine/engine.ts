// Engine: the worker's side of the page: calls are answered, and what is looked at is sent.
// Holds   the open session, the features, what the page looks at and has been sent.
// Never   sends a frame before the page has drawn the last one.
// Source  our own; "The playground" in ARCHITECTURE.md.

import type { WasmSource } from "../../entry/browser.ts";
import type { Look, Notice, OpName, Seen, ToEngine, ToPage } from "../model/protocol.ts";
import { explained } from "./explained.ts";
import type { Feature, Section } from "./feature.ts";
import { type Beginning, Session } from "./session.ts";
import type { Input } from "./session_file.ts";

/** What features get: the session that is open now, and ways to the page. */
export interface Context {
  readonly session: Session;
  say(message: ToPage, transfer?: Transferable[]): void;
  notice(kind: Notice["kind"], text: string): void;
  /** Something that sections show has changed: they are asked again with the next frame. */
  changed(): void;
}

/** Hears what is to be kept of a session. */
export interface InputSink {
  input(session: Session, input: Input): void;
}

type Post = (message: ToPage, transfer?: Transferable[]) => void;
type Handler = (args: unknown) => unknown;

/** What a section makes that has failed: it is not asked again before something changes. */
const FAILED = Symbol("failed");

export class Engine implements Context {
  /** Takes what is kept; set once. */
  keeper: InputSink | null = null;
  #session: Session | null = null;
  #post: Post;
  #wasm: WasmSource;
  #features: Feature[] = [];
  #sections: Section[] = [];
  #handlers = new Map<string, Handler>();
  #look: Look = {};
  #stamps = new Map<string, string>();
  #frame = 0;
  /** A frame is under way to the page. */
  #drawing = false;
  #dirty = false;
  #due = false;
  /** Resolves when the first session is open. */
  #ready: Promise<void>;
  #isReady: () => void = () => {};
  /** Sessions are opened one after the other. */
  #opening: Promise<unknown> = Promise.resolve();

  constructor(wasm: WasmSource, post: Post) {
    this.#wasm = wasm;
    this.#post = post;
    this.#ready = new Promise((resolve) => {
      this.#isReady = resolve;
    });
  }

  get session(): Session {
    if (!this.#session) throw new Error("The store is not open yet.");
    return this.#session;
  }

  get isOpen(): boolean {
    return this.#session !== null;
  }

  /** Adds features, in the order in which they hear of a session. */
  add(...features: readonly Feature[]): void {
    for (const feature of features) {
      this.#features.push(feature);
      this.#sections.push(...(feature.sections ?? []));
      for (const [op, handler] of Object.entries(feature.ops)) {
        this.#handlers.set(op, handler as Handler);
      }
    }
  }

  /** A message of the page. Resolves when it was answered. */
  async hear(message: ToEngine): Promise<void> {
    if ("call" in message) await this.#call(message.call, message.op, message.args);
    else if ("look" in message) {
      this.#look = message.look;
      this.changed();
    } else if (message.drawn === this.#frame) {
      this.#drawing = false;
      if (this.#dirty) this.#soon();
    }
  }

  /** Does what a call asks for. Errors: what the handler throws. */
  async run(op: OpName, args: unknown): Promise<unknown> {
    const handler = this.#handlers.get(op);
    if (!handler) throw new Error(`The engine knows no "${op}".`);
    if (!op.startsWith("open.") && !op.startsWith("kept.")) await this.#ready;
    return await handler(args);
  }

  /** Takes another session in the place of the one that is open, if there is one. */
  open(make: () => Beginning | Promise<Beginning>): Promise<Session> {
    const opened = this.#opening.then(async () => this.#take(await make()));
    this.#opening = opened.catch(() => {});
    return opened;
  }

  say(message: ToPage, transfer: Transferable[] = []): void {
    this.#post(message, transfer);
  }

  notice(kind: Notice["kind"], text: string): void {
    this.#post({ notice: { kind, text } });
  }

  changed(): void {
    this.#dirty = true;
    if (!this.#drawing) this.#soon();
  }

  /** Everything is sent anew with the next frame. */
  renew(): void {
    this.#stamps.clear();
    this.changed();
  }

  async #take(beginning: Beginning): Promise<Session> {
    const before = this.#session;
    const next = await Session.open(beginning, this.#wasm, {
      changed: () => this.changed(),
      input: (session, input) => this.keeper?.input(session, input),
      change: (session, change) => {
        for (const feature of this.#features) feature.heard?.(session, change);
      },
      failed: (reason) => this.notice("error", `${reason} Reload this page to go on.`),
    });
    if (before) {
      for (const feature of this.#features) await feature.closing?.();
      await before.close();
    }
    this.#session = next;
    for (const feature of this.#features) await feature.opened?.();
    next.begin();
    this.renew();
    this.#isReady();
    return next;
  }

  async #call(call: number, op: OpName, args: unknown): Promise<void> {
    try {
      const value = await this.run(op, args);
      this.#post({ answer: call, value: value ?? null });
    } catch (error) {
      const { message, code } = explained(error as Error) as Error & { code?: unknown };
      const more = typeof code === "string" ? { code } : {};
      this.#post({ answer: call, error: message, ...more });
    }
  }

  /** A section that fails is left out: the others are shown all the same. */
  async #made(section: Section): Promise<unknown> {
    try {
      return await section.make(this.#look);
    } catch (error) {
      // One that was asked while its session ended is asked again.
      if (this.#session?.closed) return undefined;
      this.notice("error", `${section.name} can't be shown: ${(error as Error).message}`);
      return FAILED;
    }
  }

  #soon(): void {
    if (this.#due) return;
    this.#due = true;
    setTimeout(() => void this.#draw(), 0);
  }

  async #draw(): Promise<void> {
    this.#due = false;
    if (this.#drawing || !this.#session) return;
    this.#drawing = true;
    this.#dirty = false;
    const seen: Record<string, unknown> = {};
    for (const section of this.#sections) {
      const stamp = section.stamp(this.#look);
      if (stamp === null || this.#stamps.get(section.name) === stamp) continue;
      const made = await this.#made(section);
      if (made === undefined) continue;
      this.#stamps.set(section.name, stamp);
      if (made !== FAILED) seen[section.name] = made;
    }
    if (Object.keys(seen).length === 0) {
      this.#drawing = false;
      if (this.#dirty) this.#soon();
      return;
    }
    this.#frame += 1;
    this.#post({ frame: this.#frame, seen: seen as Seen });
  }
}
