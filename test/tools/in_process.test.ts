// In process: the tools within a program: on streams, printing text, ended by a signal.
// Holds   what xenstore/tools adds to the tools; that it changes nothing else.
// Never   opens a socket.
// Source  hosts/shared/cli/run.ts; POSIX, Shell Command Language.

import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { openClient } from "../../hosts/client/client.ts";
import { XenstoreError } from "../../hosts/client/errors.ts";
import type { Store } from "../../hosts/embed/api.ts";
import {
  type ByteStream,
  COMMANDS,
  clientStream,
  runTool,
  splitWords,
  type ToolFiles,
  type ToolOptions,
} from "../../hosts/entry/tools.ts";
import { randomOf } from "../../hosts/testing/random.ts";
import { open } from "../embed/open.ts";
import * as cases from "./cases.ts";
import { runOurs } from "./tools.ts";

/** Runs a command line. */
async function run(argv: readonly string[], options: Partial<ToolOptions>) {
  let out = "";
  let err = "";
  const exit = await runTool(argv, {
    connect: () => {
      throw new Error("no connection is needed");
    },
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    ...options,
  });
  return { out, err, exit };
}

const on = (store: Store, domid?: number) => ({
  connect: () => store.stream(domid === undefined ? {} : { domid }),
});

/** Files by name. */
function filesOf(files: Map<string, Uint8Array>): ToolFiles {
  return {
    read: async (name) => files.get(name),
    write: async (name, bytes) => void files.set(name, bytes),
  };
}

const utf8 = (text: string) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(latin1(text));
const latin1 = (text: string) => Buffer.from(text, "latin1");

describe("a tool in a program", () => {
  it("prints, says and returns what the command line does", async () => {
    const [mine, other] = await Promise.all([open({ seed: 1 }), open({ seed: 1 })]);
    for (const store of [mine, other]) {
      for (const [path, value] of cases.TREE) await store.client.write(path, latin1(value));
    }
    const plain = (line: string) => !/%[89a-f][0-9a-f]/.test(line);
    const all = [cases.USAGE, cases.MATRIX, cases.READ, cases.WATCH, cases.CHANGE].flat();
    const lines = all.filter(plain);
    for (const line of lines) {
      const argv = cases.words(line);
      const got = await run(argv, on(mine));
      const wanted = await runOurs({ argv }, other.stream({}));
      const { out, err } = wanted;
      expect(got, line).toEqual({ ...wanted, out: utf8(out), err: utf8(err) });
    }
    expect(await mine.hash()).toBe(await other.hash());
    expect(lines.length).toBeGreaterThan(300);
  });

  it("leaves no connection behind, whatever it is", async () => {
    const store = await open();
    const { connections } = store.stats();
    await run(["xenstore", "ls"], on(store));
    await run(["xenstore-control", "help"], on(store));
    await run(["xenstore", "read", "/none"], on(store));
    expect(store.stats().connections).toBe(connections);
  });

  it("speaks as the domain whose connection it is given", async () => {
    const store = await open();
    await store.asDomain(7);
    expect(await run(["xenstore-write", "data", "1"], on(store, 7))).toMatchObject({ exit: 0 });
    expect(await store.client.read("/local/domain/7/data")).toBe("1");
    const { err, exit } = await run(["xenstore-write", "/tool/a", "1"], on(store, 7));
    expect({ err, exit }).toEqual({
      err: "xenstore-write: could not write path /tool/a\n",
      exit: 1,
    });
  });

  it("takes and prints text, also where a character comes in two values", async () => {
    const store = await open();
    const written = await run(["xenstore-write", "/a", "höst € 𝄞"], on(store));
    expect(written.exit).toBe(0);
    expect(await store.client.read("/a")).toBe("höst € 𝄞");
    expect((await run(["xenstore-read", "-R", "/a"], on(store))).out).toBe("höst € 𝄞");
    await store.client.write("/1", Uint8Array.of(0x61, 0xe2, 0x82));
    await store.client.write("/2", Uint8Array.of(0xac));
    expect((await run(["xenstore-read", "-R", "/1", "/2"], on(store))).out).toBe("a€");
    expect((await run(["xenstore-read", "-R", "/1"], on(store))).out).toBe("a\ufffd");
  });

  it("cuts lines for the terminal that it is told of", async () => {
    const store = await open();
    await store.client.write("/t/long", "x".repeat(100));
    const argv = ["xenstore-ls", "/t"];
    const cut = await run(argv, { ...on(store), columns: 40 });
    expect(cut.out).toMatch(/^long = "x{26}\\\.\.\."\n$/);
    // Without one there are 80, as on the command line.
    expect((await run(argv, on(store))).out).toMatch(/^long = "x{68}\\\.\.\."\n$/);
  });

  it("knows all the names that it gives", async () => {
    const store = await open();
    for (const name of COMMANDS) {
      const { err } = await run(
        [`xenstore-${name}`, ...(name === "ls" ? ["/none"] : [])],
        on(store),
      );
      expect(err, name).not.toMatch(/unknown mode/);
    }
    expect((await run(["xenstore", "nothing"], {})).err).toMatch(/unknown mode nothing/);
    expect(COMMANDS).toContain("control");
  });

  it("tells that there is no store as the tools do, and passes other errors on", async () => {
    const refuse = () => Promise.reject(new XenstoreError("ECONNREFUSED"));
    expect(await run(["xenstore", "ls"], { connect: refuse })).toMatchObject({
      err: "xenstore: xs_open: Connection refused\n",
      exit: 1,
    });
    await expect(run(["xenstore", "ls"], {})).rejects.toThrow("no connection is needed");
    expect((await run([], {})).err).toBe("xenstore: Usage: xenstore <mode> [-h] [...]\n");
  });
});

