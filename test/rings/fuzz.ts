// Fuzz: hostile guests that do at random what a guest can do to its ring, and a guest that must
// not notice.
// Holds   a world for one seed; the same seed does the same.
// Never   knows what the store should answer to rubbish: it must only go on, and stay whole.
// Source  security, Other abuse, Invariants.

import { STAT_BYTES_USED, STAT_CONNECTIONS, STAT_FAULTS } from "../../assembly/abi.ts";
import { encode, typeNumber } from "../message.ts";
import type { Guest } from "./guest.ts";
import { World } from "./world.ts";

const HOSTILE = [3, 4, 5];
const WITNESS = 9;
/** Kicks between two looks at the witness, and between two checks of the whole store. */
const LOOK_EVERY = 50;
const CHECK_EVERY = 5000;
/** What hostile guests may cost together: their quotas, and the store's own overhead. */
const BYTES_MAX = 64 << 20;

const EDGES = [0, 1, 2, 1022, 1023, 1024, 1025, 2048, 0x7fffffff, 0x80000000, 0xfffffc00];
const TYPES = ["READ", "WRITE", "MKDIR", "RM", "DIRECTORY", "WATCH", "UNWATCH", "SET_PERMS"].concat(
  ["GET_PERMS", "TRANSACTION_START", "TRANSACTION_END", "RESET_WATCHES", "DIRECTORY_PART"],
  ["INTRODUCE", "RELEASE", "CONTROL", "SET_TARGET", "GET_FEATURE", "GET_DOMAIN_PATH"],
);
const PIECES = [
  "/",
  "a",
  "b/c",
  "/local/domain/3",
  "/local/domain/9/w",
  "@releaseDomain",
  "n3",
].concat([
  "T",
  "F",
  "0",
  "1",
  "32757",
  "-1",
  "4294967299",
  "x".repeat(300),
  "",
  " ",
  "\xff",
  "//",
  "r3",
]);

/** Small, fast and the same everywhere. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** A whole number below `n`. */
  below(n: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % n;
  }

  pick<T>(all: readonly T[]): T {
    return all[this.below(all.length)];
  }

  word(): number {
    return ((this.below(0x10000) << 16) | this.below(0x10000)) >>> 0;
  }
}

export type FuzzReport = { kicks: number; ringErrors: number; bytesMost: number; replies: number };

/** Kicks hostile rings `kicks` times. Throws an Error that names the kick when something is wrong. */
export function fuzzRings(seed: number, kicks: number): FuzzReport {
  const fuzz = new Fuzz(seed);
  for (let kick = 1; kick <= kicks; kick++) {
    try {
      fuzz.turn();
      if (kick % LOOK_EVERY === 0) fuzz.look();
      if (kick % CHECK_EVERY === 0 || kick === kicks) fuzz.check();
    } catch (error) {
      throw new Error(`seed ${seed}, kick ${kick}: ${(error as Error).message}`, { cause: error });
    }
  }
  return { kicks, ...fuzz.figures };
}

class Fuzz {
  readonly figures = { ringErrors: 0, bytesMost: 0, replies: 0 };
  #random: Random;
  #world: World;
  #witness: Guest;
  #looks = 0;
  /** Guests that only ask for now: what they gather grows until their quotas. */
  #calm = new Set<number>(HOSTILE.slice(1));

  constructor(seed: number) {
    this.#random = new Random(seed);
    // Every other seed stores all changes.
    this.#world = new World([], true, seed % 2 === 0);
    for (const domid of HOSTILE) this.#world.introduce(domid);
    this.#witness = this.#world.introduce(WITNESS);
    this.#witness.ok("WATCH", "w\0token\0");
    this.#witness.heard();
  }

