// Life: snapshots beside the service, handing over, another boot, another version, checking.
// Holds   nothing.
// Never   looks into a file but to damage it.
// Source  our own.

import { describe, expect, test } from "vitest";
import { RecoveryError } from "../../hosts/shared/recovery.ts";
import { type Files, ModelStorage } from "./model.ts";
import { BOOT, dies, makeCore, Rig } from "./rig.ts";
import { COMPACT_MIN, Load, play, same } from "./script.ts";

const NEXT_BOOT = BOOT.map((byte) => byte ^ 0xff);

function names(storage: ModelStorage, kind: string): string[] {
  return [...storage.files().keys()].filter((name) => name.startsWith(kind)).sort();
}

function restarted(storage: ModelStorage, boot = BOOT): Rig {
  return new Rig(new ModelStorage(storage.files()), { boot });
}

/** Lets time pass until a promise has settled. */
async function during<T>(rig: Rig, promise: Promise<T>): Promise<T> {
  await rig.clock.pass(10_000);
  return promise;
}

describe("snapshots", () => {
  test("are written when the journals have grown, and the one before is kept", async () => {
    const storage = new ModelStorage();
    const rig = new Rig(storage, { compactMin: COMPACT_MIN });
    for (let n = 0; n < 60; n++) {
      rig.write(`/n/${n % 7}`, `${n}`.repeat(200));
      await rig.clock.pass(100);
    }
    expect(names(storage, "snapshot")).toHaveLength(2);
    const [older, newest] = names(storage, "snapshot").map((name) => Number(name.split(".")[1]));
    const numbers = names(storage, "journal").map((name) => Number(name.split(".")[1]));
    expect(Math.min(...numbers)).toBe(older);
    expect(Math.max(...numbers)).toBeGreaterThanOrEqual(newest);
    expect(rig.notices).toEqual([]);
    expect(same(restarted(storage).tree(), rig.tree())).toBe(true);
  });

  test("are written after many starts, however little was changed", async () => {
    let files: Files = new Map();
    for (let n = 0; n < 40; n++) {
      const storage = new ModelStorage(files);
      const rig = new Rig(storage);
      rig.write("/n", `${n}`);
      await rig.clock.pass(100);
      files = storage.files();
    }
    expect(files.size).toBeLessThan(40);
    expect(new Rig(new ModelStorage(files)).ask("READ", "/n\0")).toBe("39");
  });

  test("do not wait where no process ever lived long enough to write one", () => {
    let files: Files = new Map();
    for (let n = 0; n < 100; n++) {
      const storage = new ModelStorage(files);
      new Rig(storage).write("/n", `${n}`);
      files = storage.files();
    }
    expect(files.size).toBeLessThan(80);
    expect(new Rig(new ModelStorage(files)).ask("READ", "/n\0")).toBe("99");
  });

  test("give the event loop its turn after each piece, and requests are served between", async () => {
    const storage = new ModelStorage();
    const rig = new Rig(storage, { compactMin: 400_000 });
    for (let n = 0; n < 600; n++) rig.write(`/n/${n}`, "x".repeat(1000));
    const before = rig.tree();
    let turns = 0;
    while (names(storage, "snapshot").filter((name) => !name.endsWith(".new")).length === 0) {
      await rig.clock.pass(1);
      rig.write(`/turn/${turns++}`, "1");
    }
    expect(turns).toBeGreaterThan(2);
    // Only the snapshot: what was written meanwhile is in the journal.
    const next = restarted(storage);
    expect(same(next.tree(), rig.tree())).toBe(true);
    expect(before.size).toBeLessThan(next.tree().size);
  });

  test("are not begun where nothing was changed since the start", async () => {
    const storage = new ModelStorage();
    const rig = new Rig(storage, { compactMin: COMPACT_MIN });
    await rig.clock.pass(10_000);
    expect(names(storage, "snapshot")).toEqual([]);
  });
});

describe("a journal", () => {
  test("is begun with each start, unless the last one holds no change", () => {
    const first = new ModelStorage();
    new Rig(first);
    const second = new ModelStorage(first.files());
    new Rig(second).write("/a", "1");
    expect(names(second, "journal")).toEqual(["journal.1"]);
    const third = new ModelStorage(second.files());
    new Rig(third);
    expect(names(third, "journal")).toEqual(["journal.1", "journal.2"]);
  });

  test("that was not finished does not count, and is removed", () => {
    const storage = new ModelStorage(new Map([["journal.7.new", new Uint8Array(100)]]));
    const rig = new Rig(storage);
    rig.write("/a", "1");
    expect([...storage.files().keys()]).toEqual(["journal.1"]);
    expect(rig.notices).toEqual([]);
  });
});

describe("handing over", () => {
  test("to another instance goes on with a new journal", async () => {
    const storage = new ModelStorage();
    const rig = new Rig(storage);
    rig.write("/a", "1");
    rig.persistence.release();
    rig.persistence.adopt(rig.core, true);
    expect(rig.write("/a", "2")).toBe("OK");
    await rig.clock.pass(1000);
    expect(rig.write("/b", "3")).toBe("OK");
    expect(same(restarted(storage).tree(), rig.tree())).toBe(true);
  });

  test("while a snapshot is written gives that up", async () => {
    const storage = new ModelStorage();
    const rig = new Rig(storage, { compactMin: 100_000 });
    for (let n = 0; n < 600; n++) rig.write(`/n/${n}`, "x".repeat(1000));
    await rig.clock.pass(1);
    rig.persistence.release();
    expect(rig.core.dumpBegin(2)).toBe(true);
    rig.core.dumpEnd();
    await rig.clock.pass(1000);
    expect(names(storage, "snapshot")).toEqual([]);
    rig.persistence.adopt(rig.core, true);
    await rig.clock.pass(1000);
    expect(same(restarted(storage).tree(), rig.tree())).toBe(true);
  });

  test("of a store that is not in the database writes all of it first", () => {
    const storage = new ModelStorage();
    const rig = new Rig(storage);
    rig.write("/a", "1");
    const other = new Rig(new ModelStorage());
    other.write("/other", "2");
    rig.persistence.release();
    rig.persistence.adopt(other.core, false);
    expect(same(restarted(storage).tree(), other.tree())).toBe(true);
  });

  test("leaves nothing unsynced", () => {
    const storage = new ModelStorage();
    const rig = new Rig(storage);
    rig.write("/a", "1");
    rig.persistence.release();
    expect(storage.calls.at(-1)?.what).toBe("sync");
  });
});