describe("files", () => {
  it("are read and written by their names, and appear as a whole", async () => {
    const store = await open();
    await store.client.write("/t/a", "höst");
    const files = new Map<string, Uint8Array>();
    const options = { ...on(store), files: filesOf(files) };
    for (const command of ["dump", "export"]) {
      const argv = ["xenstore", command, "--prefix", "/t", `${command} ä`];
      expect(await run(argv, options)).toMatchObject({ out: "", err: "", exit: 0 });
    }
    expect([...files.keys()]).toEqual(["dump ä", "export ä"]);
    for (const [command, name] of [
      ["restore", "dump ä"],
      ["import", "export ä"],
    ]) {
      await store.client.rm("/t");
      const done = await run(["xenstore", command as string, name as string], options);
      expect(done).toMatchObject({ err: "", exit: 0 });
      expect(await store.client.read("/t/a")).toBe("höst");
    }
    const none = await run(["xenstore-restore", "nothing"], options);
    expect(none.err).toBe("xenstore-restore: nothing can't be read: No such file or directory\n");
  });

  it("are none by default, and there is no standard input", async () => {
    const store = await open();
    expect(await run(["xenstore-dump", "x"], on(store))).toMatchObject({
      err: "xenstore-dump: x can't be written: Read-only file system\n",
      exit: 1,
    });
    expect((await run(["xenstore-restore", "x"], on(store))).err).toMatch(/No such file/);
    expect(await run(["xenstore-import"], on(store))).toMatchObject({
      err: "xenstore-import: there is no standard input here; name a file\n",
      exit: 1,
    });
  });

  it("an export is printed, a dump is not: it is no text", async () => {
    const store = await open();
    await store.client.write("/t/a", "höst");
    const { out, exit } = await run(["xenstore-export", "--prefix", "/t"], on(store));
    expect(exit).toBe(0);
    expect(JSON.parse(out).nodes[1]).toMatchObject({ path: "/t/a", value: "höst" });
    expect(await run(["xenstore-dump", "-"], on(store))).toMatchObject({
      out: "",
      err: "xenstore-dump: what is written is no text here; name a file\n",
      exit: 1,
    });
  });

  it("that fail are told by name", async () => {
    const store = await open();
    const failing: ToolFiles = {
      read: () => Promise.reject(new Error("not today")),
      write: async () => {
        throw new Error("it is full");
      },
    };
    const options = { ...on(store), files: failing };
    const read = await run(["xenstore-restore", "a.dump"], options);
    expect(read.err).toBe("xenstore-restore: a.dump can't be read: not today\n");
    const written = await run(["xenstore-dump", "a.dump"], options);
    expect(written.err).toBe("xenstore-dump: a.dump can't be written: it is full\n");
    const code = { ...failing, write: () => Promise.reject(new XenstoreError("ENOSPC")) };
    const full = await run(["xenstore-dump", "a.dump"], { ...options, files: code });
    expect(full.err).toBe("xenstore-dump: a.dump can't be written: No space left on device\n");
  });
});

