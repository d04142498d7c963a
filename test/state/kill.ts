// Kill: guests at work while their store may end at any moment, and what they have got in the end.
// Holds   what each guest has asked and got; every moment at which the store might have ended.
// Never   tells a guest that there is another store.
// Source  the XenStore protocol, ring; our own.

import { OPT_TIMEOUT_WATCH_EVENT, STORAGE_FULL, STORAGE_OK } from "../../assembly/abi.ts";
import { encode, type Message, Splitter, typeNumber, WATCH_EVENT } from "../message.ts";
import { treeOf } from "./inventory.ts";
import type { RingPage } from "./ring_page.ts";
import { type Options, Site } from "./site.ts";
import { type Files, restored, Vault } from "./vault.ts";

export const GUESTS = ["dom3", "dom5"] as const;
export type Guest = (typeof GUESTS)[number];

/** What a guest does, or the control domain, or the clock. */
export type Deed =
  | { kind: "ask"; guest: Guest; what: "write" | "large" | "read" | "start" | "end"; share: number }
  | { kind: "take"; guest: Guest; max: number }
  | { kind: "tell" }
  | { kind: "pass" | "wait"; ms: number }
  | { kind: "snapshot" | "full" | "works" };

/** All that outlives the store. */
type Moment = {
  files: Files;
  pages: Map<Guest, RingPage>;
  got: Map<Guest, Buffer>;
  asked: Map<Guest, number>;
};

const LARGE = "/large";

export class Kill {
  readonly moments: Moment[] = [];
  readonly #options: Options;
  #site: Site;
  #vault: Vault | null = null;
  #got = new Map<Guest, Buffer>();
  #asked = new Map<Guest, number>();
  #rests = new Map<Guest, Buffer>();
  #opened = new Map<Guest, number>();
  #told = 0;
  #full = false;
  #everFull = false;
  /** The last frame could not be stored: what guests are owed is known to the store alone. */
  #unstored = false;

