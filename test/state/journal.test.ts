// Journal: what was stored while a store worked is what a fresh core begins with.
// Holds   how many conversations there are; STATE_RUNS and STATE_SEED change it.
// Never   accepts a node, a number or an order that differs.
// Source  "The database" in ARCHITECTURE.md.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  OPT_KEEP_ORPHANS,
  OPT_QUOTA_NODES,
  OPT_QUOTA_WATCHES,
  OPT_STRICT_CONFLICTS,
} from "../../assembly/abi.ts";
import { type Core, STAT_FAULTS, STAT_NODES } from "../core.ts";
import { encode, HEADER_SIZE, textOf, typeNumber } from "../message.ts";
import { accountsOf, treeOf, watchesOf } from "./inventory.ts";
import { type Action, action, Player, prepare } from "./script.ts";
import { type Options, Site } from "./site.ts";
import { type Files, restored, Vault } from "./vault.ts";

const numRuns = Number(process.env.STATE_RUNS ?? 200);
const seed = Number(process.env.STATE_SEED ?? 5);

type Host = { kind: "begin" } | { kind: "next" } | { kind: "restart" };

const host = fc.constantFrom<Host>(
  { kind: "begin" },
  { kind: "next" },
  { kind: "next" },
  { kind: "restart" },
);
const conversation = fc.array(
  fc.oneof({ weight: 12, arbitrary: action }, { weight: 1, arbitrary: host }),
  { minLength: 1, maxLength: 120, size: "max" },
);
const options: fc.Arbitrary<Options> = fc.constantFrom<Options>(
  [],
  [[OPT_STRICT_CONFLICTS, 1]],
  [[OPT_KEEP_ORPHANS, 1]],
  [
    [OPT_QUOTA_NODES, 6],
    [OPT_QUOTA_WATCHES, 3],
  ],
);
const DOMAINS = [0, 3, 5, 7, 9];
const RINGS = ["dom3", "dom5"];

/** What must be the same after a new start. */
function inventory(core: Core): string[] {
  const lines = [...treeOf(core), ...accountsOf(core, DOMAINS)];
  return [...lines, `nodes ${core.stat(STAT_NODES)}`, `faults ${core.stat(STAT_FAULTS)}`];
}

/** What is not stored ends: sockets, transactions of rings, output. */
function quiet(site: Site): void {
  for (const name of site.names()) site.close(name);
  for (const name of site.names()) site.reconnect(name);
  site.drain();
  site.store();
}

/** What domains with rings have registered and opened. */
function held(core: Core): string[] {
  const rings = RINGS.map((name) => Number(name.slice(3)));
  const counts = accountsOf(core, rings).flatMap((text) => text.split("\n"));
  return counts.filter((line) => /^(watches|transactions) +: +\d+$/.test(line));
}

function compare(how: Options, steps: readonly (Action | Host)[]): void {
  const site = new Site({ options: how, rings: RINGS, journal: true });
  const vault = new Vault(site);
  const player = new Player(site);
  prepare(player);
  for (const one of steps) {
    if (one.kind === "begin") vault.begin();
    else if (one.kind === "next") vault.next();
    else if (one.kind === "restart") same(site, vault.files(), how);
    else player.play(one);
  }
  same(site, vault.files(), how);
  vault.finish();
  same(site, vault.files(), how);
}

/** A fresh core begins with the files and has what the site has, but for what can't be stored. */
function same(site: Site, files: Files, how: Options): void {
  site.store();
  const tree = treeOf(site.core);
  const watches = ringWatches(site.core, site.names());
  const core = restored(files, how, [4096, 7]);
  if (treeOf(core).join("\n") !== tree.join("\n")) expect(treeOf(core)).toEqual(tree);
  expect(ringWatches(core, site.names())).toEqual(watches);
  expect(core.stat(STAT_FAULTS)).toBe(0);
}

function ringWatches(core: Core, names: readonly string[]): string[] {
  const rings = RINGS.filter((name) => names.includes(name)).map((name) => `d${name.slice(3)} `);
  const lines = watchesOf(core);
  return rings.flatMap((ring) => lines.filter((line) => line.startsWith(ring)));
}

