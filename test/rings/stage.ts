// Ring stage: where transcripts are played by guests that speak through their rings.
// Holds   a world in which every dom<n> but domain 0 is a guest; see stages.ts for "host:" lines.
// Never   plays what has no meaning for a ring; `isForRings` says what that is.
// Source  our own.

import type { Received } from "../hub.ts";
import type { Message } from "../message.ts";
import type { Stage } from "../play.ts";
import { OPTIONS } from "../stages.ts";
import type { Transcript } from "../transcript.ts";
import type { Guest } from "./guest.ts";
import { Caller, World } from "./world.ts";

/** Rings do not hang up, and hold 1024 bytes for guests that do not read. */
export function isForRings({ lines }: Transcript): boolean {
  const speakers = lines.flatMap((line) => ("conn" in line ? [line.conn] : []));
  if (!speakers.some((name) => /^dom[1-9]/.test(name))) return false;
  return lines.every((line) => {
    if (line.kind === "host") return !/disconnects|closes|connects|reading|reads/.test(line.words);
    return line.kind !== "closed" && !line.conn.startsWith("ro");
  });
}

export class RingStage implements Stage {
  readonly world: World;
  #callers = new Map<string, Caller>();
  #guests = new Map<string, Guest>();

  /** @param keeps  whether changes are stored */
  constructor(keeps = false) {
    this.world = new World([], false, keeps);
  }

  send(name: string, bytes: Uint8Array): void {
    const domid = Number(/^dom(\d+)/.exec(name)?.[1]);
    if (domid !== 0) {
      this.#guest(name, domid).send(bytes);
      return;
    }
    this.#caller(name).write(bytes);
    this.world.settle();
  }

  host(words: string): void {
    const { world } = this;
    const [, domid, what] = /^domain (\d+) (dies|exists|shuts down)$/.exec(words) ?? [];
    const time = /^(\d+(?:\.\d+)?) s pass$/.exec(words);
    const option = /^option (\S+) (\d+)$/.exec(words);
    if (domid !== undefined) this.#domain(Number(domid), what);
    else if (time !== null) world.pass(Number(time[1]) * 1000);
    else if (option?.[1] === "machine") world.machine.allExist = false;
    else if (option) world.core.configure(OPTIONS.get(option[1]) as number, Number(option[2]));
    else throw new Error(`nothing happens at "host: ${words}"`);
  }

  collect(): Map<string, Received> {
    const news = new Map<string, Received>();
    this.world.settle();
    for (const [name, guest] of this.#guests) {
      guest.drain();
      const messages = guest.all.splice(0);
      guest.replies.length = 0;
      guest.events.length = 0;
      if (messages.length > 0) news.set(name, { messages, closed: false });
    }
    for (const [name, caller] of this.#callers) {
      const messages: Message[] = caller.all.splice(0);
      if (messages.length > 0) news.set(name, { messages, closed: false });
    }
    return news;
  }

  #domain(domid: number, what: string): void {
    if (what === "exists") this.world.guest(domid);
    else if (what === "shuts down") this.world.machine.shutdown(domid);
    else {
      this.#guests.delete(`dom${domid}`);
      this.world.destroy(domid);
      // Its number is free for another domain.
      if (this.world.machine.allExist) this.world.machine.domain(domid);
    }
    this.world.settle();
  }

  #caller(name: string): Caller {
    const known = this.#callers.get(name);
    if (known) return known;
    const caller = new Caller(this.world);
    caller.keeps = true;
    this.#callers.set(name, caller);
    return caller;
  }

  /** The guest of a domain; whoever introduced it anew has reset its ring. */
  #guest(name: string, domid: number): Guest {
    const known = this.#guests.get(name) ?? this.world.guest(domid);
    known.keeps = true;
    this.#guests.set(name, known);
    return known;
  }
}