describe("a signal", () => {
  it("ends a watch that waits, and its connection with it", async () => {
    const store = await open();
    const { connections } = store.stats();
    const stop = new AbortController();
    let heard = () => {};
    const first = new Promise<void>((resolve) => {
      heard = resolve;
    });
    const watching = run(["xenstore", "watch", "/t"], {
      ...on(store),
      signal: stop.signal,
      out: heard,
    });
    await first;
    expect(store.stats().connections).toBe(connections + 1);
    stop.abort();
    expect(await watching).toMatchObject({ err: "", exit: 130 });
    expect(store.stats().connections).toBe(connections);
  });

  it("that has spoken before keeps it from beginning", async () => {
    const signal = AbortSignal.abort();
    expect(await run(["xenstore", "ls"], { signal })).toMatchObject({ out: "", exit: 130 });
  });

  it("ends it while it still connects; what comes then is closed", async () => {
    const store = await open();
    const { connections } = store.stats();
    const stop = new AbortController();
    let connected: (stream: ByteStream) => void = () => {};
    const connect = () =>
      new Promise<ByteStream>((resolve) => {
        connected = resolve;
      });
    const running = run(["xenstore", "ls"], { connect, signal: stop.signal });
    stop.abort();
    expect(await running).toMatchObject({ out: "", err: "", exit: 130 });
    connected(store.stream({}));
    await new Promise((resolve) => setTimeout(resolve));
    expect(store.stats().connections).toBe(connections);
  });

  it("keeps a file from being written", async () => {
    const store = await open();
    const files = new Map<string, Uint8Array>();
    const stop = new AbortController();
    const connect = () => {
      queueMicrotask(() => stop.abort());
      return store.stream({});
    };
    const options = { connect, files: filesOf(files), signal: stop.signal };
    expect(await run(["xenstore-dump", "x"], options)).toMatchObject({ err: "", exit: 130 });
    await new Promise((resolve) => setTimeout(resolve));
    expect(files.size).toBe(0);
    expect(store.stats().transactions).toBe(0);
  });
});

