// Site: one place where a store lives: its folders, its daemon of the moment, and who uses it.
// Holds   the daemon, the writers, and what was said on standard error since the last look.
// Never   judges; see the checker.
// Source  our own.

import fs from "node:fs";
import path from "node:path";
import { Daemon, type Ended } from "../host/rig.ts";
import { Claims } from "./claims.ts";
import { COUNT_PATH, Driver } from "./driver.ts";
import { Guest, NEWS_PATH } from "./guest.ts";
import { SocketLine } from "./line.ts";
import { type Habits, Plan } from "./plan.ts";
import { Reader } from "./reader.ts";
import { introduction, RingLine } from "./ring.ts";
import { leaf } from "./tree.ts";
import { Writer } from "./writer.ts";

export interface SiteOptions {
  seed: number;
  /** Clients on sockets, the one that writes the news not counted. */
  sockets: number;
  guests: number;
  /** Arguments of each daemon besides those that name its folders. */
  args: readonly string[];
  /** The bundle to run; the daemon itself by default. */
  bundle?: string;
  env?: NodeJS.ProcessEnv;
  /** What a daemon may say on standard error, besides what it is asked for; nothing by default. */
  mayReport?: readonly RegExp[];
}

const WEIGHTS = { change: 60, transaction: 20, contest: 5, look: 15 };
const NEWS = ["n0", "n1", "n2", "n3"];
/** What is said after each `xenstore-control check` that finds nothing. */
const CHECKED = /^xenstored: store checked: \d+ nodes, 0 faults$/;
/** A change that was cut off by a kill, which nobody was told of. */
export const CUT_OFF =
  /journal\.\d+: the change at byte \d+ is cut off: it was not written in full/;
/** Storing fails, or works again. */
export const STORING =
  /: (there is no room|no room for|writing fails|no snapshot can|storing works)/;
/** Daemons whose words a report shows. */
const SAID_MAX = 5;
/** A guest that waits so long for an answer waits for ever. */
const STALL_MS = 30_000;
/** Values that a guest's node may have with the usual quotas, and those of others. */
const GUEST_VALUE_MAX = 1500;
const VALUE_MAX = 4000;

/** The store does not do what it must. */
export class Complaint extends Error {
  override name = "Complaint";
}

export class Site {
  readonly folder: string;
  readonly options: SiteOptions;
  readonly claims = new Claims();
  readonly drivers: Driver[] = [];
  readonly guests: Guest[] = [];
  daemon: Daemon | null = null;
  /** The first complaint; the rest follows from it. */
  readonly complaints: string[] = [];
  #said: string[] = [];
  #failed: (error: Error) => void = () => {};
  /** Rejects with the first complaint. */
  readonly failure: Promise<never>;

  constructor(folder: string, options: SiteOptions) {
    this.folder = folder;
    this.options = options;
    this.failure = new Promise((_, reject) => {
      this.#failed = reject;
    });
    this.failure.catch(() => {});
  }

  get socket(): string {
    return path.join(this.folder, "socket");
  }

  /** The folder of the database. */
  get database(): string {
    return path.join(this.folder, "root", "tdb");
  }

  get machine(): string {
    return path.join(this.folder, "sim");
  }

  /** All writers that speak over a socket. */
  get socketDrivers(): Driver[] {
    const rings = new Set(this.guests.map(({ driver }) => driver));
    return this.drivers.filter((driver) => !rings.has(driver));
  }

