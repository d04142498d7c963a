// Simulated machine: the daemon with guests that are files, and the tools that play them.
// Holds   a daemon for each test, in a folder of its own.
// Never   waits for a time: what a guest or a program says is waited for.
// Source  our own; the XenStore protocol, ring and domains.

import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { Caller, Daemon, Program, release, run, TRANSPORTS, temporaryFolder } from "../host/rig.ts";
import type { Received } from "../hub.ts";
import { play, type Stage } from "../play.ts";
import { SocketStage } from "../sockets.ts";
import type { Transcript } from "../transcript.ts";
import { readTranscripts } from "../transcripts.ts";
import { FileGuest, raise, record, setState } from "./files.ts";
import { isForRings } from "./stage.ts";

const TOOL = path.resolve("build/hosts/xenstore.mjs");
/** A domain that nobody talks about: its ring shows what has been done before. */
const FENCE = 1000;
const FENCE_ID = 0xfe4ce;

afterAll(release);

type Site = { daemon: Daemon; machine: string; env: NodeJS.ProcessEnv };

async function site(...args: string[]): Promise<Site> {
  const folder = temporaryFolder();
  const machine = path.join(folder, "guests");
  const daemon = await new Daemon(folder, ["--simulate", machine, ...args]).ready();
  return { daemon, machine, env: { XENSTORED_PATH: daemon.socket } };
}

const tool = (env: NodeJS.ProcessEnv, ...args: string[]) => run([TOOL, ...args], env);

async function introduced(at: Site, domid: number): Promise<FileGuest> {
  const guest = new FileGuest(at.machine, domid);
  const dom0 = await Caller.open(at.daemon.socket);
  expect(await dom0.ask("INTRODUCE", `${domid}\0${1}\0${5}\0`)).toBe("OK\0");
  expect(await dom0.ask("MKDIR", `/local/domain/${domid}\0`)).toBe("OK\0");
  expect(await dom0.ask("SET_PERMS", `/local/domain/${domid}\0n${domid}\0`)).toBe("OK\0");
  dom0.close();
  return guest;
}

