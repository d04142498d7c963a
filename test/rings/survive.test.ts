// Survive: a daemon that is killed and started again, with guests of a simulated machine.
// Holds   a daemon for each test, in a folder of its own.
// Never   waits for a time: what a guest or a program says is waited for.
// Source  the XenStore protocol, ring and domains; "Life of a restart" in ARCHITECTURE.md.

import fs from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { SimMachine } from "../../hosts/node/machine_sim.ts";
import { Caller, Daemon, release, TRANSPORTS, temporaryFolder } from "../host/rig.ts";
import { FileGuest, setState } from "./files.ts";

afterAll(release);

const HOME = "/local/domain/3";
const GONE = "ENOENT\0";

class Site {
  readonly folder = temporaryFolder();
  readonly machine = path.join(this.folder, "guests");
  readonly #transport: string;
  #daemon: Daemon | null = null;

  constructor(transport: string) {
    this.#transport = transport;
  }

  async start(): Promise<void> {
    const args = ["--simulate", this.machine, "--transport", this.#transport];
    const env = { XENSTORED_ROOTDIR: path.join(this.folder, "lib") };
    this.#daemon = await new Daemon(this.folder, args, env).ready();
  }

  async kill(): Promise<void> {
    this.#daemon?.signal("SIGKILL");
    await this.#daemon?.ended;
  }

  async ask(type: string, payload: string): Promise<string> {
    const caller = await Caller.open((this.#daemon as Daemon).socket);
    const answer = await caller.ask(type, payload);
    caller.close();
    return answer;
  }

  /** A guest that has written a node. */
  async guest(): Promise<FileGuest> {
    const guest = new FileGuest(this.machine, 3);
    expect(await this.ask("INTRODUCE", "3\x001\x005\0")).toBe("OK\0");
    expect(await this.ask("MKDIR", `${HOME}\0`)).toBe("OK\0");
    expect(await this.ask("SET_PERMS", `${HOME}\0n3\0`)).toBe("OK\0");
    expect((await guest.ask("WRITE", "name\0before")).payload).toBe("OK\0");
    return guest;
  }
}

describe.each(TRANSPORTS)("over %s%s", (transport, leftOut) => {
  it.skipIf(leftOut)("a guest goes on, and what it asked meanwhile is answered", async () => {
    const site = new Site(transport);
    await site.start();
    const guest = await site.guest();
    expect((await guest.ask("WATCH", "name\0t\0")).payload).toBe("OK\0");
    await site.kill();
    const answer = guest.ask("WRITE", "name\0meanwhile", 77);
    await site.start();
    expect((await answer).payload).toBe("OK\0");
    expect(await site.ask("READ", `${HOME}/name\0`)).toBe("meanwhile");
    expect(guest.messages.map(({ payload }) => payload)).toEqual(["name\0t\0", "name\0t\0"]);
    guest.close();
  });

  it.skipIf(leftOut)("a domain that died meanwhile leaves nothing behind", async () => {
    const site = new Site(transport);
    await site.start();
    const guest = await site.guest();
    await site.kill();
    setState(site.machine, 3, "dying");
    guest.close();
    await site.start();
    expect(await site.ask("READ", `${HOME}/name\0`)).toBe(GONE);
    expect(await site.ask("IS_DOMAIN_INTRODUCED", "3\0")).toBe("F\0");
  });

  it.skipIf(leftOut)("a domain that shut down meanwhile is told of", async () => {
    const site = new Site(transport);
    await site.start();
    const guest = await site.guest();
    expect(await site.ask("SET_PERMS", "@releaseDomain\0n0\0r3\0")).toBe("OK\0");
    expect((await guest.ask("WATCH", "@releaseDomain\0t\0")).payload).toBe("OK\0");
    await site.kill();
    setState(site.machine, 3, "shutdown");
    await site.start();
    await guest.ask("READ", "name\0");
    const heard = guest.messages.map(({ payload }) => payload);
    expect(heard).toEqual(["@releaseDomain\0t\0", "@releaseDomain\0t\0"]);
    guest.close();
  });

  it.skipIf(leftOut)("a machine in another folder has none of the domains", async (test) => {
    const site = new Site(transport);
    await site.start();
    const guest = await site.guest();
    const identity = new SimMachine(site.machine, null, null).identity(3);
    if (identity === 0) test.skip("this file system does not tell when a file was made");
    await site.kill();
    guest.close();
    fs.renameSync(site.machine, `${site.machine}.old`);
    await site.start();
    expect(await site.ask("READ", `${HOME}/name\0`)).toBe(GONE);
    const next = await site.guest();
    expect((await next.ask("READ", "name\0")).payload).toBe("before");
    next.close();
  });

  it.skipIf(leftOut)("a domain whose page is another one is another domain", async (test) => {
    const site = new Site(transport);
    await site.start();
    const page = path.join(site.machine, "ring-3");
    const machine = new SimMachine(site.machine, null, null);
    const first = new FileGuest(site.machine, 3);
    const identity = machine.identity(3);
    if (identity === 0) test.skip("this file system does not tell when a file was made");
    first.close();
    const guest = await site.guest();
    expect(machine.identity(3)).toBe(identity);
    await site.kill();
    guest.close();
    fs.renameSync(page, `${page}.old`);
    new FileGuest(site.machine, 3).close();
    await site.start();
    expect(await site.ask("READ", `${HOME}/name\0`)).toBe(GONE);
    expect(await site.ask("IS_DOMAIN_INTRODUCED", "3\0")).toBe("F\0");
  });
});
