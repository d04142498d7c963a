// Damage: whatever becomes of the bytes of a file, a core says so, and takes in nothing wrong.
// Holds   nothing.
// Never   leaves out a byte with STATE_ALL=1; without it, only where its neighbours stand for it.
// Source  "The database" in ARCHITECTURE.md.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CONN_SOCKET,
  COUNT_FRAMES,
  COUNT_LOST,
  DUMP_FOREIGN,
  DUMP_UPDATE,
  LOAD_CHECK,
  LOAD_JOURNAL,
  LOAD_SALVAGE,
  LOAD_SNAPSHOT,
  LOAD_UPDATE,
  LOADED,
  LOADED_DAMAGED,
  LOADED_FOREIGN,
  LOADED_NEWER,
  LOADED_NO_MEMORY,
  LOADED_TORN,
  OPT_MEMORY_PAGES,
} from "../../assembly/abi.ts";
import { Core, STAT_FAULTS, STAT_MEMORY } from "../core.ts";
import { encode } from "../message.ts";
import { treeOf } from "./inventory.ts";
import { damaged, OPTIONS, sample } from "./sample.ts";
import { BOOT } from "./site.ts";
import { journalBytes } from "./vault.ts";

const seed = Number(process.env.STATE_SEED ?? 8);
const numRuns = Number(process.env.STATE_RUNS ?? 300);

/** Zeros that must stand behind the last frame of a journal. */
const ZEROS = 32;

const fresh = () => new Core(OPTIONS, BOOT);

/** The sample's snapshot, and the journal that leads to it. */
function files() {
  const { site, vault } = sample();
  const journal = vault.files().journals[0];
  const tree = treeOf(site.core);
  vault.snapshot();
  return { tree, journal, snapshot: vault.files().snapshot as Uint8Array };
}

/** Each of these with STATE_ALL=1, else only each `nth`: others are much the same. */
function* every<T>(nth: number, all: Iterable<T>): Generator<T> {
  let count = 0;
  for (const one of all) if (process.env.STATE_ALL || count++ % nth === 0) yield one;
}

/** A core that has loaded something is used as a host would. */
function use(core: Core): void {
  core.pass(10);
  for (const conn of core.connections()) {
    core.status(conn);
    core.take(conn);
    core.ringResume(conn);
    core.ringKick(conn);
  }
  core.pass(30_000);
  treeOf(core);
  expect(core.stat(STAT_FAULTS)).toBe(0);
  for (const domid of core.domains()) core.domainState(domid, 0);
  for (const conn of core.connections()) core.disconnect(conn);
  const conn = core.connect(CONN_SOCKET, 0);
  core.receive(conn, encode({ type: 13, reqId: 1, txId: 0, payload: "/tool\0" }));
  expect(core.stat(STAT_FAULTS)).toBe(0);
}

