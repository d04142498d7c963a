// Faults: a medium that fails or is full: clients get an error, nothing is lost, service goes on.
// Holds   nothing.
// Never   lets a change be there that was refused, nor one be missing that was acknowledged.
// Source  our own.

import { describe, expect, test } from "vitest";
import { StorageError } from "../../hosts/shared/storage.ts";
import { type Call, type Fate, ModelStorage } from "./model.ts";
import { Rig, type RigOptions } from "./rig.ts";
import { COMPACT_MIN, Load, play, same } from "./script.ts";

const GOES_WELL = () => "goes well" as const;

/** A medium without room: nothing can be made longer. */
function full({ what }: Call): Fate {
  return what === "extend" || what === "create" ? { fails: "ENOSPC" } : "goes well";
}

/** A medium that takes nothing. */
function broken({ what, length }: Call): Fate {
  const writes = length > 0 || what === "create" || what === "sync" || what === "cut";
  return writes ? { fails: "EIO", done: length >> 1 } : "goes well";
}

function rigOn(storage: ModelStorage, options: RigOptions = {}): Rig {
  return new Rig(storage, options);
}

/** What the next process finds. */
function restarted(storage: ModelStorage): Rig {
  return new Rig(new ModelStorage(storage.files()));
}

/** Writes until one is refused; returns how it was. */
function fill(rig: Rig): string {
  for (let n = 0; n < 1000; n++) {
    const reply = rig.write(`/fill/${n}`, "x".repeat(2000));
    if (reply !== "OK") return reply;
  }
  return "never refused";
}

describe("a full disk", () => {
  test("refuses changes with ENOSPC, serves the rest, and goes on when there is room", async () => {
    const storage = new ModelStorage();
    const rig = rigOn(storage);
    rig.write("/before", "1");
    storage.fate = full;
    expect(fill(rig)).toBe("ERROR ENOSPC");
    expect(rig.ask("READ", "/before\0")).toBe("1");
    expect(rig.write("/small", "1")).toBe("ERROR ENOSPC");
    expect(rig.ask("RM", "/before\0")).toBe("ERROR ENOSPC");
    const tree = rig.tree();
    expect(tree.has("/small")).toBe(false);
    await rig.clock.pass(5000);
    expect(rig.write("/small", "1")).toBe("ERROR ENOSPC");
    expect(same(restarted(storage).tree(), tree)).toBe(true);
    expect(rig.notices).toEqual([expect.stringContaining("there is no room (ENOSPC)")]);
    storage.fate = GOES_WELL;
    await rig.clock.pass(1000);
    expect(rig.write("/small", "1")).toBe("OK");
    expect(rig.notices.slice(1)).toEqual(["tdb: storing works again"]);
    expect(same(restarted(storage).tree(), rig.tree())).toBe(true);
  });

  test("is met before a request is served, not after", () => {
    const storage = new ModelStorage();
    const rig = rigOn(storage);
    storage.fate = full;
    let appends = 0;
    const { calls } = storage;
    expect(fill(rig)).toBe("ERROR ENOSPC");
    appends = calls.filter(({ what }) => what === "append").length;
    fill(rig);
    expect(calls.filter(({ what }) => what === "append").length).toBe(appends);
  });

  test("refuses one change that is too large, and takes the small ones", () => {
    const storage = new ModelStorage();
    const rig = rigOn(storage);
    storage.fate = full;
    const txId = Number(rig.ask("TRANSACTION_START", "\0"));
    for (let n = 0; n < 40; n++) rig.ask("WRITE", `/large/${n}\0${"x".repeat(3000)}`, txId);
    expect(rig.ask("TRANSACTION_END", "T\0", txId)).toBe("ERROR ENOSPC");
    expect(rig.tree().has("/large")).toBe(false);
    expect(rig.write("/small", "1")).toBe("OK");
    expect(rig.notices).toEqual([expect.stringMatching(/no room for \d+ bytes \(ENOSPC\)/)]);
    expect(same(restarted(storage).tree(), rig.tree())).toBe(true);
  });

  test("at the start serves what is there, and takes changes when there is room", async () => {
    const first = new ModelStorage();
    rigOn(first).write("/a", "1");
    const storage = new ModelStorage(first.files());
    storage.fate = full;
    const rig = rigOn(storage);
    expect(rig.ask("READ", "/a\0")).toBe("1");
    expect(rig.write("/a", "2")).toBe("ERROR ENOSPC");
    storage.fate = GOES_WELL;
    await rig.clock.pass(1000);
    expect(rig.write("/a", "2")).toBe("OK");
    expect(restarted(storage).ask("READ", "/a\0")).toBe("2");
  });

  test("for snapshots only lets the journal grow, and says so once", async () => {
    const storage = new ModelStorage();
    storage.fate = ({ name, what }) =>
      name.startsWith("snapshot") && what === "append" ? { fails: "ENOSPC", done: 9 } : "goes well";
    const rig = rigOn(storage, { compactMin: COMPACT_MIN });
    for (let n = 0; n < 20; n++) {
      expect(rig.write(`/n/${n}`, "x".repeat(500))).toBe("OK");
      await rig.clock.pass(10_000);
    }
    expect(rig.notices).toEqual([expect.stringContaining("no snapshot can be written (ENOSPC)")]);
    expect([...storage.files().keys()].some((name) => name.includes("snapshot"))).toBe(false);
    expect(same(restarted(storage).tree(), rig.tree())).toBe(true);
  });
});