  /** One hostile guest does something, and kicks. */
  turn(): void {
    const random = this.#random;
    const guest = this.#world.guest(random.pick(HOSTILE));
    for (let i = random.below(3); i >= 0; i--) this.#spoil(guest);
    if (random.below(20) === 0) guest.notify(random.word());
    guest.kick();
    if (guest.error === 2 || guest.error === 3) this.figures.ringErrors += 1;
    if (random.below(300) === 0) {
      if (!this.#calm.delete(guest.domid)) this.#calm.add(guest.domid);
    }
    if (random.below(500) === 0) this.#toolstack(guest);
    if (random.below(100) === 0) this.#world.pass(random.below(300));
  }

  #spoil(guest: Guest): void {
    const random = this.#random;
    const { bytes } = guest;
    switch (this.#calm.has(guest.domid) ? -1 : random.below(12)) {
      case 0:
        for (let i = random.below(64); i >= 0; i--) bytes[random.below(4096)] = random.below(256);
        break;
      case 1:
        guest.indexes = [0, 0, 0, 0].map(() => random.pick(EDGES));
        break;
      case 2:
        guest.reqProd = guest.reqCons + random.below(1100);
        break;
      case 3:
        guest.rspCons = guest.rspProd - random.below(1100);
        break;
      case 4:
        guest.connection = random.below(3);
        break;
      case 5:
        bytes.fill(random.below(256), random.below(2048), 1024 + random.below(3072));
        break;
      case 6:
        guest.connection = 1;
        break;
      default:
        // Most of what a hostile guest can do, it does with requests.
        if (guest.error !== 0) guest.connection = 1;
        else for (let i = random.below(6); i >= 0; i--) this.#ask(guest);
        guest.rspCons = random.below(3) === 0 ? guest.rspCons : guest.rspProd;
    }
  }

  #ask(guest: Guest): void {
    const random = this.#random;
    const type = random.below(8) === 0 ? random.word() : typeNumber(random.pick(TYPES));
    const parts = Array.from({ length: random.below(4) }, () => random.pick(PIECES));
    if (random.below(4) === 0) parts[0] = `d${random.below(40)}/n${random.below(40)}`;
    const payload = parts.join("\0") + (random.below(6) === 0 ? "" : "\0");
    const txId = random.below(3) === 0 ? random.below(5) : 0;
    const calm = this.#calm.has(guest.domid);
    const len = !calm && random.below(60) === 0 ? random.below(6000) : payload.length;
    const bytes = encode({ type, reqId: random.word(), txId, payload }, len);
    const room = 1024 - ((guest.reqProd - guest.reqCons) >>> 0);
    if (room < (calm ? bytes.length : 1)) return;
    guest.put(calm || random.below(10) > 0 ? bytes : bytes.subarray(0, random.below(40)));
  }

  /** Now and then domain 0 does something with the domain. */
  #toolstack(guest: Guest): void {
    const { dom0 } = this.#world;
    const { domid } = guest;
    const ask = (type: string, ...all: (string | number)[]) => {
      dom0.ask(type, all.map((one) => `${one}\0`).join(""));
    };
    switch (this.#random.below(7)) {
      case 0:
        ask("INTRODUCE", domid, 1, 5 + this.#random.below(3));
        break;
      case 1:
        ask("RELEASE", domid);
        break;
      case 2:
        this.#world.destroy(domid);
        break;
      case 3:
        this.#world.machine.shutdown(domid);
        break;
      case 4:
        ask("RESUME", domid);
        break;
      case 5:
        ask("SET_TARGET", domid, this.#random.pick(HOSTILE));
        break;
      default:
        ask("SET_FEATURE", domid, this.#random.below(16));
    }
    this.#world.settle();
    this.#world.machine.domain(domid);
    if (dom0.ask("IS_DOMAIN_INTRODUCED", `${domid}\0`) === "F|") ask("INTRODUCE", domid, 1, 5);
    ask("MKDIR", `/local/domain/${domid}`);
    ask("SET_PERMS", `/local/domain/${domid}`, `n${domid}`);
    dom0.replies.length = 0;
  }

  /** The witness is served as if it were alone. */
  look(): void {
    const value = `value ${this.#looks++}`;
    this.#witness.ok("WRITE", `w\0${value}`);
    const read = this.#witness.ask("READ", "w\0");
    if (read !== value) throw new Error(`the witness wrote ${value} and reads ${read}`);
    const heard = this.#witness.heard().join();
    if (heard !== "w|token|") throw new Error(`the witness hears "${heard}"`);
    if (this.#looks % 8 === 0) this.#world.pass(50);
    this.figures.replies += 2;
  }

  check(): void {
    const { core, rings, guard } = this.#world;
    if (guard.leaks.length > 0) throw new Error(`not stored when it left: ${guard.leaks[0]}`);
    guard.frames.length = 0;
    const bytes = core.stat(STAT_BYTES_USED);
    this.figures.bytesMost = Math.max(this.figures.bytesMost, bytes);
    if (bytes > BYTES_MAX) throw new Error(`${bytes} bytes are in use`);
    const faults = core.stat(STAT_FAULTS);
    if (faults) throw new Error(`${faults} faults: ${this.#world.notices.slice(-5).join("; ")}`);
    // The rings, and domain 0's socket.
    const open = core.stat(STAT_CONNECTIONS);
    if (open !== rings.count + 1) throw new Error(`${open} connections, ${rings.count} rings`);
    this.#world.notices.length = 0;
  }
}
