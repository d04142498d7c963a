// Damage: every byte of a small database is flipped, every file is cut at every length.
// Holds   one database with two snapshots and the journals between them.
// Never   accepts a value that the path never had, nor silence when something is missing.
// Source  our own.

import { beforeAll, describe, expect, test } from "vitest";
import { type Files, ModelStorage } from "./model.ts";
import { Rig, type Tree } from "./rig.ts";
import { COMPACT_MIN, Load, play, same } from "./script.ts";

/** Some ten thousand starts; half a minute where nothing else runs. */
const PATIENCE_MS = 1_800_000;

let whole: Files;
let load: Load;
let starts = 0;

beforeAll(async () => {
  const storage = new ModelStorage();
  const rig = new Rig(storage, { compactMin: COMPACT_MIN });
  load = new Load(rig, rig.tree());
  await play(load);
  whole = storage.files();
});

/** Names of the files, the oldest first. */
function names(): string[] {
  return [...whole.keys()].sort();
}

/** How many bytes of a file are in use. */
function used(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end;
}

/** Starts on damaged files; returns what is told, having checked that nothing is wrong in silence. */
function started(files: Files, where: string): string[] {
  const storage = new ModelStorage(files);
  const rig = new Rig(storage);
  const tree = rig.tree();
  const told = rig.notices;
  if (!same(tree, load.tree)) expect(told, `${where}: ${lost(tree)}`).not.toEqual([]);
  for (const [path, value] of tree) {
    expect(load.history.has(`${path}=${value}`), `${where}: ${path} = ${value}`).toBe(true);
  }
  if (starts++ % 16 === 0) goesOn(rig, storage, tree, where);
  return told;
}

/** A second start finds what the first one left, and has nothing more to complain of. */
function goesOn(rig: Rig, storage: ModelStorage, tree: Tree, where: string): void {
  rig.write("/after", "damage");
  const again = new Rig(new ModelStorage(storage.files()));
  const next = new Map(again.tree());
  expect(next.get("/after"), where).toBe("damage");
  next.delete("/after");
  expect(same(next, tree), `${where}, at the second start`).toBe(true);
  expect(again.notices, `${where}, at the second start`).toEqual([]);
}

function lost(tree: Tree): string {
  const missing = [...load.tree].filter(([path, value]) => tree.get(path) !== value);
  return missing
    .map(([path, value]) => `${path} = ${tree.get(path)} for ${value}`)
    .join(", ")
    .slice(0, 300);
}

function withFile(name: string, bytes: Uint8Array | null): Files {
  const files = new Map(whole);
  if (bytes) files.set(name, bytes);
  else files.delete(name);
  return files;
}

test("the database under test has two generations", () => {
  expect(names().filter((name) => name.startsWith("snapshot"))).toHaveLength(2);
  expect(names().filter((name) => name.startsWith("journal")).length).toBeGreaterThan(1);
});

describe("a flipped byte", () => {
  test(
    "is a report with file and offset, or makes no difference",
    () => {
      let reports = 0;
      for (const name of names()) {
        const bytes = whole.get(name) as Uint8Array;
        const end = used(bytes);
        for (let at = 0; at < bytes.length; at += at < end + 64 ? 1 : 4099) {
          const flipped = bytes.slice();
          flipped[at] ^= 1 << ((at * 5) % 8);
          const told = started(withFile(name, flipped), `${name} flipped at ${at}`);
          reports += told.length;
          for (const line of told) expect(line).toMatch(/^tdb\/\w+\.\d+: .*(byte \d+|not used)/);
        }
      }
      expect(reports).toBeGreaterThan(1000);
    },
    PATIENCE_MS,
  );

  test("leaves the damaged file aside, byte for byte", () => {
    for (const name of names().slice(-2)) {
      const flipped = (whole.get(name) as Uint8Array).slice();
      flipped[used(flipped) >> 1] ^= 0x10;
      const storage = new ModelStorage(withFile(name, flipped));
      const rig = new Rig(storage);
      if (rig.notices.length === 0) continue;
      expect(rig.notices.join("\n")).toContain(`kept as ${name}.damaged-1`);
      expect(Buffer.compare(storage.files().get(`${name}.damaged-1`) as Buffer, flipped)).toBe(0);
    }
  });
});

describe("a file that is cut short", () => {
  test(
    "is a report, or makes no difference",
    () => {
      for (const name of names()) {
        const bytes = whole.get(name) as Uint8Array;
        const end = used(bytes);
        for (let at = 0; at < bytes.length; at += at < end + 64 ? 1 : 4099) {
          started(withFile(name, bytes.slice(0, at)), `${name} cut at ${at}`);
        }
      }
    },
    PATIENCE_MS,
  );
});

describe("a file that is gone", () => {
  test("is a report, or was not needed", () => {
    for (const name of names()) {
      const told = started(withFile(name, null), `${name} removed`);
      const needed =
        name ===
        names()
          .filter((one) => one.startsWith("snapshot"))
          .at(-1);
      if (needed) continue;
      for (const line of told) expect(line).toContain("missing");
    }
  });

  test("is missed although all others are there, when it is the newest snapshot's journal", () => {
    const newest = names()
      .filter((name) => name.startsWith("snapshot"))
      .at(-1) as string;
    const journal = newest.replace("snapshot", "journal");
    const told = started(withFile(journal, null), `${journal} removed`);
    expect(told.join("\n")).toContain(`${journal}: missing`);
  });
});

describe("files that are something else", () => {
  const other = Buffer.from("this is a letter to the editor\n".repeat(100));

  test("are kept aside and reported, and the older generation is read", () => {
    for (const name of names()) {
      started(withFile(name, other), `${name} replaced`);
      started(withFile(name, new Uint8Array(70_000)), `${name} zeroed`);
      for (const second of names()) {
        const files = new Map(withFile(name, whole.get(second) as Uint8Array));
        started(files, `${name} is ${second}`);
      }
    }
  });

  test("with names of their own are left alone", () => {
    const files = new Map([...whole, ["notes.txt", other], ["journal.x", other]]);
    const storage = new ModelStorage(files);
    const rig = new Rig(storage);
    expect(same(rig.tree(), load.tree)).toBe(true);
    expect(rig.notices).toEqual([]);
    expect(storage.files().has("notes.txt")).toBe(true);
  });
});

test("two damaged snapshots are salvaged: what is whole in the newest is there", () => {
  const files = new Map(whole);
  for (const name of names().filter((one) => one.startsWith("snapshot"))) {
    const bytes = (whole.get(name) as Uint8Array).slice();
    bytes[bytes.length - 40] ^= 4;
    files.set(name, bytes);
  }
  const told = started(files, "both snapshots");
  expect(told.length).toBeGreaterThan(1);
});
