// Engine rig: the playground's engine as its page has it, in a test.
// Holds   what the engine has sent, and ways to wait for what is to come.
// Never   sleeps: it waits for messages.
// Source  our own.

import { onTestFinished } from "vitest";
import { makeEngine } from "../../hosts/playground/engine/boot.ts";
import type { Engine } from "../../hosts/playground/engine/engine.ts";
import { emptyBeginning, scenarioBeginning } from "../../hosts/playground/engine/openings.ts";
import type { Session } from "../../hosts/playground/engine/session.ts";
import type {
  ConsoleLine,
  Look,
  Notice,
  OpName,
  Ops,
  Seen,
  ToPage,
} from "../../hosts/playground/model/protocol.ts";
import type { Scenario } from "../../hosts/playground/model/scenario.ts";
import { wasmModule } from "../core.ts";

type Result<K extends OpName> = Awaited<ReturnType<Ops[K]>>;

export class Rig {
  readonly engine: Engine;
  readonly lines: ConsoleLine[] = [];
  readonly notices: Notice[] = [];
  /** What the page would show now. */
  readonly seen: { -readonly [K in keyof Seen]: Seen[K] } = {};
  frames = 0;
  #waiting: { done: () => boolean; resolve: () => void }[] = [];

  constructor() {
    this.engine = makeEngine(wasmModule(), (message) => this.#heard(message)).engine;
  }

  get session(): Session {
    return this.engine.session;
  }

  /** Has the engine do something; rejects with its error. */
  async call<K extends OpName>(op: K, args: Parameters<Ops[K]>[0]): Promise<Result<K>> {
    return (await this.engine.run(op, args)) as Result<K>;
  }

  /** The message that a call ends with. */
  async refusal<K extends OpName>(op: K, args: Parameters<Ops[K]>[0]): Promise<string> {
    try {
      await this.engine.run(op, args);
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error(`${op} was not refused`);
  }

  look(look: Look): void {
    this.engine.hear({ look });
  }

  /** Resolves as soon as this is true; it is asked after each message. */
  until(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ done, resolve }));
  }

  /** What a run has printed so far. */
  printed(run: number, kind: "out" | "err" = "out"): string {
    return this.lines
      .filter((line) => line.run === run && line.kind === kind)
      .map(({ text }) => text)
      .join("");
  }

  /** Its exit code, when it has ended. */
  async code(run: number): Promise<string> {
    const end = () => this.lines.find((line) => line.run === run && line.kind === "end");
    await this.until(() => end() !== undefined);
    return end()?.text ?? "";
  }

  #heard(message: ToPage): void {
    if ("console" in message) this.lines.push(message.console);
    else if ("notice" in message) this.notices.push(message.notice);
    else if ("frame" in message) {
      this.frames += 1;
      Object.assign(this.seen, structuredClone(message.seen));
      setTimeout(() => this.engine.hear({ drawn: message.frame }), 0);
    }
    for (const one of this.#waiting.splice(0)) {
      if (one.done()) one.resolve();
      else this.#waiting.push(one);
    }
  }
}

/** An engine with a scenario, or an empty host, open; closed when its test is over. */
export async function openRig(scenario?: Scenario): Promise<Rig> {
  const rig = new Rig();
  await rig.engine.open(() => (scenario ? scenarioBeginning(scenario) : emptyBeginning()));
  onTestFinished(() => closeRig(rig));
  return rig;
}

/** Gives up all that is under way, as when another session is opened. */
export async function closeRig(rig: Rig): Promise<void> {
  const { session } = rig;
  await rig.engine.open(() => emptyBeginning());
  await rig.session.close();
  await session.close();
}
