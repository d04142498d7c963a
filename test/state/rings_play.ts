// Rings play: domains at work behind a store that is killed at any moment.
// Holds   what happened, by chance; it can be told afterwards.
// Never   tells a domain that there is another store.
// Source  the XenStore protocol.

import {
  OPT_QUOTA_OUTSTANDING,
  OPT_TIMEOUT_WATCH_EVENT,
  OPT_UNDO_MAX,
} from "../../assembly/abi.ts";
import { encode, typeNumber } from "../message.ts";
import { Died } from "../storage/model.ts";
import { type Chance, type Inhabitant, Life, type Settings, World } from "./rings_life.ts";
import { Speaker } from "./rings_speaker.ts";

const DOMIDS = [1, 2, 3] as const;
const NAMES = ["x", "y", "x/a", "data", "data/b", "device/vif/0/state"];
const SHARED = [
  "/told",
  "/told/a",
  "/local/domain/0/backend/vif/1/0/state",
  "/local/domain/0/backend/vif/2/0/state",
  "/local/domain/0/backend/vif/3/0/state",
  "/local/domain/1",
  "/local/domain/2/data",
  "/local/domain/3/x",
  "/local/domain/3",
];
const WATCHED = ["/", "/local", "/told", "@releaseDomain", "@introduceDomain", "x", "data", "."];

/** One run; the same for the same seed. */
export class Play {
  readonly world: World;
  readonly log: string[] = [];
  #chance: Chance;
  #settings: Settings;
  #speakers = new Map<number, Speaker>();
  #upsets = new Map<number, number>();
  #client = 0;
  #steps: number;

  constructor(seed: number) {
    this.world = new World(seed);
    this.#chance = this.world.chance;
    const { below, of } = bound(this.#chance);
    this.#settings = {
      compactMin: of([300, 3000, 100_000, 100_000_000]),
      fails: of([0, 0, 0, 20]),
      unmapped: of([0, 0, 0, 5]),
      options: [
        [OPT_TIMEOUT_WATCH_EVENT, of([0, 0, 300, 20_000])],
        ...(below(4) ? [] : ([[OPT_QUOTA_OUTSTANDING, 2]] as const)),
        ...(below(4) ? [] : ([[OPT_UNDO_MAX, 3000]] as const)),
      ],
    };
    this.#steps = of([30, 100, 300]);
    this.#speakers.set(0, new Speaker(this.world.domains.get(0) as Inhabitant));
  }

