// OPFS: the storage in a browser's private files keeps what it promises, wherever it is cut off.
// Holds   nothing.
// Never   needs a browser: its files are in memory here; test/browser/browser.test.ts has real ones.
// Source  our own; hosts/shared/storage.ts.

import { describe, expect, test, vi } from "vitest";
import { opfsStorage } from "../../hosts/browser/opfs_storage.ts";
import { type Storage, StorageError } from "../../hosts/shared/storage.ts";
import { FakeFolder, Gone } from "./fake_folder.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Everything in a storage: name and text. */
function contents(storage: Storage): Record<string, string> {
  const found: [string, string][] = storage.list().map(({ name, size }) => {
    const into = new Uint8Array(size + 1);
    return [name, new TextDecoder().decode(into.subarray(0, storage.read(name, 0, into)))];
  });
  return Object.fromEntries(found.sort());
}

function put(storage: Storage, name: string, text: string): void {
  const file = storage.create(name);
  file.append(bytes(text));
  file.sync();
  file.close();
}

function caught(action: () => void): StorageError {
  try {
    action();
  } catch (error) {
    if (error instanceof StorageError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("a file in a browser's private file system", () => {
  test("is appended to, extended by zeros, cut, and read back", async () => {
    const storage = await opfsStorage(new FakeFolder());
    const file = storage.create("a");
    file.append(bytes("one"));
    file.extend(8);
    file.append(bytes("two"));
    expect(file.size).toBe(6);
    file.extend(4);
    expect(contents(storage)).toEqual({ a: "onetwo\0\0" });
    const into = new Uint8Array(10);
    expect(storage.read("a", 2, into)).toBe(6);
    file.cut(3);
    file.append(bytes("X"));
    file.close();
    const again = storage.open("a", 4);
    again.append(bytes("Y"));
    await again.syncLater();
    expect(contents(storage)).toEqual({ a: "oneXY" });
  });

  test("is renamed over another, and removed", async () => {
    const folder = new FakeFolder();
    const storage = await opfsStorage(folder);
    put(storage, "a", "old");
    const old = storage.open("a", 3);
    put(storage, "b", "new");
    expect(old.named()).toBe(true);
    storage.rename("b", "a");
    expect(old.named()).toBe(false);
    expect(contents(storage)).toEqual({ a: "new" });
    expect(contents(await opfsStorage(folder.after()))).toEqual({ a: "new" });
    await storage.removeLater("a");
    expect(storage.list()).toEqual([]);
    expect((await opfsStorage(folder.after())).list()).toEqual([]);
  });

  test("is kept aside once, however often that is asked for", async () => {
    const folder = new FakeFolder();
    const storage = await opfsStorage(folder);
    put(storage, "a", "one");
    expect(storage.keepAside("a")).toBe("a.damaged-1");
    const next = await opfsStorage(folder.after());
    expect(next.keepAside("a")).toBe("a.damaged-1");
    put(next, "a", "two");
    expect(next.keepAside("a")).toBe("a.damaged-2");
    expect(contents(next)).toEqual({ a: "two", "a.damaged-1": "one", "a.damaged-2": "two" });
  });

  test("does not show what another one left in the same place", async () => {
    const storage = await opfsStorage(new FakeFolder());
    for (let n = 0; n < 30; n++) {
      put(storage, "a", "x".repeat(1000));
      storage.remove("a");
      storage.create("b").extend(500);
      expect(contents(storage)).toEqual({ b: "\0".repeat(500) });
      storage.remove("b");
    }
  });
});

describe("a browser's private file system", () => {
  test("that is full leaves the file as long as it was, and says ENOSPC", async () => {
    const folder = new FakeFolder();
    const storage = await opfsStorage(folder);
    const file = storage.create("a");
    file.append(bytes("one"));
    folder.quota = folder.used + 100_000;
    const error = caught(() => file.extend(200_000));
    expect([error.code, error.file]).toEqual(["ENOSPC", "opfs:/fake/a"]);
    expect(contents(storage)).toEqual({ a: "one" });
    expect(caught(() => file.append(new Uint8Array(200_000))).code).toBe("ENOSPC");
    file.cut(3);
    expect(contents(storage)).toEqual({ a: "one" });
  });

  test("is open for one worker at a time, and that is said", async () => {
    const folder = new FakeFolder();
    const storage = await opfsStorage(folder);
    put(storage, "a", "one");
    vi.useFakeTimers();
    const second = expect(opfsStorage(folder)).rejects.toThrow(
      /^opfs:\/fake: another tab or worker has it open; join .* or choose another folder$/,
    );
    await vi.runAllTimersAsync();
    vi.useRealTimers();
    await second;
    storage.close();
    expect(contents(await opfsStorage(folder))).toEqual({ a: "one" });
    expect(caught(() => storage.read("a", 0, new Uint8Array(1))).code).toBe("EBADF");
    expect(caught(() => storage.create("a")).code).toBe("EBADF");
  });

  test("that is not there is named, with what to do", async () => {
    await expect(opfsStorage("x")).rejects.toThrow(
      /^opfs:\/x: there is no private file system \(OPFS\) here; .*storage "memory" works/,
    );
  });

  test("is asked for more files before the last one is used", async () => {
    const storage = await opfsStorage(new FakeFolder());
    for (let n = 0; n < 100; n++) {
      put(storage, `file-${n}`, String(n));
      await new Promise((resolve) => setTimeout(resolve));
    }
    expect(Object.keys(contents(storage)).length).toBe(100);
  });

  test("with more files at once than were opened ahead says so, and goes on", async () => {
    const storage = await opfsStorage(new FakeFolder());
    const error = caught(() => {
      for (let n = 0; n < 100; n++) put(storage, `file-${n}`, String(n));
    });
    expect(error.code).toBe("ENFILE");
    await new Promise((resolve) => setTimeout(resolve));
    put(storage, "one more", "");
  });

  test("refuses names that are too long for a header", async () => {
    const storage = await opfsStorage(new FakeFolder());
    expect(caught(() => storage.create("x".repeat(256))).code).toBe("EINVAL");
    expect(caught(() => storage.create("")).code).toBe("EINVAL");
    expect(caught(() => storage.open("none", 0)).message).toBe("opfs:/fake/none: ENOENT");
  });

  test("with a file whose headers are both damaged keeps its bytes under another name", async () => {
    const folder = new FakeFolder();
    put(await opfsStorage(folder), "a", "one");
    const next = folder.after();
    const file = [...next.files.values()].find(({ bytes: all }) => all.length > 8192);
    file?.bytes.fill(0xff, 0, 8192);
    const lost = Object.entries(contents(await opfsStorage(next)));
    expect(lost).toEqual([[expect.stringMatching(/^lost-\d+$/), "one"]]);
  });
});

/** Steps, each atomic: after any cut the state is the one before or the one behind it. */
const STEPS: readonly ((storage: Storage) => void)[] = [
  (storage) => put(storage, "one.new", "1"),
  (storage) => storage.rename("one.new", "one"),
  (storage) => put(storage, "two.new", "2"),
  (storage) => storage.rename("two.new", "one"),
  (storage) => put(storage, "three", "3"),
  (storage) => storage.remove("one"),
  (storage) => storage.keepAside("three"),
  (storage) => put(storage, "one.new", "4"),
  (storage) => storage.rename("one.new", "three"),
];

/** Runs the steps; returns the states after each of them, and how many calls each had needed. */
async function states(folder: FakeFolder, storage: Storage) {
  const found = [{ calls: folder.calls, there: contents(storage) }];
  for (const step of STEPS) {
    step(storage);
    storage.syncNames();
    found.push({ calls: folder.calls, there: contents(storage) });
  }
  return found;
}

/** What a cut within a step may leave besides: files that were being made. */
function expected(state: Record<string, string>): Record<string, string> {
  const whole = Object.entries(state).filter(([name]) => !name.endsWith(".new"));
  return Object.fromEntries(whole);
}

describe.each([
  ["the end of the worker", false],
  ["the loss of power", true],
])("%s", (_what, power) => {
  test("at any call leaves the state before or behind a step, and never half of one", async () => {
    const whole = new FakeFolder();
    const all = await states(whole, await opfsStorage(whole));
    const first = all[0].calls;
    const last = all.at(-1)?.calls as number;
    expect(last - first).toBeGreaterThan(30);
    for (let at = first + 1; at <= last; at++) {
      for (const tornAfter of [0, 1, 100, 511]) {
        const folder = new FakeFolder();
        const storage = await opfsStorage(folder);
        folder.endsAt = at;
        folder.tornAfter = tornAfter;
        await expect(states(folder, storage)).rejects.toThrow(Gone);
        const left = expected(contents(await opfsStorage(folder.after(power))));
        const index = all.findIndex(({ calls }) => calls >= at);
        const [before, behind] = [all[index - 1].there, all[index].there].map(expected);
        // A file that is made may be there before its bytes are.
        const begun = Object.fromEntries(
          Object.entries(behind).map(([name, text]) => [name, name in before ? text : ""]),
        );
        expect([before, behind, begun]).toContainEqual(left);
      }
    }
  });

  test("within the first headers of all leaves an empty storage", async () => {
    const whole = new FakeFolder();
    await opfsStorage(whole);
    for (let at = 1; at <= whole.calls; at++) {
      const folder = new FakeFolder();
      folder.endsAt = at;
      folder.tornAfter = 200;
      await expect(opfsStorage(folder)).rejects.toThrow(Gone);
      const storage = await opfsStorage(folder.after(power));
      expect(storage.list()).toEqual([]);
      put(storage, "a", "one");
      expect(contents(storage)).toEqual({ a: "one" });
    }
  });
});