describe("a medium that fails", () => {
  test("once while a change is written is not noticed by clients", async () => {
    for (const what of ["append", "sync"]) {
      const storage = new ModelStorage();
      const rig = rigOn(storage, { disk: true });
      rig.write("/a", "1");
      let failed = false;
      storage.fate = (call) => {
        if (failed || call.what !== what) return "goes well";
        failed = true;
        return { fails: "EIO", done: call.length >> 1 };
      };
      expect(rig.write("/a", "2")).toBe("OK");
      expect(rig.notices).toEqual([expect.stringMatching(/journal.1.*EIO.*another file/)]);
      expect(rig.write("/b", "3")).toBe("OK");
      const next = restarted(storage);
      expect(same(next.tree(), rig.tree())).toBe(true);
      expect(next.notices).toEqual([]);
    }
  });

  test("refuses changes with EIO, serves the rest, and goes on when it works again", async () => {
    const storage = new ModelStorage();
    const rig = rigOn(storage);
    rig.write("/a", "1");
    storage.fate = broken;
    expect(rig.write("/a", "2")).toBe("ERROR EIO");
    expect(rig.write("/a", "3")).toBe("ERROR EIO");
    await rig.clock.pass(10_000);
    expect(rig.ask("READ", "/a\0")).toBe("1");
    expect(rig.notices).toHaveLength(1);
    expect(restarted(storage).ask("READ", "/a\0")).toBe("1");
    storage.fate = GOES_WELL;
    await rig.clock.pass(2000);
    expect(rig.notices.slice(1)).toEqual(["tdb: storing works again"]);
    expect(rig.write("/a", "4")).toBe("OK");
    const next = restarted(storage);
    expect(next.ask("READ", "/a\0")).toBe("4");
    expect(next.notices).toEqual([]);
  });

  test("keeps the daemon from starting when nothing may be written, and says why", () => {
    const storage = new ModelStorage();
    storage.fate = ({ what }) => (what === "create" ? { fails: "EROFS" } : "goes well");
    expect(() => rigOn(storage)).toThrow(StorageError);
    expect(() => rigOn(storage)).toThrow(/journal\.1\.new: EROFS/);
  });
});

