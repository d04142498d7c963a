// Compare: our tools and Debian's say the same, byte for byte, to the same store.
// Holds   the runs of every case against the C daemon and against ours.
// Never   expects a text of its own.
// Source  the XenStore command line.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStore } from "../../hosts/node/address.ts";
import { Client, formatPerm } from "../../hosts/shared/client.ts";
import { type Peer, startC, startOurs, unavailable } from "../peers/peer.ts";
import * as cases from "./cases.ts";
import {
  bundleMissing,
  type Call,
  debianControlMissing,
  debianMissing,
  runBuilt,
  runDebian,
  runOurs,
} from "./tools.ts";

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "xs-tools-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Makes the tree that a case starts from. */
async function reset(client: Client): Promise<void> {
  // All at once: requests are served in the order they are made.
  await Promise.all([
    client.mkdir("/local/domain/0"),
    client.rm("/t"),
    client.rm("rel"),
    client.setPerms("/", [{ access: "n", domid: 0 }]),
    ...cases.TREE.map(([path, value]) => client.write(path, Buffer.from(value, "latin1"))),
  ]);
}

/** A run's texts without the number of changes stored so far, which only grows. */
function steady(run: unknown): unknown {
  return JSON.parse(JSON.stringify(run).replace(/\(\d+ changes\)/g, "(N changes)"));
}

/** Every node below `path` with value and permissions, as lines. */
async function dump(client: Client, path: string): Promise<string[]> {
  const [value, perms, names] = await Promise.all([
    client.read(path),
    client.getPerms(path),
    client.directory(path),
  ]);
  const shown = `${path} ${Buffer.from(value).toString("latin1")} ${perms.map(formatPerm)}`;
  const below = names.map((name) => dump(client, `${path}/${name}`.replace("//", "/")));
  return [shown, ...(await Promise.all(below)).flat()];
}

describe.each([
  { name: "the C daemon", kind: "c", start: startC },
  { name: "our daemon", kind: "ours", start: startOurs },
] as const)("on $name", ({ kind, start }) => {
  const missing = debianMissing() ?? unavailable(kind);
  if (missing !== null) {
    it.skip(`our tools and Debian's give the same answers (left out: ${missing})`, () => {});
    return;
  }
  let peer: Peer;
  let client: Client;
  let env: NonNullable<Call["env"]>;
  beforeAll(async () => {
    peer = await start(join(dir, kind));
    env = { XENSTORED_PATH: peer.socket };
    client = new Client(await openStore({ XENSTORED_PATH: peer.socket }));
  });
  afterAll(async () => {
    client?.close();
    await peer?.stop();
  });

  /** Runs Debian's and ours from the same state; what they say and leave must be the same. */
  async function same(call: Call, ours: (call: Call) => Promise<unknown> = runOurs) {
    await reset(client);
    const theirs = await runDebian({ env, ...call });
    const left = await dump(client, "/");
    await reset(client);
    expect(steady(await ours({ env, ...call })), call.argv.join(" ")).toEqual(steady(theirs));
    expect(await dump(client, "/"), call.argv.join(" ")).toEqual(left);
  }
  async function allSame(list: readonly string[]) {
    for (const line of list) await same({ argv: cases.words(line) });
  }

  it("options and usage texts are the same", () => allSame(cases.USAGE));
  it("each command takes and refuses the same options", () => allSame(cases.MATRIX));
  it("read, list, exists and ls print the same", () => allSame(cases.READ));
  it("write, rm and chmod say and leave the same", () => allSame(cases.CHANGE));
  it("watch prints the same", () => allSame(cases.WATCH));
  it("a watch without end prints the same", async () => {
    for (const [line, lines] of cases.ENDLESS) await same({ argv: cases.words(line), lines });
  });
  it("ls prints the same at every width of a terminal", async () => {
    for (const columns of [3, 10, 11, 40, 61, 62, 63, 80, 250]) {
      for (const options of [["/t"], ["-p", "/t"], ["-fp", "/t"]]) {
        await same({ argv: ["xenstore-ls", ...options], columns });
      }
    }
  });

  const noControl = debianControlMissing();
  it.skipIf(noControl !== null)(
    `control says the same${noControl === null ? "" : ` (left out: ${noControl})`}`,
    () => allSame(cases.CONTROL),
  );

  const noBundle = bundleMissing();
  it.skipIf(noBundle !== null)(
    `the built tools say the same${noBundle === null ? "" : ` (left out: ${noBundle})`}`,
    async () => {
      const built = (call: Call) => runBuilt(call, join(dir, "bin"));
      const every = [cases.USAGE, cases.READ, cases.CHANGE, cases.WATCH].flat();
      // A process of ours takes a while to start: every 20th case, and what only they can show.
      for (const line of every.filter((_line, i) => i % 20 === 0)) {
        await same({ argv: cases.words(line) }, built);
      }
      await same({ argv: ["xenstore-read", "/t/\xff", "/t/a"] }, built);
      await same({ argv: ["xenstore-write", "/t/a", "\xff\xc3"] }, built);
      await same({ argv: ["xenstore-ls", "-p", "/t"], columns: 50 }, built);
      await same({ argv: ["xenstore-watch", "/t", "rel"], lines: 2 }, built);
    },
  );
});

describe("without a daemon", () => {
  const missing = debianMissing();
  if (missing !== null) {
    it.skip(`our tools and Debian's fail alike (left out: ${missing})`, () => {});
    return;
  }
  it("each tool says the same about every wrong place", async () => {
    await leaveDeadSocket(join(dir, "dead"));
    for (const place of cases.PLACES) {
      const env = Object.fromEntries(
        Object.entries(place).map(([name, value]) => [name, value.replace("%d", dir)]),
      );
      for (const tool of ["read", "list", "ls", "exists", "rm", "write", "chmod", "watch"]) {
        const call: Call = { argv: [`xenstore-${tool}`, "/a", "b"], env };
        expect(await runOurs(call), JSON.stringify(call)).toEqual(await runDebian(call));
      }
      if (debianControlMissing() !== null) continue;
      for (const args of [[], ["check"], ["live-update"]]) {
        const call: Call = { argv: ["xenstore-control", ...args], env };
        expect(await runOurs(call), JSON.stringify(call)).toEqual(await runDebian(call));
      }
    }
  });
  it("a plain file in the store's place is refused and left alone", async () => {
    const file = join(dir, "plain");
    await writeFile(file, "precious");
    const call: Call = { argv: ["xenstore-write", "/a", "b"], env: { XENSTORED_PATH: file } };
    expect(await runOurs(call)).toEqual({
      out: "",
      err: "xenstore-write: xs_open: Socket operation on non-socket\n",
      exit: 1,
    });
  });
});

/** A socket's file that nobody listens on any more. */
async function leaveDeadSocket(path: string): Promise<void> {
  const other = `${path}.link`;
  const server = net.createServer();
  await new Promise<void>((ready) => server.listen(other, ready));
  const { rename } = await import("node:fs/promises");
  // Closing removes the name the socket was made with; under its new name it stays.
  await rename(other, path);
  await new Promise((closed) => server.close(closed));
}
