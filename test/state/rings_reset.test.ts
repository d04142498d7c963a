// Rings that begin anew or were broken, when the store ends at any moment of that.
// Holds   every moment at which a page or the files have changed.
// Never   tells the guest that there is another store.
// Source  the XenStore protocol, ring (reconnection, errors).

import { describe, expect, it } from "vitest";
import { encode, Splitter, typeNumber } from "../message.ts";
import { treeOf, watchesOf } from "./inventory.ts";
import type { RingPage } from "./ring_page.ts";
import { Player, prepare } from "./script.ts";
import { Site } from "./site.ts";
import { type Files, restored, Vault } from "./vault.ts";

const SETTINGS = { rings: ["dom3"], journal: true };
const CONNECTION = 2068;
const RINGIDX = 2;

type Moment = { files: Files; page: RingPage };

/** Every moment of what `happens` to a guest with a watch, a transaction and waiting replies. */
function moments(happens: (site: Site, player: Player) => void): Moment[] {
  const site = new Site(SETTINGS);
  const vault = new Vault(site);
  const player = new Player(site);
  prepare(player);
  player.ask("dom3", "WATCH", "x\0t\0");
  player.ask("dom3", "TRANSACTION_START", "\0");
  player.ask("dom3", "WRITE", `x\0${"v".repeat(900)}`);
  for (let i = 0; i < 3; i += 1) player.ask("dom3", "READ", "x\0");
  player.play({ kind: "request", conn: "dom3", tx: 0, name: "READ", payload: "x\0", share: 0.6 });
  const found: Moment[] = [];
  site.onMoment = () => {
    const page = site.link("dom3").page?.copy();
    if (page) found.push({ files: vault.files(), page });
  };
  happens(site, player);
  return found;
}

/** The guest behind a fresh store. */
function begin({ files, page }: Moment): { site: Site; page: RingPage } {
  const site = new Site(SETTINGS, restored(files));
  const mine = page.copy();
  site.resume("dom3", site.core.raw.domain_conn(3), mine);
  site.kick("dom3");
  return { site, page: mine };
}

/** Asks on a ring on which nothing is under way; returns what came. */
function ask(site: Site, type: string, payload: string): string[] {
  site.drain();
  site.taken("dom3");
  site.send("dom3", encode({ type: typeNumber(type), reqId: 9, txId: 0, payload }));
  site.drain();
  return new Splitter().push(site.taken("dom3")).map((one) => `${one.reqId} ${one.payload}`);
}

describe("a ring that begins anew", () => {
  it("is served from its beginning, with nothing of what was before", () => {
    const all = moments((site) => site.reconnect("dom3"));
    expect(all.length).toBeGreaterThan(3);
    for (const moment of all) {
      const { site, page } = begin(moment);
      expect(page.word(CONNECTION)).toBe(0);
      // The guest asked for it before the first of these moments: it comes true in any case.
      expect(watchesOf(site.core).some((line) => line.startsWith("d3 "))).toBe(false);
      expect(ask(site, "READ", "x\0")).toEqual([`9 ${"v".repeat(900)}`]);
      expect(ask(site, "TRANSACTION_START", "\0")[0]).toMatch(/^9 \d+\0$/);
      expect(ask(site, "WATCH", "x\0t\0")).toEqual(["9 OK\0", "0 x\0t\0"]);
      expect(treeOf(restored(moment.files))).toEqual(treeOf(site.core));
    }
  });
});

describe("a ring that its guest has broken", () => {
  it("stays unserved with its error until it begins anew", () => {
    const all = moments((site) => site.spoil("dom3"));
    expect(all.length).toBeGreaterThan(1);
    for (const moment of all) {
      const { site, page } = begin(moment);
      expect(page.error).toBe(RINGIDX);
      const before = page.words();
      site.kick("dom3");
      site.pass(1000);
      expect(page.words()).toEqual(before);
      site.reconnect("dom3");
      expect(page.error).toBe(0);
      expect(page.word(CONNECTION)).toBe(0);
      expect(ask(site, "READ", "x\0")).toEqual([`9 ${"v".repeat(900)}`]);
    }
  });

  it("is the only one that is: its domain is introduced again, or dies", () => {
    for (const moment of moments((site) => site.spoil("dom3"))) {
      const { site } = begin(moment);
      const player = new Player(site);
      player.ask("dom0", "INTRODUCE", "3\x000\x005\0");
      expect(ask(site, "READ", "x\0")).toEqual([`9 ${"v".repeat(900)}`]);
      site.domainState(3, 0);
      expect(site.core.domains()).toEqual([0, 5]);
    }
  });
});