  /** Plays it to its end. Returns what went wrong, or ""; throws what the store fails with. */
  async run(): Promise<string> {
    this.#begin();
    const wrong = this.#chance.below(6) ? "" : this.#guarded(() => this.#much());
    if (wrong) return wrong;
    for (let n = 0; n < this.#steps; n++) {
      const wrong = this.#guarded(() => this.#step());
      if (wrong) return wrong;
      if (this.world.life && this.#chance.below(3) === 0) await turn();
    }
    return this.#end();
  }

  /** Starts a store; it may be killed before it serves. */
  #begin(): void {
    const { below, of } = bound(this.#chance);
    for (;;) {
      const left = of([5, 20, 60, 200, 1000, 3000]) + below(50);
      this.#client = 0;
      this.log.push(`a store begins, ${left} left`);
      try {
        const life = new Life(this.world, this.#settings, left, below(3) === 0);
        if (this.#settings.unmapped) this.#unmapped(life);
        if (life.faults()) throw new Error(`${life.faults()} faults`);
        if (!life.dead) return;
      } catch (error) {
        if (!(error instanceof Died)) throw error;
      }
      this.#kill();
    }
  }

  /** Whose page can't be had is not served any more. */
  #unmapped(life: Life): void {
    for (const one of this.#speakers.values()) one.lenient ||= !life.serves(one.who.domid);
  }

  /** So much that a snapshot takes several pieces. */
  #much(): string {
    for (let n = 0; n < 200; n++) this.#say("WRITE", `/much/${n}\0${"v".repeat(1900)}`);
    return "";
  }

  #kill(): void {
    this.log.push("killed");
    const { life } = this.world;
    if (this.world.unstored) for (const one of this.#speakers.values()) one.lenient = true;
    this.world.unstored = false;
    if (!life) return;
    // Where it dies by a call, the files are those of that moment.
    life.kill();
    for (let n = this.#chance.below(3); n > 0; n--) if (!this.#chance.below(3)) this.#domains();
  }

  #guarded(what: () => string): string {
    try {
      if (this.world.life?.dead) throw new Died();
      const wrong = what();
      if (wrong) return wrong;
      if (!this.world.life?.dead) return this.#damage();
    } catch (error) {
      if (!(error instanceof Died)) throw error;
    }
    this.#kill();
    this.#begin();
    return this.#damage();
  }

  #damage(): string {
    return (
      this.world.notices.find((line) => /core fail|damaged at|missing|says that/.test(line)) ?? ""
    );
  }

  #step(): string {
    const { below } = bound(this.#chance);
    const life = this.world.life as Life;
    const kind = below(100);
    if (kind < 55) this.#ask();
    else if (kind < 80) return this.#take();
    else if (kind < 84) life.pass(this.#chance.of([0, 1, 1, 2, 100, 400, 25_000]));
    else if (kind < 90) this.#domains();
    else if (kind < 95) this.#socket();
    else if (kind < 97) {
      this.#kill();
      this.#begin();
    } else if (kind < 98) this.#reconnect();
    else life.look();
    return "";
  }

  #any(): Speaker {
    const { below, of } = bound(this.#chance);
    const { life } = this.world;
    for (const one of this.#speakers.values()) one.live ||= life?.serves(one.who.domid) === true;
    if (below(3) === 0) return this.#speakers.get(0) as Speaker;
    return of([...this.#speakers.values()].filter(({ live }) => live));
  }

  #ask(): void {
    const { below, of } = bound(this.#chance);
    const one = this.#any();
    // Who does not read does not ask for ever.
    if (one.page.unsent.length > 3000) return;
    const { domid } = one.who;
    const [type, payload] = this.#request(domid);
    const tx = below(4) === 0 ? Math.max(0, one.tx - below(3)) : 0;
    const share = of([1, 1, 1, 1, 0.2, 0.7]);
    this.log.push(`${domid} ${type} ${JSON.stringify(payload.slice(0, 60))} tx ${tx} ${share}`);
    one.send(type, payload, tx, share);
    for (let more = below(4); more > 0; more--) one.send(...this.#request(domid), 0, 1);
    if (below(5)) this.world.life?.notified(domid);
  }

  #request(domid: number): [string, string] {
    const { below, of } = bound(this.#chance);
    const path = domid && below(3) ? of(NAMES) : of(SHARED);
    const value = "v".repeat(of([0, 1, 5, 40, 700, 1900]));
    const kind = below(domid === 0 ? 24 : 18);
    if (kind < 5) return ["WRITE", `${path}\0${value}`];
    if (kind < 7) return ["READ", `${path}\0`];
    if (kind < 8) return ["DIRECTORY", `${of(["/", "/local/domain", path])}\0`];
    if (kind < 9) return ["RM", `${path}\0`];
    if (kind < 10) return ["MKDIR", `${path}\0`];
    if (kind < 13) return ["WATCH", `${of(WATCHED)}\0t${below(3)}\0`];
    if (kind < 14) return ["UNWATCH", `${of(WATCHED)}\0t${below(3)}\0`];
    if (kind < 16) return ["TRANSACTION_START", "\0"];
    if (kind < 17) return ["TRANSACTION_END", `${of(["T", "T", "F"])}\0`];
    if (kind < 18) return [of(["RESET_WATCHES", "GET_PERMS"]), `${path}\0`];
    return this.#control();
  }

  #control(): [string, string] {
    const { below, of } = bound(this.#chance);
    const domid = of(DOMIDS);
    const kind = below(12);
    if (kind < 4) {
      this.#upset(domid);
      return ["INTRODUCE", `${domid}\0${below(9)}\0${1 + below(9)}\0`];
    }
    if (kind < 5) {
      this.#upset(domid);
      return ["RELEASE", `${domid}\0`];
    }
    if (kind < 6) return ["SET_TARGET", `${domid}\0${of(DOMIDS)}\0`];
    if (kind < 7) return ["RM", `${of(["/local/domain/1", "/local/domain/2", "/told"])}\0`];
    const list = of([`n${domid}\0`, "n0\0r1\0r2\0", `b${domid}\0r0\0`, "b0\0"]);
    return ["SET_PERMS", `${of([...SHARED, `/local/domain/${domid}`])}\0${list}`];
  }

  /** What is being asked may make the ring of this domain begin anew, whoever that is by then. */
  #upset(domid: number): void {
    const speaker = this.#speakers.get(domid);
    if (speaker) speaker.lenient = true;
    // With some to spare: a request is numbered when it is sent.
    this.#upsets.set(domid, (this.#speakers.get(0) as Speaker).asked + 10);
  }

  #take(): string {
    const one = this.#any();
    const wrong = one.take(this.#chance.of([1, 16, 300, 1024, 1024]));
    if (this.#chance.below(5)) this.world.life?.notified(one.who.domid);
    return wrong;
  }

  #reconnect(): void {
    const one = this.#any();
    if (one.who.domid === 0) return;
    if (this.#chance.below(2)) one.reconnect();
    else one.spoil();
    this.world.life?.notified(one.who.domid);
  }

  /** A domain comes or goes, and a toolstack does its part, or has no time for it. */
  #domains(): void {
    const { below, of } = bound(this.#chance);
    const domid = of(DOMIDS);
    const { world } = this;
    const there = world.domains.get(domid);
    this.log.push(`domain ${domid} ${there ? "goes" : "comes"}`);
    if (there && below(4) === 0) {
      there.shutdown = true;
    } else if (there) {
      world.destroy(domid);
      this.#speakers.delete(domid);
      // Its number may be somebody else's at once; a store that lives hears of the end before.
      if (below(3) === 0) this.#appear(domid);
    } else this.#appear(domid);
    if (below(2) && world.life && !world.life.dead) world.life.look();
  }

  #appear(domid: number): void {
    if (this.world.life && !this.world.life.dead) this.world.life.look();
    const one = new Speaker(this.world.create(domid));
    const control = this.#speakers.get(0) as Speaker;
    one.lenient = (this.#upsets.get(domid) ?? 0) > control.answered;
    this.#speakers.set(domid, one);
    if (!this.world.life || this.world.life.dead) return;
    const introduce = ["INTRODUCE", `${domid}\x005\x005\0`] as const;
    const home = `/local/domain/${domid}`;
    if (this.#chance.below(2)) this.#say(...introduce);
    else {
      control.send(...introduce, 0, 1);
      this.#upsets.set(domid, control.asked);
    }
    this.#say("MKDIR", `${home}\0`);
    this.#say("SET_PERMS", `${home}\0n${domid}\0`);
    this.#say("WRITE", `/local/domain/0/backend/vif/${domid}/0/state\x001`);
    this.#say("SET_PERMS", `/local/domain/0/backend/vif/${domid}/0/state\0b0\0r${domid}\0`);
  }

  #socket(): void {
    const [type, payload] = this.#request(0);
    this.#say(type, payload);
  }

  /** A client of the socket asks. */
  #say(type: string, payload: string): void {
    const life = this.world.life as Life;
    this.log.push(`socket ${type} ${JSON.stringify(payload.slice(0, 60))}`);
    if (this.#client === 0) this.#client = life.client(() => {});
    const bytes = encode({ type: typeNumber(type), reqId: 1, txId: 0, payload });
    life.core.input(bytes.length).set(bytes);
    life.server.received(this.#client, bytes.length);
    life.pump();
  }

  /** Everybody finishes what it has begun, and must have its answers. */
  #end(): string {
    for (const one of this.#speakers.values()) one.finish();
    for (let n = 0; n < 200; n++) {
      const wrong = this.#guarded(() => {
        for (const one of this.#speakers.values()) {
          const bad = one.take(1024);
          if (bad) return bad;
          this.world.life?.notified(one.who.domid);
        }
        this.world.life?.pass(1000);
        return "";
      });
      if (wrong) return wrong;
    }
    const { life } = this.world;
    if (life?.faults()) return `${life.faults()} faults in the end`;
    for (const one of this.#speakers.values()) {
      const served = life?.core.domain(one.who.domid).conn !== 0;
      if (served && !one.settled) {
        return `domain ${one.who.domid} asked ${one.asked}, was answered ${one.answered}`;
      }
    }
    return "";
  }
}

function bound(chance: Chance) {
  return {
    below: (count: number) => chance.below(count),
    of: <T>(all: readonly T[]) => chance.of(all),
  };
}

/** Whatever waits in promises goes on. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
