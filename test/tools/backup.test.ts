// Backup: what is dumped or exported comes back, on our daemon and on Xen's.
// Holds   round trips between stores, of chosen and of random trees.
// Never   repeats what can be shown without a daemon.
// Source  docs/tools.md, Backup.

import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStore } from "../../hosts/node/address.ts";
import { Client, type Perm } from "../../hosts/shared/client.ts";
import { type Peer, startC, startOcaml, startOurs, unavailable } from "../peers/peer.ts";
import { bundleMissing, runBuilt, runOurs } from "./tools.ts";

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "xs-backup-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A store, with a client and our tools on it. */
class Place {
  readonly peer: Peer;
  readonly client: Client;

  private constructor(peer: Peer, client: Client) {
    this.peer = peer;
    this.client = client;
  }

  static async start(
    start: (dir: string, options?: { allDomains?: boolean }) => Promise<Peer>,
    name: string,
    options = {},
  ): Promise<Place> {
    const peer = await start(join(dir, name), options);
    return new Place(peer, new Client(await openStore({ XENSTORED_PATH: peer.socket })));
  }

  /** Runs a tool; it must succeed without a word. Returns the file it wrote. */
  async run(files: Map<string, Uint8Array>, ...argv: string[]): Promise<Uint8Array> {
    const done = await this.tool(files, ...argv);
    expect(done, argv.join(" ")).toEqual({ out: "", err: "", exit: 0 });
    return files.get("/out") ?? new Uint8Array(0);
  }

  tool(files: Map<string, Uint8Array>, ...argv: string[]) {
    const env = { XENSTORED_PATH: this.peer.socket };
    return runOurs({ argv: ["xenstore", ...argv], env, files });
  }

  save(...argv: string[]): Promise<Uint8Array> {
    return this.run(new Map(), ...argv, "/out");
  }

  async load(bytes: Uint8Array, ...argv: string[]): Promise<void> {
    await this.run(new Map([["/in", bytes]]), ...argv, "/in");
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.peer.stop();
  }
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

interface Branch {
  value: Uint8Array;
  perms: Perm[];
  children: [string, Branch][];
}

/** Makes a tree; its requests are answered in order. */
async function make(client: Client, path: string, branch: Branch): Promise<void> {
  await client.write(path, branch.value);
  await client.setPerms(path, branch.perms);
  for (const [name, below] of branch.children) await make(client, `${path}/${name}`, below);
}

const perm = fc.record({
  access: fc.constantFrom("n" as const, "r" as const, "w" as const, "b" as const),
  domid: fc.oneof(fc.nat(3), fc.nat(0x7fef)),
});
const value = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.uint8Array({ minLength: 2000, maxLength: 3000 }),
  fc.string().map((text) => new TextEncoder().encode(text)),
);
const name = fc.string({
  unit: fc.constantFrom(..."abcXYZ019-_@"),
  minLength: 1,
  maxLength: 12,
});
/** A tree of so many levels at most below its top. */
function branches(levels: number): fc.Arbitrary<Branch> {
  const below: fc.Arbitrary<[string, Branch][]> =
    levels === 0
      ? fc.constant([])
      : fc.uniqueArray(fc.tuple(name, branches(levels - 1)), {
          maxLength: 4,
          selector: ([one]) => one,
        });
  const perms = fc.array(perm, { minLength: 1, maxLength: 4 });
  return fc.record({ value, perms, children: below });
}