describe("a transaction of a guest", () => {
  it("can only end in EAGAIN after a new start, and changes nothing", () => {
    const site = new Site({ rings: RINGS, journal: true });
    const vault = new Vault(site);
    const player = new Player(site);
    prepare(player);
    player.ask("dom3", "TRANSACTION_START", "\0");
    player.ask("dom3", "TRANSACTION_START", "\0");
    player.ask("dom3", "WRITE", "x\0v", 1);
    site.drain();
    site.store();
    const page = site.link("dom3").page?.copy();
    if (!page) throw new Error("dom3 has no ring");
    const tree = treeOf(site.core);
    const again = new Site({ rings: RINGS, journal: true }, restored(vault.files()));
    again.resume("dom3", again.core.raw.domain_conn(3), page);
    const ask = (type: string, payload: string, txId: number) => {
      again.send("dom3", encode({ type: typeNumber(type), reqId: 1, txId, payload }));
      again.drain();
      return textOf(again.taken("dom3")).slice(HEADER_SIZE);
    };
    expect(ask("WRITE", "x\0w", 1)).toBe("OK\0");
    expect(ask("MKDIR", "y\0", 2)).toBe("OK\0");
    expect(ask("TRANSACTION_END", "T\0", 1)).toBe("EAGAIN\0");
    expect(ask("TRANSACTION_END", "F\0", 2)).toBe("OK\0");
    expect(ask("TRANSACTION_END", "T\0", 1)).toBe("ENOENT\0");
    expect(ask("TRANSACTION_START", "\0", 0)).toBe("3\0");
    expect(treeOf(again.core)).toEqual(tree);
  });
});

describe("a limit", () => {
  it("that the host gives counts more than one that was set before, after a new start too", () => {
    const how: Options = [[OPT_QUOTA_NODES, 500]];
    const site = new Site({ options: how, rings: [], journal: true });
    const vault = new Vault(site);
    const player = new Player(site);
    prepare(player);
    const nodes = (core: Core) => /^nodes +: +(\d+)/m.exec(accountsOf(core, [])[0] ?? "")?.[1];
    for (const kept of [false, true]) {
      player.ask("dom0", "CONTROL", "quota\0set\0nodes\x00600\0");
      player.ask("dom0", "CONTROL", "quota\0set\0watches\x0070\0");
      site.drain();
      site.store();
      if (kept) vault.snapshot();
      expect(nodes(restored(vault.files(), how))).toBe("600");
      site.core.configure(OPT_QUOTA_NODES, 7);
      expect(nodes(site.core)).toBe("7");
      site.store();
      const again = restored(vault.files(), [[OPT_QUOTA_NODES, 9]]);
      expect(nodes(again)).toBe("9");
      expect(accountsOf(again, [])[0]).toMatch(/^watches +: +70 /m);
    }
  });
});

describe("a journal", () => {
  it(`brings back the store (${numRuns} from seed ${seed})`, () => {
    fc.assert(fc.property(options, conversation, compare), { numRuns, seed });
  });

  it(`brings back what is counted, and transactions as ended (${numRuns} from seed ${seed})`, () => {
    const counted = (how: Options, steps: readonly (Action | Host)[]) => {
      const site = new Site({ options: how, rings: RINGS, journal: true });
      const vault = new Vault(site);
      const player = new Player(site);
      prepare(player);
      for (const one of steps) {
        if (one.kind === "begin") vault.begin();
        else if (one.kind === "next") vault.next();
        else if (one.kind !== "restart") player.play(one);
      }
      site.store();
      const again = new Site(
        { options: how, rings: RINGS, journal: true },
        restored(vault.files(), how),
      );
      for (const name of RINGS) {
        const conn = again.core.raw.domain_conn(Number(name.slice(3)));
        const page = site.names().includes(name) ? site.link(name).page : null;
        if (conn && page) again.resume(name, conn, page.copy());
        else if (conn) again.lose(conn);
      }
      vault.finish();
      expect(held(again.core)).toEqual(held(site.core));
      quiet(site);
      quiet(again);
      const [got, wanted] = [inventory(again.core), inventory(site.core)];
      if (got.join("\n") !== wanted.join("\n")) expect(got).toEqual(wanted);
    };
    fc.assert(fc.property(options, conversation, counted), { numRuns, seed });
  });
});