describe("a store from before the machine was started", () => {
  const guests = (): ModelStorage => {
    const storage = new ModelStorage();
    new Rig(storage).write("/local/domain/3/name", "guest");
    return storage;
  };

  test("is recognised", () => {
    expect(restarted(guests()).persistence.otherBoot).toBe(false);
    expect(restarted(guests(), NEXT_BOOT).persistence.otherBoot).toBe(true);
  });

  test("is recognised again when the process ended before anything was done about it", () => {
    const storage = new ModelStorage(guests().files());
    new Rig(storage, { boot: NEXT_BOOT });
    expect(restarted(storage, NEXT_BOOT).persistence.otherBoot).toBe(true);
  });

  test("is of this run from the first change on", () => {
    const storage = new ModelStorage(guests().files());
    new Rig(storage, { boot: NEXT_BOOT }).write("/a", "1");
    expect(restarted(storage, NEXT_BOOT).persistence.otherBoot).toBe(false);
    expect(restarted(storage).persistence.otherBoot).toBe(true);
  });
});

describe("files of a newer version", () => {
  /** CRC-32C, bit by bit. */
  const crc = (bytes: Uint8Array): number => {
    let c = 0xffffffff;
    for (const byte of bytes) {
      c ^= byte;
      for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
    }
    return ~c >>> 0;
  };

  test("keep the daemon from starting, and stay as they are", () => {
    const storage = new ModelStorage();
    new Rig(storage).write("/a", "1");
    const files = new Map(storage.files());
    const journal = Buffer.from(files.get("journal.1") as Uint8Array);
    // u32 version at 8; the head's checksum at 40.
    journal.writeUInt32LE(journal.readUInt32LE(8) + 1, 8);
    journal.writeUInt32LE(crc(journal.subarray(0, 40)), 40);
    files.set("journal.1", journal);
    const newer = new ModelStorage(files);
    expect(() => new Rig(newer)).toThrow(RecoveryError);
    expect(() => new Rig(newer)).toThrow(/journal\.1: was written by a newer version/);
    expect([...newer.files()]).toEqual([...files]);
  });
});

describe("checking", () => {
  test("finds nothing wrong with a database in use", async () => {
    const storage = new ModelStorage();
    const rig = new Rig(storage, { compactMin: COMPACT_MIN });
    await play(new Load(rig, rig.tree()));
    const text = await during(rig, rig.persistence.verify());
    expect(text).toMatch(/^tdb: 2 snapshots \(\d+ nodes in the newest\), \d journals .*no faults$/);
  });

  test("names each fault with file and offset, and leaves everything as it is", async () => {
    const storage = new ModelStorage();
    const rig = new Rig(storage, { compactMin: COMPACT_MIN });
    await play(new Load(rig, rig.tree()));
    const files = new Map(storage.files());
    for (const name of ["snapshot", "journal"].map((kind) => names(storage, kind)[0])) {
      const bytes = (files.get(name) as Uint8Array).slice();
      bytes[60] ^= 1;
      files.set(name, bytes);
    }
    // What is damaged here belongs to the older generation: a start does not need it.
    const damaged = new ModelStorage(files);
    const second = new Rig(damaged);
    expect(second.notices).toEqual([]);
    const text = await during(second, second.persistence.verify());
    expect(text.split("\n")[0]).toMatch(/: 2 faults$/);
    expect(text).toMatch(/^tdb\/snapshot\.\d: damaged at byte \d+/m);
    expect(text).toMatch(/^tdb\/journal\.\d: damaged at byte \d+/m);
    expect(names(damaged, "").filter((name) => name.includes("damaged"))).toEqual([]);
  });

  test("does not complain of an end that was torn, once there is another journal", async () => {
    const storage = new ModelStorage();
    const rig = new Rig(storage);
    rig.write("/a", "1");
    storage.fate = ({ what }) => (what === "append" ? { dies: "within" } : "goes well");
    expect(await dies(() => void rig.write("/b", "2"))).toBe(true);
    const second = restarted(storage);
    expect(second.notices).toEqual([
      expect.stringMatching(/is cut off: it was not written in full/),
    ]);
    expect(await during(second, second.persistence.verify())).toMatch(/no faults$/);
  });

  test("goes on while the store is changed", async () => {
    const storage = new ModelStorage();
    const rig = new Rig(storage);
    for (let n = 0; n < 600; n++) rig.write(`/n/${n}`, "x".repeat(1000));
    const checked = rig.persistence.verify();
    for (let n = 0; n < 20; n++) {
      await rig.clock.pass(1);
      rig.write(`/n/${n}`, "y".repeat(3000));
    }
    expect(await during(rig, checked)).toMatch(/no faults$/);
  });
});

test("an instance that is made for recovery knows its settings", () => {
  expect(makeCore().stat(0)).toBeGreaterThan(0);
});