describe.each([
  { name: "our daemon", kind: "ours", start: startOurs, runs: 40 },
  { name: "the C daemon", kind: "c", start: startC, runs: 15 },
] as const)("on $name", ({ kind, start, runs }) => {
  const missing = unavailable(kind);
  if (missing !== null) {
    it.skip(`what is saved comes back (left out: ${missing})`, () => {});
    return;
  }
  let a: Place;
  let b: Place;
  beforeAll(async () => {
    a = await Place.start(start, `${kind}-a`);
    b = await Place.start(start, `${kind}-b`);
  });
  afterAll(async () => {
    await a?.stop();
    await b?.stop();
  });
  const clear = () => Promise.all([a, b].map(({ client }) => client.rm("/t")));

  it("random trees are the same after dump and restore, and after export and import", async () => {
    const property = fc.asyncProperty(branches(3), async (tree) => {
      await clear();
      await make(a.client, "/t", tree);
      const dump = await a.save("dump", "--prefix", "/t");
      const json = await a.save("export", "--prefix", "/t");
      await b.load(dump, "restore");
      expect(hex(await b.save("dump", "--prefix", "/t"))).toBe(hex(dump));
      await b.client.rm("/t");
      await b.load(json, "import");
      expect(hex(await b.save("dump", "--prefix", "/t"))).toBe(hex(dump));
      await b.client.rm("/t");
      await b.load(dump, "import");
      expect(hex(await b.save("export", "--json", "--prefix", "/t"))).toBe(hex(json));
    });
    await fc.assert(property, { numRuns: runs });
  });

  it("the whole store is the same after dump and restore, special nodes too", async () => {
    await clear();
    await a.client.write("/t/x", "1");
    await a.client.setPerms("@releaseDomain", [
      { access: "n", domid: 0 },
      { access: "r", domid: 5 },
    ]);
    const dump = await a.save("dump");
    await b.load(dump, "restore", "--replace");
    expect(hex(await b.save("dump"))).toBe(hex(dump));
  });

  it("wide directories and long values are whole", async () => {
    await clear();
    const names = Array.from({ length: 1500 }, (_, i) => `child-${i}`);
    await Promise.all(names.map((one) => a.client.write(`/t/wide/${one}`, one)));
    await a.client.write("/t/long", new Uint8Array(4096 - "/t/long".length - 1).fill(0xff));
    const dump = await a.save("dump", "--prefix", "/t");
    await b.load(dump, "restore");
    expect((await b.client.directory("/t/wide")).length).toBe(1500);
    expect(hex(await b.save("dump", "--prefix", "/t"))).toBe(hex(dump));
  });

  it("deep trees are whole", async () => {
    await clear();
    await a.client.write(`/t${"/d".repeat(900)}`, "bottom");
    const dump = await a.save("dump", "--prefix", "/t");
    await b.load(dump, "restore");
    expect(hex(await b.save("dump", "--prefix", "/t"))).toBe(hex(dump));
  });

  it("what the file does not have stays, or goes with --replace", async () => {
    await clear();
    await a.client.write("/t/x/y", "1");
    const dump = await a.save("dump", "--prefix", "/t/x");
    await Promise.all(
      ["/t/x/own/deep", "/t/x/y/own", "/t/z"].map((path) => b.client.write(path, "o")),
    );
    await b.load(dump, "restore");
    expect(await b.client.directory("/t/x")).toEqual(["own", "y"]);
    await b.load(dump, "restore", "--replace");
    expect(await b.client.directory("/t/x")).toEqual(["y"]);
    expect(await b.client.directory("/t/x/y")).toEqual([]);
    expect(await b.client.directory("/t")).toEqual(["x", "z"]);
  });

  it("a failure leaves the store as it was", async () => {
    await clear();
    await a.client.write("/t/first", "new");
    await a.client.write("/t/gone", "new");
    const json = Buffer.from(await a.save("export", "--prefix", "/t")).toString();
    await b.client.write("/t/first", "old");
    // No domain can own a node by this number.
    const bad = Buffer.from(json.replace(/("\/t\/gone".*?)"n0"/, '$1"n65535"'));
    const done = await b.tool(new Map([["/in", bad]]), "restore", "/in");
    expect(done.exit).toBe(1);
    expect(done.err).toContain("; nothing was restored\n");
    expect(Buffer.from(await b.client.read("/t/first")).toString()).toBe("old");
    expect(await b.client.directory("/t")).toEqual(["first"]);
  });
});