describe("a damaged snapshot", () => {
  const { snapshot, tree } = files();

  it("is never taken for a sound one", () => {
    expect(fresh().load(LOAD_SNAPSHOT, snapshot)).toBe(LOADED);
    for (const { what, bytes } of damaged(snapshot)) {
      const result = fresh().load(LOAD_SNAPSHOT, bytes, [1000]);
      if (result === LOADED || result > LOADED_FOREIGN)
        expect(`${what}: ${result}`).toBe("damaged");
    }
  });

  it("gives nothing but what was in it when it is salvaged", () => {
    const known = new Set(tree);
    for (const { what, bytes } of every(4, damaged(snapshot))) {
      const core = fresh();
      const result = core.load(LOAD_SALVAGE, bytes);
      const wrong = treeOf(core).filter(
        (line) => !known.has(line) && !/^\S+ n0,( "")?$/.test(line),
      );
      const faults = core.stat(STAT_FAULTS);
      if (result === LOADED || wrong.length > 0 || faults !== 0) {
        expect({ what, result, wrong, faults }).toBe("damaged");
      }
    }
  });

  it("gives what is in front of the damage and behind it", () => {
    const large = fresh();
    const conn = large.connect(CONN_SOCKET, 0);
    const ask = (payload: string) =>
      large.receive(conn, encode({ type: 11, reqId: 1, txId: 0, payload }));
    for (let i = 0; i < 2000; i += 1) ask(`/many/${i % 40}/${i}\0${"v".repeat(500)}`);
    large.take(conn);
    const bytes = Buffer.from(large.dump(1, 1));
    const whole = treeOf(large).length;
    bytes[bytes.length >> 1] ^= 1;
    const core = fresh();
    expect(core.load(LOAD_SALVAGE, bytes)).toBe(LOADED_DAMAGED);
    expect(core.raw.load_count(COUNT_LOST)).toBeGreaterThan(0);
    const lines = treeOf(core);
    expect(lines).toContain(`/many/0/0 n0, "${"v".repeat(500)}"`);
    expect(lines).toContain(`/many/39/1999 n0, "${"v".repeat(500)}"`);
    expect(lines.length).toBeGreaterThan(whole / 3);
    expect(lines.length).toBeLessThan(whole);
    expect(core.stat(STAT_FAULTS)).toBe(0);
  });

  it("of a newer version is left alone, and another program's file is told apart", () => {
    const newer = Buffer.from(snapshot);
    newer.writeUInt32BE(3, 8);
    expect([LOADED_DAMAGED, LOADED_NEWER]).toContain(fresh().load(LOAD_SNAPSHOT, newer));
    const foreign = Buffer.concat([Buffer.from("TDB file\n"), Buffer.alloc(5000, 7)]);
    expect(fresh().load(LOAD_SNAPSHOT, foreign)).toBe(LOADED_FOREIGN);
    expect(fresh().load(LOAD_SNAPSHOT, Buffer.alloc(0))).toBe(LOADED_FOREIGN);
  });
});

describe("a damaged journal", () => {
  const { journal } = files();
  const bytes = journalBytes(journal, 64);
  /** The tree after each number of frames. */
  const trees = Array.from({ length: journal.frames.length + 1 }, (_one, count) => {
    const core = fresh();
    core.load(LOAD_JOURNAL, journalBytes({ ...journal, frames: journal.frames.slice(0, count) }));
    return treeOf(core).join("\n");
  });

  it("is reported, and applied up to the damage", () => {
    expect(fresh().load(LOAD_JOURNAL, bytes)).toBe(LOADED);
    const sound = bytes.length - 64 + ZEROS;
    for (const one of every(2, damaged(bytes))) {
      // Enough of the zeros behind the last frame are there.
      if (one.bytes.length >= sound && one.bytes.length < bytes.length) continue;
      const core = fresh();
      const result = core.load(LOAD_JOURNAL, one.bytes, [777]);
      const frames = core.raw.load_count(COUNT_FRAMES);
      const right = treeOf(core).join("\n") === trees[frames];
      // A file that was made and never written to is no damage.
      if (one.bytes.length === 0 && result === LOADED) continue;
      const told = result === LOADED_TORN || result === LOADED_DAMAGED || result === LOADED_FOREIGN;
      if (!told || !right) expect({ what: one.what, result, right, frames }).toBe("reported");
    }
  });

  it("is judged the same when it is only checked", () => {
    const checks = fresh();
    const initial = treeOf(checks);
    for (const one of every(7, damaged(bytes))) {
      const loads = fresh();
      const result = loads.load(LOAD_JOURNAL, one.bytes);
      const checked = checks.load(LOAD_CHECK, one.bytes, [100]);
      const same = result === checked && loads.raw.load_offset() === checks.raw.load_offset();
      if (!same) expect({ what: one.what, result, checked }).toBe("the same");
    }
    expect(treeOf(checks)).toEqual(initial);
  });

  it("is torn, not damaged, when only its last frame is not whole and zeros follow", () => {
    const last = journal.frames.at(-1)?.length ?? 0;
    const end = bytes.length - 64;
    for (let at = end - last; at < end - 8; at += 8) {
      const torn = Buffer.from(bytes);
      torn.fill(0, at);
      const result = fresh().load(LOAD_JOURNAL, torn);
      const expected = at === end - last ? LOADED : LOADED_TORN;
      if (result !== expected) expect({ at: at - end + last, result }).toBe(expected);
    }
  });

  it("with a frame missing in the middle is damaged there", () => {
    const frames = journal.frames.filter((_one, index) => index !== 3);
    const core = fresh();
    expect(core.load(LOAD_JOURNAL, journalBytes({ ...journal, frames }))).toBe(LOADED_DAMAGED);
    expect(core.raw.load_count(COUNT_FRAMES)).toBe(3);
    const before = Buffer.concat([journal.head, ...journal.frames.slice(0, 3)]).length;
    expect(core.raw.load_offset()).toBe(before);
    expect(core.raw.load_count(COUNT_LOST)).toBeGreaterThan(0);
  });
});

