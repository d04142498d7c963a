// Introduce: a store that is killed while a domain comes or goes, and a toolstack that tries again.
// Holds   one site for all kills of a test; each has a domain of its own.
// Never   lets a domain be half there: it is introduced or it is not.
// Source  the XenStore protocol, Domains.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadLibc } from "../../hosts/node/libc.ts";
import { release } from "../host/rig.ts";
import { setState } from "../rings/files.ts";
import { bundleDaemon } from "./bundle.ts";
import { onSite } from "./campaign.ts";
import { Reader } from "./reader.ts";
import { introduction, RingLine } from "./ring.ts";
import { CUT_OFF, type Site } from "./site.ts";
import { at, leaf, type Node } from "./tree.ts";
import { Writer } from "./writer.ts";

const DOMID_FIRST = 10;
/** The whole takes fewer calls, or nothing is ever killed. */
const CALLS_MAX = 200;
const koffi = (await loadLibc()) !== null;

let bundle = "";

beforeAll(async () => {
  bundle = await bundleDaemon();
});
afterAll(release);

type Deed = (dom0: Reader, domid: number, site: Site) => Promise<void>;

/** What a toolstack does for a new domain; it may be done again. */
async function build(dom0: Reader, domid: number): Promise<void> {
  const home = `/local/domain/${domid}`;
  await dom0.ask("INTRODUCE", introduction(domid));
  await dom0.ask("WRITE", `${home}/name\0guest`);
  await dom0.ask("SET_PERMS", `${home}\0n${domid}\0`);
}

async function releaseDomain(dom0: Reader, domid: number): Promise<void> {
  if ((await dom0.ask("IS_DOMAIN_INTRODUCED", `${domid}\0`)) === "F\0") return;
  await dom0.ask("RELEASE", `${domid}\0`);
}

async function die(dom0: Reader, domid: number, site: Site): Promise<void> {
  setState(site.machine, domid, "dying");
  while ((await dom0.ask("IS_DOMAIN_INTRODUCED", `${domid}\0`)) !== "F\0");
}

/**
 * Does `before` in peace, and `deed` until a kill; then `deed` again in peace, and compares.
 * Returns whether there was no kill any more.
 */
async function attempt(site: Site, trap: string, domid: number, before: Deed | null, deed: Deed) {
  await site.progress(site.launch().ready());
  if (before) await inPeace(site, domid, before);
  await site.kill();
  const daemon = site.launch({ XENSTORE_CRASH: trap });
  const done = await (async () => {
    await daemon.ready();
    const dom0 = await Reader.open(site.socket);
    await deed(dom0, domid, site);
    dom0.close();
    return true;
  })().catch(async (error) => {
    await site.progress(daemon.ended);
    if (daemon.child.signalCode !== "SIGKILL") throw error;
    return false;
  });
  if (done) await site.kill();
  await site.gone();
  await site.progress(site.launch().ready());
  await inPeace(site, domid, deed);
  return done;
}

async function inPeace(site: Site, domid: number, deed: Deed): Promise<void> {
  const dom0 = await Reader.open(site.socket);
  await site.progress(deed(dom0, domid, site));
  dom0.close();
}

/** A guest asks over its ring, as soon as it is introduced. */
function greet(site: Site, ring: RingLine): Promise<void> {
  const { domid } = ring;
  const writer = new Writer(`g${domid}`, `/local/domain/${domid}`, leaf("", ""));
  writer.onComplaint = (text) => site.complain(text);
  writer.attach(ring);
  const answered = new Promise<void>((resolve) => {
    writer.ask("WRITE", "hello\0world", 0, ({ error }) => {
      resolve();
      return error;
    });
  });
  return site.progress(answered);
}

async function treeOf(site: Site): Promise<Node> {
  const reader = await Reader.open(site.socket);
  const tree = await reader.tree("/");
  expect(await reader.ask("CONTROL", "check\0")).toContain(" 0 faults");
  reader.close();
  return tree;
}

/** Kills at each call in turn. Returns how many there were. */
async function eachKill(where: string, before: Deed | null, deed: Deed, there: boolean) {
  const options = { seed: 1, sockets: 0, guests: 0, args: [], bundle, mayReport: [CUT_OFF] };
  return onSite(options, async (site) => {
    await site.kill();
    for (let count = 1; count < CALLS_MAX; count++) {
      const domid = DOMID_FIRST + count;
      const ring = new RingLine(site.machine, domid);
      const trap = where === "page" ? `page:${count}` : `${where}:${count}:ready`;
      const done = await attempt(site, trap, domid, before, deed);
      if (there) await greet(site, ring);
      const home = at(await treeOf(site), ["local", "domain", String(domid)]);
      expect([...(home?.children.keys() ?? [])], trap).toEqual(there ? ["name", "hello"] : []);
      // Or each start would do something for each domain there has been.
      await inPeace(site, domid, releaseDomain);
      ring.close();
      await site.kill();
      if (done) return count - 1;
    }
    throw new Error(`${CALLS_MAX} calls were not enough`);
  });
}

describe.each(["before", "half", "after", "page"])(
  "a store that is killed (%s each call)",
  (where) => {
    it.skipIf(where === "page" && !koffi)(
      `has introduced a domain when it says so, and does it when asked again${koffi ? "" : " (left out: the package koffi can't be loaded)"}`,
      async () => {
        expect(await eachKill(where, null, build, true)).toBeGreaterThan(1);
      },
    );
  },
);

describe.each(["half", "after"])("a store that is killed (%s each call)", (where) => {
  it("has nothing of a domain that was released", async () => {
    expect(await eachKill(where, build, releaseDomain, false)).toBeGreaterThan(0);
  });

  it("has nothing of a domain that has died", async () => {
    expect(await eachKill(where, build, die, false)).toBeGreaterThan(0);
  });
});