  constructor(options: Options = []) {
    this.#options = options;
    this.#site = new Site({ options, rings: GUESTS, journal: true });
    this.#site.storing = () => {
      this.#unstored = this.#full;
      return this.#full ? STORAGE_FULL : STORAGE_OK;
    };
    this.#vault = new Vault(this.#site);
    this.#prepare();
    this.#site.onMoment = () => this.#note();
  }

  /** Does one thing. */
  do(deed: Deed): void {
    switch (deed.kind) {
      case "ask":
        this.#ask(deed.guest, deed.what, deed.share);
        break;
      case "take":
        this.#take(deed.guest, deed.max);
        break;
      case "tell":
        this.#told += 1;
        this.#control("WRITE", `/told/${this.#told}\0v`);
        break;
      case "snapshot":
        this.#vault?.snapshot();
        break;
      case "full":
      case "works":
        this.#full = deed.kind === "full";
        this.#everFull ||= this.#full;
        break;
      default:
        this.#site[deed.kind](deed.ms);
    }
  }

  /**
   * The store ended at this moment and another begins; everybody goes on.
   * @returns what is wrong in the end, in sentences
   */
  judge(moment: Moment): string[] {
    this.#begin(moment);
    const kept = treeOf(this.#site.core).map((line) => line.split(" ")[0]);
    for (const guest of GUESTS) this.#finish(guest);
    const now = treeOf(this.#site.core).map((line) => line.split(" ")[0]);
    return GUESTS.flatMap((guest) => this.#problems(guest, kept, now));
  }

  #prepare(): void {
    const requests: readonly (readonly [string, string])[] = [
      ["WRITE", `${LARGE}\0${"v".repeat(3000)}`],
      ["MKDIR", "/told\0"],
      ["SET_PERMS", "/told\0r0\0"],
      ["SET_PERMS", `${LARGE}\0r0\0`],
      ...["3", "5"].flatMap((domid): [string, string][] => [
        ["INTRODUCE", `${domid}\x000\x005\0`],
        ["MKDIR", `/local/domain/${domid}\0`],
        ["SET_PERMS", `/local/domain/${domid}\0n${domid}\0`],
      ]),
    ];
    for (const [type, payload] of requests) this.#control(type, payload);
    for (const guest of GUESTS) {
      this.#got.set(guest, Buffer.alloc(0));
      this.#asked.set(guest, 0);
      this.#send(guest, "WATCH", "/told\0t\0", 1);
      this.#send(guest, "WATCH", "own\0o\0", 1);
      this.#take(guest, 1e9);
    }
  }

  #control(type: string, payload: string): void {
    this.#site.send("dom0", encode({ type: typeNumber(type), reqId: 1, txId: 0, payload }));
    this.#site.read("dom0");
    const [reply] = new Splitter().push(this.#site.taken("dom0"));
    if (reply?.payload !== "OK\0" && !this.#full)
      throw new Error(`${type} ${payload}: ${reply?.payload}`);
  }

  #ask(guest: Guest, what: Extract<Deed, { kind: "ask" }>["what"], share: number): void {
    const number = (this.#asked.get(guest) ?? 0) + 1;
    const tx = this.#opened.get(guest) ?? 0;
    if (what === "write") this.#send(guest, "WRITE", `own/${number}\0v`, share);
    else if (what === "large") this.#send(guest, "READ", `${LARGE}\0`, share);
    else if (what === "read") this.#send(guest, "DIRECTORY", "/told\0", share);
    else if (what === "end") this.#send(guest, "TRANSACTION_END", "T\0", share, tx);
    else {
      this.#opened.set(guest, tx + 1);
      this.#send(guest, "TRANSACTION_START", "\0", share);
    }
  }

  #send(guest: Guest, type: string, payload: string, share: number, txId = 0): void {
    const reqId = (this.#asked.get(guest) ?? 0) + 1;
    this.#asked.set(guest, reqId);
    const bytes = encode({ type: typeNumber(type), reqId, txId, payload });
    const rest = Buffer.concat([this.#rests.get(guest) ?? Buffer.alloc(0), bytes]);
    const len = Math.ceil(rest.length * share);
    this.#rests.set(guest, rest.subarray(len));
    this.#site.send(guest, rest.subarray(0, len));
  }

  #take(guest: Guest, max: number): void {
    const { page } = this.#site.link(guest);
    // What the guest takes it has, whatever becomes of the store.
    const taken = page?.take(max) ?? Buffer.alloc(0);
    this.#got.set(guest, Buffer.concat([this.#got.get(guest) ?? Buffer.alloc(0), taken]));
    page?.put(Buffer.alloc(0));
    this.#site.kick(guest);
  }

  #note(): void {
    if (!this.#vault || this.#unstored) return;
    const pages = new Map<Guest, RingPage>();
    for (const guest of GUESTS) {
      const page = this.#site.link(guest).page?.copy();
      if (!page) return;
      page.unsent = Buffer.concat([page.unsent, this.#rests.get(guest) ?? Buffer.alloc(0)]);
      pages.set(guest, page);
    }
    const [got, asked] = [new Map(this.#got), new Map(this.#asked)];
    this.moments.push({ files: this.#vault.files(), pages, got, asked });
  }

  #begin({ files, pages, got, asked }: Moment): void {
    const settings = { options: this.#options, rings: GUESTS, journal: true };
    this.#site = new Site(settings, restored(files, this.#options));
    this.#vault = null;
    this.#got = new Map(got);
    this.#asked = new Map(asked);
    const core = this.#site.core;
    core.pass(2000);
    for (const [guest, page] of pages) {
      const conn = core.raw.domain_conn(Number(guest.slice(3)));
      if (conn === 0) throw new Error(`there is no ring for ${guest}`);
      this.#site.resume(guest, conn, page.copy());
    }
  }

  /** Sends what is left, and takes until nothing comes any more. */
  #finish(guest: Guest): void {
    for (let idle = 0; idle < 3; ) {
      const before = this.#got.get(guest)?.length;
      this.#take(guest, 1e9);
      this.#site.pass(1000);
      idle = this.#got.get(guest)?.length === before ? idle + 1 : 0;
    }
  }

  #problems(guest: Guest, kept: readonly string[], now: readonly string[]): string[] {
    const splitter = new Splitter();
    const messages = splitter.push(this.#got.get(guest) ?? Buffer.alloc(0));
    const problems: string[] = [];
    if (splitter.restLen > 0) problems.push(`${guest} has ${splitter.restLen} bytes of a message`);
    const ids = messages.filter(({ type }) => type !== WATCH_EVENT).map(({ reqId }) => reqId);
    const asked = Array.from({ length: this.#asked.get(guest) ?? 0 }, (_one, index) => index + 1);
    if (`${ids}` !== `${asked}`) problems.push(`${guest} asked 1..${asked.length}, got ${ids}`);
    // What was undone was heard of all the same.
    if (this.#everFull) return problems;
    const events = messages.filter(({ type }) => type === WATCH_EVENT);
    const told = kept.filter((path) => path.startsWith("/told/"));
    const home = `/local/domain/${guest.slice(3)}/`;
    const own = now.filter((path) => path.startsWith(`${home}own/`));
    // What is dropped in time need not be heard.
    const least = this.#options.some(([key, ms]) => key === OPT_TIMEOUT_WATCH_EVENT && ms > 0)
      ? 0
      : 1;
    problems.push(...heard(guest, events, "/told", told, least));
    const paths = own.map((path) => path.slice(home.length));
    problems.push(...heard(guest, events, "own", paths, least));
    return problems;
  }
}

/** Has the guest heard of each path once, or `least` times? */
function heard(
  guest: Guest,
  events: readonly Message[],
  top: string,
  paths: readonly string[],
  least: number,
): string[] {
  const counts = new Map(paths.map((path) => [path, 0]));
  const problems: string[] = [];
  for (const { payload } of events) {
    const path = payload.split("\0")[0];
    if (!path.startsWith(`${top}/`)) continue;
    const count = counts.get(path);
    if (count === undefined) problems.push(`${guest} heard of ${path}, which is not there`);
    else counts.set(path, count + 1);
  }
  for (const [path, count] of counts) {
    if (count > 1 || count < least) problems.push(`${guest} heard of ${path} ${count} times`);
  }
  return problems;
}