describe("a failure at any call of a load", () => {
  for (const code of ["EIO", "ENOSPC"]) {
    for (const times of [1, 2, 5, Number.POSITIVE_INFINITY]) {
      const often = times === 1 ? "once" : times > 5 ? "for good" : `${times} times`;
      test(`${code}, ${often}, loses nothing that was acknowledged`, async () => {
        const whole = await loadWith({ fate: GOES_WELL });
        let refused = 0;
        for (const { number } of whole.storage.calls.slice(whole.started)) {
          const end = await loadWith({
            fate: (call) => {
              const past = call.number - number;
              const fails = past >= 0 && past < times && changes(call);
              return fails ? { fails: code, done: call.length >> 1 } : "goes well";
            },
          });
          refused += end.load.refused;
          await afterwards(end, `${code} ${often} from call ${number} on`);
        }
        if (times > 2) expect(refused).toBeGreaterThan(0);
      });
    }
  }
});

/** What a medium refuses when it is full, or broken. */
function changes({ what }: Call): boolean {
  return !["list", "read", "open"].includes(what);
}

interface Ended {
  readonly storage: ModelStorage;
  readonly load: Load;
  /** Calls there were before the load. */
  readonly started: number;
}

async function loadWith({ fate }: { fate: (call: Call) => Fate }): Promise<Ended> {
  const storage = new ModelStorage();
  storage.fate = fate;
  const rig = new Rig(storage, { compactMin: COMPACT_MIN, disk: true });
  const load = new Load(rig, rig.tree());
  const started = storage.calls.length;
  load.tolerant = true;
  await play(load);
  return { storage, load, started };
}

function failed(storage: ModelStorage, what: string): boolean {
  return storage.failures.some((call) => call.what === what);
}

/** What a load has left is what was acknowledged, now and later, here and after a restart. */
async function afterwards({ storage, load }: Ended, where: string): Promise<void> {
  const { rig, tree } = load;
  expect(same(rig.tree(), tree), where).toBe(true);
  const now = restarted(storage).tree();
  // Where what was refused could not be taken back, it may come to light.
  const stuck = load.maybe !== null && failed(storage, "cut") && same(now, load.maybe);
  expect(stuck || same(now, tree), `${where}, restarted`).toBe(true);
  storage.fate = GOES_WELL;
  await rig.clock.pass(60_000);
  expect(rig.write("/afterwards", "1"), where).toBe("OK");
  await rig.clock.pass(60_000);
  const next = restarted(storage);
  expect(same(next.tree(), rig.tree()), `${where}, restarted later`).toBe(true);
  expect(next.notices, where).toEqual([]);
}

describe("files that somebody removes while they are written", () => {
  test("are noticed, and everything is written anew", async () => {
    const storage = new ModelStorage();
    const rig = new Rig(storage);
    rig.write("/a", "before");
    await rig.clock.pass(2000);
    storage.clear();
    expect(rig.write("/a", "refused")).toBe("ERROR EIO");
    expect(rig.notices.join()).toMatch(/tdb: was removed/);
    expect(rig.ask("READ", "/a\0")).toBe("before");
    await rig.clock.pass(10_000);
    expect(rig.notices.join()).toMatch(/storing works again/);
    expect(rig.write("/b", "after")).toBe("OK");
    const again = new Rig(new ModelStorage(storage.files()));
    expect(again.ask("READ", "/a\0")).toBe("before");
    expect(again.ask("READ", "/b\0")).toBe("after");
    expect(again.notices).toEqual([]);
  });

  test("are named when the database is checked", async () => {
    const storage = new ModelStorage();
    const rig = new Rig(storage);
    rig.write("/a", "1");
    storage.clear();
    const verified = rig.persistence.verify();
    await rig.clock.pass(10_000);
    await verified;
    expect(rig.notices.join()).toMatch(/was removed/);
    expect(rig.write("/a", "2")).toBe("OK");
    expect(new Rig(new ModelStorage(storage.files())).ask("READ", "/a\0")).toBe("2");
  });
});