describe("between daemons", () => {
  const missing = unavailable("ours") ?? unavailable("c") ?? unavailable("ocaml");
  it.skipIf(missing !== null)(
    `the same tree comes back on each${missing === null ? "" : ` (left out: ${missing})`}`,
    async () => {
      const places = [
        await Place.start(startOurs, "from"),
        await Place.start(startC, "c"),
        await Place.start(startOcaml, "ox"),
        await Place.start(startOurs, "to"),
      ];
      try {
        const tree: Branch = {
          value: Uint8Array.of(0, 255, 10),
          perms: [{ access: "n", domid: 0 }],
          children: [["b", { value: Buffer.from("ü"), perms: perms("b3", "r0"), children: [] }]],
        };
        await make(places[0].client, "/t", tree);
        const first = await places[0].save("dump", "--prefix", "/t");
        for (const [i, place] of places.slice(1).entries()) {
          const dump = await places[i].save("dump", "--prefix", "/t");
          await place.load(dump, "restore");
        }
        expect(hex(await places[3].save("dump", "--prefix", "/t"))).toBe(hex(first));
      } finally {
        await Promise.all(places.map((place) => place.stop()));
      }
    },
  );

  const noC = unavailable("c") ?? unavailable("ours");
  it.skipIf(noC !== null)(
    `what the C daemon leaves when a live update fails can be restored${noC === null ? "" : ` (left out: ${noC})`}`,
    async () => {
      const ours = await Place.start(startOurs, "after-c");
      const c = await Place.start(startC, "c-ends");
      try {
        await c.client.write("/t/a", Uint8Array.of(0, 255));
        await c.client.setPerms("/t/a", perms("n0", "r3"));
        const tree = await c.save("dump", "--prefix", "/t");
        // The state is written, and then comes a program that does not read it.
        await c.client.control("live-update", "-f", "/bin/false");
        await c.client.control("live-update", "-s", "-t", "5").catch(() => {});
        await c.peer.ended;
        await ours.load(readFileSync(join(dir, "c-ends/state_dump")), "restore");
        expect(hex(await ours.save("dump", "--prefix", "/t"))).toBe(hex(tree));
      } finally {
        await c.stop();
        await ours.stop();
      }
    },
  );

  const noOx = unavailable("ocaml") ?? unavailable("ours");
  it.skipIf(noOx !== null)(
    `what oxenstored writes when it ends can be restored${noOx === null ? "" : ` (left out: ${noOx})`}`,
    async () => {
      const options = { arguments: ["--config-file", join(dir, "persistent.conf")] };
      const ours = await Place.start(startOurs, "after-ox");
      const folder = join(dir, "ox-ends");
      try {
        const machine = join(folder, "xen");
        const conf = [
          `pid-file = ${folder}/own-pid`,
          `xenstored-kva = ${machine}/xsd_kva`,
          `xenstored-port = ${machine}/xsd_port`,
          `xenstored-log-file = ${folder}/xenstored.log`,
          ...["persistent = true", "quota-activate = false", ""],
        ];
        writeFileSync(join(dir, "persistent.conf"), conf.join("\n"));
        const ox = await Place.start(startOcaml, "ox-ends", options);
        await ox.client.write("/t/a", Uint8Array.of(0, 255));
        await ox.client.setPerms("/t/a", perms("n0", "r3"));
        await ox.stop();
        await ours.load(readFileSync(join(folder, "db")), "restore");
        expect(Buffer.from(await ours.client.read("/t/a"))).toEqual(Buffer.of(0, 255));
        expect(await ours.client.getPerms("/t/a")).toEqual(perms("n0", "r3"));
      } finally {
        await ours.stop();
      }
    },
  );
});

const perms = (...list: string[]): Perm[] =>
  list.map((one) => ({ access: one[0] as Perm["access"], domid: Number(one.slice(1)) }));

describe("with domains that don't exist", () => {
  const missing = unavailable("c") ?? bundleMissing();
  it.skipIf(missing !== null)(
    `their nodes are named, or left to domain 0${missing === null ? "" : ` (left out: ${missing})`}`,
    async () => {
      const place = await Place.start(startC, "alone", { allDomains: false });
      try {
        const nodes = [{ path: "/t", value: "1", perms: ["b5", "r0"] }];
        const file = join(dir, "orphan.json");
        writeFileSync(
          file,
          JSON.stringify({ format: "xenstore-export", version: 1, root: "/t", nodes }),
        );
        const env = { XENSTORED_PATH: place.peer.socket };
        const run = (...args: string[]) =>
          runBuilt({ argv: ["xenstore-restore", ...args, file], env }, join(dir, "bin"));
        expect((await run()).err).toContain("the owner of /t is a domain that doesn't exist");
        await expect(place.client.read("/t")).rejects.toMatchObject({ code: "ENOENT" });
        expect((await run("--keep-orphans")).exit).toBe(0);
        expect(await place.client.getPerms("/t")).toEqual(perms("b0", "r0"));
      } finally {
        await place.stop();
      }
    },
  );
});