describe("on the connection of a guest", () => {
  it("tools run at the same time, each with what is its own", async () => {
    const store = await open();
    const guest = await store.guest(7);
    const connect = () => clientStream(guest.client);
    const stop = new AbortController();
    let seen = "";
    const watching = runTool(["xenstore", "watch", "data"], {
      connect,
      out: (text) => {
        seen += text;
        if (seen.endsWith("data/b\n")) stop.abort();
      },
      err: () => {},
      signal: stop.signal,
    });
    const write = await run(["xenstore", "write", "data/a", "1", "data/b", "2"], { connect });
    expect(write).toMatchObject({ err: "", exit: 0 });
    const read = await run(["xenstore", "read", "data/a", "data/b", "data/c"], { connect });
    expect(read).toMatchObject({ err: "xenstore: couldn't read path data/c\n", exit: 1 });
    const ls = await run(["xenstore-ls", "-fp", "data"], { connect });
    expect(ls.out).toBe('data/a = "1"   (n7)\ndata/b = "2"   (n7)\n');
    expect(await watching).toBe(130);
    expect(seen).toMatch(/^data\n(data.*\n)*data\/b\n$/);
    expect(await run(["xenstore-control", "check"], { connect })).toMatchObject({ exit: 3 });
    // The guest's own client goes on, and nothing of the tools is left.
    await guest.client.read("data/a");
    expect(store.stats()).toMatchObject({ transactions: 0, watches: 0 });
  });

  it("the guest's own client is not bothered by a backup and its restoration", async () => {
    const store = await open();
    const guest = await store.guest(7);
    const options = { connect: () => clientStream(guest.client), files: filesOf(new Map()) };
    await Promise.all(Array.from({ length: 300 }, (_, n) => guest.client.write(`data/n${n}`, n)));
    const home = "/local/domain/7/data";
    const saved = await run(["xenstore-dump", "--prefix", home, "x"], options);
    expect(saved).toMatchObject({ err: "", exit: 0 });
    const hash = await store.hash();
    await guest.client.rm("data");
    expect(await run(["xenstore-restore", "x"], options)).toMatchObject({ err: "", exit: 0 });
    expect(await store.hash()).toBe(hash);
  });

  it("a tool ends with the client", async () => {
    const store = await open();
    const client = await openClient({
      name: "here",
      reconnects: false,
      open: async () => store.stream({}),
    });
    let heard = () => {};
    const first = new Promise<void>((resolve) => {
      heard = resolve;
    });
    const connect = () => clientStream(client);
    const watching = run(["xenstore-watch", "/t"], { connect, out: heard });
    await first;
    await client.close();
    expect(await watching).toMatchObject({
      err: "xenstore-watch: connection to the store lost: Bad file descriptor\n",
      exit: 1,
    });
  });
});

describe("words", () => {
  it.each([
    ["", []],
    [" \t ", []],
    ["xenstore  ls -fp ", ["xenstore", "ls", "-fp"]],
    ["write /a 'it is' \"so it\"", ["write", "/a", "it is", "so it"]],
    ["a''b \"\" ''", ["ab", "", ""]],
    ["a\\ b \\'", ["a b", "'"]],
    ['\'a\\b\' "a\\b\\"\\\\\\$"', ["a\\b", 'a\\b"\\$']],
    ['a\\\nb "c\\\nd" e\nf', ["ab", "cd", "e", "f"]],
    ["end\\", ["end\\"]],
    ["é$x *~", ["é$x", "*~"]],
  ])("%j are %j", (line, wanted) => expect(splitWords(line)).toEqual(wanted));

  it.each(["'a", 'b "a', "a'b'\"c'"])("%j has an open quote", (line) => {
    expect(() => splitWords(line)).toThrow(/^the quote ['"] at position \d+ is not closed$/);
  });

  const shell = spawnSync("sh", ["-c", "printf x"], { encoding: "utf8" }).stdout === "x";
  it.skipIf(!shell)(`are those of a shell${shell ? "" : " (left out: no sh)"}`, () => {
    const lines: string[] = [];
    const letters = ["a", " ", "'", '"', "\\", "\\", "b"];
    const random = randomOf(1);
    while (lines.length < 400) {
      const line = Array.from({ length: 8 }, () => letters[Math.floor(random() * 7)]).join("");
      if (!isOpen(line) && !line.endsWith("\\")) lines.push(line);
    }
    const script = lines.map((line) => `set -- ${line}\nprintf '%s|' "$@"; echo`).join("\n");
    const { stdout } = spawnSync("sh", { input: script, encoding: "utf8" });
    const wanted = lines.map((line) => {
      const words = splitWords(line);
      return words.length === 0 ? "|" : words.map((word) => `${word}|`).join("");
    });
    expect(stdout.split("\n").slice(0, -1)).toEqual(wanted);
    expect(new Set(lines).size).toBeGreaterThan(300);
  });
});

function isOpen(line: string): boolean {
  try {
    splitWords(line);
    return false;
  } catch {
    return true;
  }
}