for (const [transport, leftOut] of TRANSPORTS)
  describe.skipIf(leftOut !== "")(`over ${transport}${leftOut}`, () => {
    it("the walk of the tutorial works, one command each", async () => {
      const { daemon, env } = await site("--transport", transport);
      const said = async (...args: string[]) => (await tool(env, ...args)).out;
      expect((await tool(env, "write", "/local/domain/19/key", "1")).code).toBe(0);
      expect(await said("--domain", "19", "read", "key")).toBe("1\n");
      expect((await tool(env, "--domain", "19", "write", "key", "3")).code).toBe(0);
      expect(await said("read", "/local/domain/19/key")).toBe("3\n");
      expect(await said("--domain=19", "read", "domid")).toBe("19\n");
      expect((await tool(env, "--domain", "19", "read", "/vm")).err).toContain("couldn't read");
      await daemon.stop();
    });

    it("a watch on either side fires", async () => {
      const { daemon, env } = await site("--transport", transport);
      await tool(env, "--domain", "19", "write", "key", "0");
      const guest = new Program(process.execPath, [TOOL, "--domain", "19", "watch", "key"], env);
      await guest.says(/^key\n$/);
      await tool(env, "write", "/local/domain/19/key", "1");
      await guest.says(/^key\nkey\n$/);
      guest.signal("SIGTERM");
      await guest.ended;
      const host = new Program(process.execPath, [TOOL, "watch", "/local/domain/19/key"], env);
      await host.says(/^\/local\/domain\/19\/key\n$/);
      await tool(env, "--domain", "19", "write", "key", "2");
      await host.says(/^(\/local\/domain\/19\/key\n){2}$/);
      host.signal("SIGTERM");
      await host.ended;
      await daemon.stop();
    });

    it("a domain that dies is told of, and its number works again", async () => {
      const at = await site("--transport", transport);
      const guest = await introduced(at, 3);
      await guest.ask("WRITE", "a\0v");
      guest.close();
      const host = new Program(process.execPath, [TOOL, "watch", "@releaseDomain"], at.env);
      await host.says(/^@releaseDomain\n$/);
      setState(at.machine, 3, "shutdown");
      await host.says(/^(@releaseDomain\n){2}$/);
      setState(at.machine, 3, "dying");
      await host.says(/^(@releaseDomain\n){3}$/);
      expect((await tool(at.env, "exists", "/local/domain/3/a")).code).toBe(1);
      const refused = await tool(at.env, "--domain", "3", "read", "a");
      expect(refused.code).toBe(1);
      expect(refused.err).toMatch(/^xenstore: domain 3: it can't be introduced: .*dom-3\n$/);
      setState(at.machine, 3, "");
      expect((await tool(at.env, "--domain", "3", "read", "domid")).out).toBe("3\n");
      host.signal("SIGTERM");
      await host.ended;
      await at.daemon.stop();
    });

    it("rubbish in the pipe costs nobody an event", async () => {
      const at = await site("--transport", transport);
      const guest = await introduced(at, 3);
      for (const rubbish of [
        Uint8Array.of(1),
        record(3).subarray(0, 5),
        record(99),
        record(3, 77),
      ]) {
        raise(at.machine, rubbish);
        expect((await guest.ask("GET_DOMAIN_PATH", "3\0")).payload).toBe("/local/domain/3\0");
      }
      raise(at.machine, new Uint8Array(60_000).fill(0xff));
      expect((await guest.ask("GET_DOMAIN_PATH", "3\0")).payload).toBe("/local/domain/3\0");
      guest.close();
      await at.daemon.stop();
    });

    it("a page that is cut short or put in place of another ends nothing", async () => {
      const at = await site("--transport", transport);
      const guest = await introduced(at, 3);
      const other = await introduced(at, 5);
      for (let i = 0; i < 20; i++) {
        fs.truncateSync(guest.file, (i * 511) % 4096);
        raise(at.machine, record(3));
        expect((await other.ask("GET_DOMAIN_PATH", "5\0")).payload).toBe("/local/domain/5\0");
      }
      fs.rmSync(guest.file);
      fs.mkdirSync(guest.file);
      const dom0 = await Caller.open(at.daemon.socket);
      await dom0.ask("RELEASE", "3\0");
      expect(await dom0.ask("INTRODUCE", "3\0 1\0 5\0".replaceAll(" ", ""))).toBe("EINVAL\0");
      expect((await other.ask("GET_DOMAIN_PATH", "5\0")).payload).toBe("/local/domain/5\0");
      for (const one of [guest, other, dom0]) one.close();
      await at.daemon.stop();
    });

    it("a guest that never takes its events is no reason to wait", async () => {
      const at = await site("--transport", transport);
      const guest = await introduced(at, 3);
      guest.close();
      const other = await introduced(at, 5);
      const dom0 = await Caller.open(at.daemon.socket);
      // Each is an event for it, and none is ever taken out of its pipe.
      for (let i = 0; i < 20_000; i++) dom0.send("INTRODUCE", "3\0x\x005\0".replace("x", "1"));
      expect((await dom0.take(20_000)).every((message) => message.payload === "OK\0")).toBe(true);
      expect((await other.ask("GET_DOMAIN_PATH", "5\0")).payload).toBe("/local/domain/5\0");
      other.close();
      dom0.close();
      await at.daemon.stop();
    });
  });

describe("the tool as a guest says what is in the way", () => {
  it.each([
    ["no number", ["--domain", "x", "ls"], /"x" is not allowed, but a domid from 1 to 32751/],
    ["domain 0", ["--domain=0", "ls"], /"0" is not allowed/],
    ["a number too large", ["--domain", "32752", "ls"], /"32752" is not allowed/],
    ["nothing behind", ["--domain"], /"" is not allowed/],
  ])("%s", async (_what, args, text) => {
    const { code, err } = await tool({}, ...args);
    expect(code).toBe(1);
    expect(err).toMatch(text);
  });

  it("no store", async () => {
    const env = { XENSTORED_PATH: path.join(temporaryFolder(), "socket") };
    expect((await tool(env, "--domain", "19", "ls")).err).toContain("no store answers at");
  });

  it("no machine", async () => {
    const daemon = await new Daemon(temporaryFolder(), []).ready();
    const env = { XENSTORED_PATH: daemon.socket };
    expect((await tool(env, "--domain", "19", "ls")).err).toContain("no simulated machine at");
    await daemon.stop();
  });

  it("somebody else", async () => {
    const { daemon, env } = await site();
    const first = new Program(process.execPath, [TOOL, "--domain", "19", "watch", "domid"], env);
    await first.says(/^domid\n/);
    const { err } = await tool(env, "--domain", "19", "ls");
    expect(err).toContain(`process ${first.child.pid} acts as this domain already`);
    first.signal("SIGKILL");
    await first.ended;
    expect((await tool(env, "--domain", "19", "read", "domid")).out).toBe("19\n");
    await daemon.stop();
  });
});

/** A daemon with a simulated machine: dom0 through sockets, the guests through files. */
class FileStage implements Stage {
  #machine: string;
  #sockets: SocketStage;
  #guests = new Map<string, FileGuest>();
  #fence: FileGuest;

  constructor(at: Site, transcript: Transcript, fence: FileGuest) {
    this.#machine = at.machine;
    this.#sockets = new SocketStage(at.daemon.socket);
    this.#fence = fence;
    for (const line of transcript.lines) {
      const name = "conn" in line && /^dom[1-9]/.test(line.conn) ? line.conn : "";
      if (name && !this.#guests.has(name)) {
        this.#guests.set(name, new FileGuest(at.machine, Number(name.slice(3))));
      }
    }
  }

  async send(name: string, bytes: Uint8Array): Promise<void> {
    const guest = this.#guests.get(name);
    if (guest) guest.send(bytes);
    else await this.#sockets.send(name, bytes);
  }

  async host(words: string): Promise<void> {
    const [, domid, what] = /^domain (\d+) (dies|shuts down)$/.exec(words) ?? [];
    if (domid === undefined) throw new Error(`nothing happens at "host: ${words}"`);
    setState(this.#machine, Number(domid), what === "dies" ? "dying" : "shutdown");
    // Its event comes through the same pipe, behind; but an earlier one may have been on its way.
    for (let round = 0; round < 3; round++) {
      await this.#fence.ask("GET_DOMAIN_PATH", "1\0", FENCE_ID);
    }
    while (what === "dies" && (await this.#introduced(Number(domid))));
    fs.rmSync(path.join(this.#machine, `dom-${domid}`));
  }

  async collect(): Promise<Map<string, Received>> {
    // Twice, since what one causes for another may come after the other was asked.
    for (let round = 0; round < 2; round++) {
      await this.#fence.ask("GET_DOMAIN_PATH", "1\0", FENCE_ID);
      for (const guest of this.#guests.values()) await this.#settle(guest);
    }
    const news = await this.#sockets.collect();
    for (const guest of this.#guests.values()) await this.#settle(guest);
    for (const [name, guest] of this.#guests) {
      const messages = guest.messages.splice(0);
      if (messages.length > 0) news.set(name, { messages, closed: false });
    }
    return news;
  }

  close(): void {
    this.#sockets.close();
    for (const guest of this.#guests.values()) guest.close();
  }

  async #settle(guest: FileGuest): Promise<void> {
    if (!(await this.#introduced(guest.domid))) return;
    await guest.ask("GET_DOMAIN_PATH", "1\0", FENCE_ID);
  }

  async #introduced(domid: number): Promise<boolean> {
    const probe = await Caller.open(this.#socket);
    const known = await probe.ask("IS_DOMAIN_INTRODUCED", `${domid}\0`);
    probe.close();
    return known === "T\0";
  }

  get #socket(): string {
    return path.join(path.dirname(this.#machine), "socket");
  }
}

const spec = fileURLToPath(new URL("../spec", import.meta.url));

/** Time passes for a process as it likes, half a request can't be fenced. */
function isForFiles(transcript: Transcript): boolean {
  const { lines } = transcript;
  const told = lines.every((line) => line.kind !== "host" || /dies|shuts down/.test(line.words));
  return isForRings(transcript) && told && lines.every((line) => line.kind !== "raw");
}

describe.each(["scenarios.md", "domains.md"])("%s over the rings of files", (name) => {
  it.concurrent.each(
    readTranscripts(`${spec}/${name}`)
      .filter(isForFiles)
      .map((one): [string, Transcript] => [one.title, one]),
  )("%s", async (_title, transcript) => {
    const at = await site();
    const fence = await introduced(at, FENCE);
    const dom0 = await Caller.open(at.daemon.socket);
    await dom0.ask("RM", "/local\0");
    dom0.close();
    const stage = new FileStage(at, transcript, fence);
    try {
      await play(transcript, stage);
    } finally {
      stage.close();
      fence.close();
      await at.daemon.stop();
    }
  });
});