describe("a damaged stream of another process", () => {
  it("is never taken for a sound one when it is our own", () => {
    const update = sample().site.dump();
    expect(fresh().load(LOAD_UPDATE, update)).toBe(LOADED);
    for (const { what, bytes } of every(8, damaged(update))) {
      const result = fresh().load(LOAD_UPDATE, bytes, [4096]);
      if (result === LOADED) expect(`${what}: ${result}`).toBe("damaged");
    }
  });

  it("never breaks the core when it has no checksums", () => {
    const { core } = sample(true).site;
    const foreign = core.dump(DUMP_FOREIGN);
    for (const { what, bytes } of every(4, damaged(foreign))) {
      const reader = fresh();
      reader.pass(5000);
      try {
        if (reader.load(LOAD_UPDATE, bytes, [4096]) === LOADED) use(reader);
      } catch (error) {
        throw new Error(what, { cause: error });
      }
    }
  });

  it(`never breaks the core when several words are wrong (${numRuns} from seed ${seed})`, () => {
    const { core } = sample(true).site;
    const streams = [core.dump(DUMP_FOREIGN), core.dump(DUMP_UPDATE)];
    const word = fc.oneof(fc.nat({ max: 40 }), fc.constantFrom(0xffff, 0x7fffffff, 0xffffffff, 8));
    const change = fc.tuple(fc.nat({ max: 2000 }), word);
    const changes = fc.array(change, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...streams), changes, (stream, all) => {
        const bytes = Buffer.from(stream);
        for (const [at, value] of all) bytes.writeUInt32LE(value, (at % (bytes.length >> 2)) * 4);
        const reader = fresh();
        if (reader.load(LOAD_UPDATE, bytes) === LOADED) use(reader);
      }),
      { numRuns, seed },
    );
  });

  it(`never breaks the core when it is garbage (${numRuns} from seed ${seed})`, () => {
    const kinds = [LOAD_SNAPSHOT, LOAD_SALVAGE, LOAD_JOURNAL, LOAD_UPDATE, LOAD_CHECK];
    const { snapshot, journal } = files();
    const heads = [snapshot.subarray(0, 16), journal.head, new Uint8Array(0)];
    const garbage = fc.tuple(
      fc.constantFrom(...kinds),
      fc.constantFrom(...heads),
      fc.uint8Array({ maxLength: 400, size: "max" }),
    );
    fc.assert(
      fc.property(garbage, ([kind, head, bytes]) => {
        fresh().load(kind, Buffer.concat([head, bytes]), [64]);
      }),
      { numRuns, seed },
    );
  });

  it("takes no more memory than the stream has bytes, whatever lengths it says", () => {
    const head = Buffer.from(files().snapshot.subarray(0, 16));
    for (const kind of [LOAD_UPDATE, LOAD_SNAPSHOT, LOAD_SALVAGE]) {
      for (let type = 0; type < 16; type += 1) {
        const record = Buffer.alloc(65536, 0xff);
        record.writeUInt32LE(type, 0);
        record.writeUInt32LE(0x3ffffff8, 4);
        const core = new Core([...OPTIONS, [OPT_MEMORY_PAGES, 512]], BOOT);
        const result = core.load(kind, Buffer.concat([head, record]));
        expect(result).not.toBe(LOADED);
        expect(result).not.toBe(LOADED_NO_MEMORY);
        expect(core.stat(STAT_MEMORY)).toBeLessThan(16 << 20);
      }
    }
  });
});