  /** Starts a daemon without waiting for it. */
  launch(env: NodeJS.ProcessEnv = {}): Daemon {
    const { args, bundle } = this.options;
    const all = ["--simulate", this.machine, ...args];
    const root = path.join(this.folder, "root");
    const full = { XENSTORED_ROOTDIR: root, ...this.options.env, ...env };
    const daemon = new Daemon(this.folder, all, full, bundle);
    this.daemon = daemon;
    void daemon.ended.then(({ err }) => this.#heard(err));
    return daemon;
  }

  /** Looks at what a daemon has said until its end. */
  #heard(err: string): void {
    this.#said.push(err);
    if (this.#said.length > SAID_MAX) this.#said.shift();
    const expected = [CHECKED, ...(this.options.mayReport ?? [])];
    // The last line of a process that was killed may be cut.
    for (const line of err.split("\n").slice(0, -1)) {
      if (!expected.some((form) => form.test(line))) this.complain(`a daemon said: ${line}`);
    }
  }

  /** Ends the daemon at once; resolves when it has ended. */
  async kill(): Promise<Ended> {
    const { daemon } = this;
    if (!daemon) throw new Error("there is no daemon to kill");
    daemon.signal("SIGKILL");
    const ended = await daemon.ended;
    await this.gone();
    return ended;
  }

  /** The daemon has ended: resolves when everybody with a socket has noticed. */
  async gone(): Promise<void> {
    this.daemon = null;
    for (const { writer } of this.drivers) writer.epoch += 1;
    await Promise.all(this.socketDrivers.map(({ writer }) => writer.lost));
  }

  /** Makes what all need, and the writers; the daemon is running and the store empty. */
  async populate(): Promise<void> {
    const reader = await Reader.open(this.socket);
    const { guests, sockets, seed } = this.options;
    const domids = Array.from({ length: guests }, (_, index) => index + 1);
    await this.#make(reader, "/crash", "r0\0");
    await this.#make(reader, COUNT_PATH, "b0\0");
    await this.#make(reader, NEWS_PATH, "r0\0");
    for (const name of NEWS) await this.#make(reader, `${NEWS_PATH}/${name}`, "r0\0");
    for (const domid of domids) await this.#guest(reader, domid, seed);
    for (let index = 0; index < sockets; index++) {
      const habits = { owner: 0, others: domids, valueMax: VALUE_MAX, weights: WEIGHTS, only: [] };
      await this.#socket(reader, `c${index}`, seed * 31 + index, habits, 1 + ((index * 5) % 12));
    }
    const habits = { owner: 0, others: [], valueMax: 200, weights: WEIGHTS, only: NEWS };
    await this.#socket(reader, "news", seed * 31 + 30, habits, 2);
    reader.close();
  }

  async #guest(reader: Reader, domid: number, seed: number): Promise<void> {
    const home = `/local/domain/${domid}`;
    const owned = `n${domid}\0`;
    const name = `g${domid}`;
    const ring = new RingLine(this.machine, domid);
    await reader.ask("INTRODUCE", introduction(domid));
    await this.#make(reader, home, owned);
    await this.#make(reader, `${home}/data`, owned);
    const writer = new Writer(name, `${home}/data`, leaf("", owned));
    const others = [0, 1, 2, 3].filter((other) => other !== domid);
    const habits = { owner: domid, others, valueMax: GUEST_VALUE_MAX, weights: WEIGHTS, only: [] };
    const driver = this.#add(writer, seed * 31 + 100 + domid, habits, 2 + (domid % 5));
    const guest = new Guest(domid, ring, driver);
    this.guests.push(guest);
    await this.progress(guest.watch());
  }

  async #socket(reader: Reader, name: string, seed: number, habits: Habits, window: number) {
    const root = `/crash/${name}`;
    const known = habits.only.length > 0;
    if (!known) await this.#make(reader, root, "n0\0");
    const tree = leaf("", known ? "r0\0" : "n0\0");
    for (const child of habits.only) tree.children.set(child, leaf("", "r0\0"));
    this.#add(new Writer(name, root, tree), seed, habits, window);
  }

  #add(writer: Writer, seed: number, habits: Habits, window: number): Driver {
    writer.onComplaint = (text) => this.complain(`${text}\n${writer.past()}`);
    const driver = new Driver(writer, new Plan(seed, writer.name, habits), this.claims, window);
    this.drivers.push(driver);
    return driver;
  }

  complain(text: string): void {
    this.complaints.push(text);
    if (this.complaints.length === 1) this.#failed(new Complaint(text));
  }

  /** Connects those whose connection was lost. */
  async connect(): Promise<void> {
    for (const { writer } of this.socketDrivers) {
      if (!writer.connected) writer.attach(await SocketLine.open(this.socket));
    }
  }

  /**
   * Waits for something that the store has to do, or for a complaint. Rejects with the state of the
   * guests when nothing has been answered for STALL_MS.
   */
  async progress<T>(work: Promise<T>): Promise<T> {
    let before = -1;
    let timer: NodeJS.Timeout | undefined;
    const stall = new Promise<never>((_, reject) => {
      timer = setInterval(() => {
        const answered = this.answered;
        if (answered === before) reject(new Complaint(`nothing moves any more:\n${this.rings()}`));
        before = answered;
      }, STALL_MS);
    });
    return Promise.race([work, this.failure, stall]).finally(() => clearInterval(timer));
  }

  get answered(): number {
    return this.drivers.reduce((sum, { writer }) => sum + writer.counts.answered, 0);
  }

  /** What the last daemons said, for a report. */
  reports(): string {
    return this.#said.join("--\n");
  }

  /** How the guests' pages stand. */
  rings(): string {
    return this.guests
      .map(({ ring, driver: { writer } }) => `${ring.describe()}, ${writer.open} open`)
      .join("\n");
  }

  /** What the guests wait for, for a report. */
  describe(): string {
    return this.guests
      .map(
        ({ ring, driver: { writer } }) =>
          `${writer.past()}\n${ring.describe()}, ${writer.open} open`,
      )
      .join("\n");
  }

  /** Lets go of everything but the files. */
  async close(): Promise<void> {
    for (const { writer } of this.drivers) writer.close();
    if (this.daemon) await this.kill();
  }

  async #make(reader: Reader, path: string, perms: string): Promise<void> {
    await reader.ask("MKDIR", `${path}\0`);
    await reader.ask("SET_PERMS", `${path}\0${perms}`);
  }
}

/** Empties a folder of the site, or makes it. */
export function freshFolder(folder: string): void {
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
}
