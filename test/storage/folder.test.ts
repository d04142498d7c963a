// Folder: the storage of Node: what it does to files, and what it says when that fails.
// Holds   nothing.
// Never   needs a disk that is full: the system's calls are made to fail.
// Source  our own; write(2).

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { bootName } from "../../hosts/node/boot.ts";
import { Database } from "../../hosts/node/database.ts";
import { type Libc, loadLibc } from "../../hosts/node/libc.ts";
import { FolderStorage } from "../../hosts/node/storage.ts";
import { StorageError } from "../../hosts/shared/storage.ts";
import { ManualClock, makeCore } from "./rig.ts";

const libc = await loadLibc();
const koffi = libc ? "" : " (left out: the package koffi can't be loaded)";

let folder: string;
let storage: FolderStorage;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "xenstore-storage-"));
  storage = new FolderStorage(folder);
});

afterEach(() => {
  vi.restoreAllMocks();
  storage.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

const bytes = (text: string): Uint8Array => Buffer.from(text);
const contents = (name: string): string => fs.readFileSync(path.join(folder, name), "latin1");

/** The error that an action ends in. */
function caught(action: () => void): StorageError {
  try {
    action();
  } catch (error) {
    if (error instanceof StorageError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** An error as the system's calls throw it. */
function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

describe("a file", () => {
  test("is appended to, extended by zeros, and read back", () => {
    const file = storage.create("a");
    file.append(bytes("one"));
    file.extend(8);
    file.append(bytes("two"));
    expect(file.size).toBe(6);
    expect(contents("a")).toBe("onetwo\0\0");
    file.extend(4);
    expect(contents("a")).toBe("onetwo\0\0");
    const into = new Uint8Array(10);
    expect(storage.read("a", 2, into)).toBe(6);
    expect(Buffer.from(into.subarray(0, 6)).toString()).toBe("etwo\0\0");
    file.close();
  });

  test("is cut, and goes on there", () => {
    const file = storage.create("a");
    file.append(bytes("onetwo"));
    file.cut(3);
    file.append(bytes("X"));
    file.sync();
    file.close();
    expect(contents("a")).toBe("oneX");
    const again = storage.open("a", 3);
    again.append(bytes("YZ"));
    again.close();
    expect(contents("a")).toBe("oneYZ");
  });

  test("belongs to its owner alone", () => {
    storage.create("a").close();
    expect(fs.statSync(path.join(folder, "a")).mode & 0o777).toBe(0o600);
  });

  test("is synced in the background", async () => {
    const file = storage.create("a");
    file.append(bytes("one"));
    await file.syncLater();
    await storage.syncNamesLater();
    storage.syncNames();
    file.close();
  });

  test("is listed; folders are not", () => {
    storage.create("a").close();
    fs.mkdirSync(path.join(folder, "b"));
    expect(storage.list()).toEqual([{ name: "a", size: 0 }]);
  });

  test("is renamed over another, and removed", () => {
    storage.create("a").close();
    const other = storage.create("b");
    other.append(bytes("new"));
    other.close();
    storage.read("a", 0, new Uint8Array(1));
    storage.rename("b", "a");
    const into = new Uint8Array(3);
    expect(storage.read("a", 0, into)).toBe(3);
    storage.remove("a");
    expect(storage.list()).toEqual([]);
  });

  test("is kept aside once, however often that is asked for", () => {
    const file = storage.create("a");
    file.append(bytes("one"));
    file.close();
    expect(storage.keepAside("a")).toBe("a.damaged-1");
    expect(storage.keepAside("a")).toBe("a.damaged-1");
    storage.remove("a");
    storage.create("a").close();
    expect(storage.keepAside("a")).toBe("a.damaged-2");
    expect(contents("a.damaged-1")).toBe("one");
  });

  test("that is a link is not followed", () => {
    fs.symlinkSync("/dev/null", path.join(folder, "a"));
    expect(caught(() => storage.create("a")).code).toBe("ELOOP");
  });
});

describe("the system", () => {
  test("may cut a write up as it likes", () => {
    const whole = fs.writeSync.bind(fs) as (...args: unknown[]) => number;
    vi.spyOn(fs, "writeSync").mockImplementation(((
      fd: number,
      from: Uint8Array,
      offset: number,
      length: number,
      at: number,
    ) => whole(fd, from, offset, Math.min(length, 2), at)) as typeof fs.writeSync);
    const file = storage.create("a");
    file.append(bytes("seven and more"));
    file.extend(20);
    file.append(bytes("!"));
    file.close();
    expect(contents("a")).toBe("seven and more!\0\0\0\0\0");
  });

  test("that writes nothing at all is a failure", () => {
    const file = storage.create("a");
    vi.spyOn(fs, "writeSync").mockReturnValue(0);
    expect(caught(() => file.append(bytes("x"))).code).toBe("EIO");
    expect(file.size).toBe(0);
    file.close();
  });

  test("that has no room leaves the file as long as it was", () => {
    const file = storage.create("a");
    file.append(bytes("one"));
    let calls = 0;
    const whole = fs.writeSync.bind(fs) as (...args: unknown[]) => number;
    vi.spyOn(fs, "writeSync").mockImplementation(((...args: unknown[]) => {
      if (++calls > 1) throw systemError("ENOSPC");
      return whole(...args);
    }) as typeof fs.writeSync);
    const error = caught(() => file.extend(200_000));
    expect(error.code).toBe("ENOSPC");
    expect(error.file).toBe(path.join(folder, "a"));
    expect(contents("a")).toBe("one");
    file.close();
  });

  test("is quoted with the name of the file", () => {
    expect(caught(() => storage.open("none", 0)).message).toBe(`${folder}/none: ENOENT`);
    expect(caught(() => storage.remove("none")).code).toBe("ENOENT");
    expect(caught(() => storage.read("none", 0, new Uint8Array(1))).code).toBe("ENOENT");
    expect(caught(() => new FolderStorage(`${folder}/x`).list()).code).toBe("ENOENT");
  });

  const linux = process.platform === "linux" ? "" : " (left out: only Linux names its runs)";
  test.skipIf(linux !== "")(`names the run of the machine${linux}`, () => {
    expect(bootName()).toEqual(bootName());
    expect(bootName().some((byte) => byte !== 0)).toBe(true);
  });
});

describe("the system's own call", () => {
  /** A storage with a call that does this much of each append itself. */
  const withCall = (pwrite: Libc["pwrite"]) => {
    return new FolderStorage(folder, { pwrite, address: () => 0 } as Partial<Libc> as Libc);
  };

  test.skipIf(libc === null)(`appends where the file ends${koffi}`, () => {
    const quick = new FolderStorage(folder, libc);
    const file = quick.create("a");
    file.append(bytes("one"));
    file.extend(8);
    vi.spyOn(fs, "writeSync").mockReturnValue(0);
    file.append(bytes("seven and more"));
    file.append(new Uint8Array([0x21]));
    file.close();
    expect(contents("a")).toBe("oneseven and more!");
  });

  test("may write a part: the rest follows", () => {
    const file = withCall((fd, _at, _len, offset) => {
      return fs.writeSync(fd, bytes("sev"), 0, 3, offset);
    }).create("a");
    file.append(bytes("seven and more"));
    file.append(bytes("sevens"));
    file.close();
    expect(contents("a")).toBe("seven and moresevens");
  });

  test("that fails is done again, and its reason told", () => {
    const file = withCall(() => -1).create("a");
    file.append(bytes("one"));
    vi.spyOn(fs, "writeSync").mockImplementation(() => {
      throw systemError("ENOSPC");
    });
    expect(caught(() => file.append(bytes("two"))).code).toBe("ENOSPC");
    expect(file.size).toBe(3);
    file.close();
    expect(contents("a")).toBe("one");
  });
});

describe("a database", () => {
  const notices: string[] = [];
  const take = (place: string) =>
    Database.take(place, {
      makeCore,
      disk: false,
      clock: new ManualClock(),
      notice: (line) => notices.push(line),
    });

  test("moves a file aside that has its name, and says so", async () => {
    const place = path.join(folder, "tdb");
    fs.writeFileSync(place, "TDB file\n");
    const database = await take(place);
    database.start();
    database.release();
    expect(contents("tdb.foreign-1")).toBe("TDB file\n");
    expect(notices.pop()).toContain(`it is kept as ${place}.foreign-1`);
    expect(fs.statSync(place).mode & 0o777).toBe(0o700);
  });

  const linux = process.platform === "linux" ? "" : " (left out: Linux alone has such names)";
  test.skipIf(linux !== "")(`is for one daemon at a time${linux}`, async () => {
    const place = path.join(folder, "tdb");
    const database = await take(place);
    const link = path.join(folder, "link");
    fs.symlinkSync(place, link);
    await expect(take(link)).rejects.toThrow(
      `another daemon uses this database: process ${process.pid}`,
    );
    database.release();
    (await take(link)).release();
  });

  test("that can't be written says what to do", async () => {
    const plain = path.join(folder, "plain");
    fs.writeFileSync(plain, "");
    await expect(take(`${plain}/tdb`)).rejects.toThrow(/plain.*--internal-db stores nothing$/);
    const place = path.join(folder, "tdb");
    const database = await take(place);
    vi.spyOn(fs, "openSync").mockImplementation(() => {
      throw systemError("EROFS");
    });
    expect(() => database.start()).toThrow(/the disk is read only \(EROFS\).*--internal-db/);
    vi.restoreAllMocks();
    database.release();
  });
});
