// Scripted: our tools and Debian's say the same to a store that answers oddly.
// Holds   answers that a real daemon gives seldom or never: conflicts, failures, lost connections.
// Never   expects a text of its own where Debian's tools can be asked.
// Source  the XenStore command line; Clients, Behaviour.

import { mkdtemp, rm } from "node:fs/promises";
import type net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { words } from "./cases.ts";
import { event, HANG_UP, payload, type Rules, ScriptedStore, serve, typeOf } from "./scripted.ts";
import { type Call, debianControlMissing, debianMissing, runDebian, runOurs } from "./tools.ts";

type Case = readonly [line: string, rules: Rules];

const CONFLICTS: Case[] = [
  ["xenstore-list /a", { TRANSACTION_START: "!ENOSPC" }],
  ["xenstore-list /a", { TRANSACTION_START: "0|" }],
  ["xenstore-list /a", { TRANSACTION_START: "x|" }],
  [
    "xenstore-list /a",
    { TRANSACTION_END: ["!EAGAIN", "!EAGAIN", "OK|"], DIRECTORY: ["a|", "b|", "c|", "d|"] },
  ],
  ["xenstore-read /a /b", { "TRANSACTION_END T": ["!EAGAIN", "OK|"], READ: ["1", "2", "3", "4"] }],
  ["xenstore-read /a /b", { "TRANSACTION_END T": ["!EAGAIN", "OK|"], READ: ["1", "2", "!EIO"] }],
  ["xenstore-write /a 1 /b 2", { TRANSACTION_END: ["!EAGAIN", "OK|"] }],
  ["xenstore-rm /a", { TRANSACTION_END: ["!EAGAIN", "!EAGAIN", "!EAGAIN", "OK|"] }],
  ["xenstore-exists /a", { TRANSACTION_END: ["!EAGAIN", "OK|"] }],
  ["xenstore-chmod -u /a/b n0", { TRANSACTION_END: ["!EAGAIN", "OK|"] }],
  ["xenstore-list /a", { TRANSACTION_END: "!ENOSPC" }],
  ["xenstore-rm /a", { TRANSACTION_END: "!ENOMEM" }],
  ["xenstore-read /a /b", { TRANSACTION_END: "!EIO", READ: "!ENOENT" }],
  ["xenstore-rm /a", { TRANSACTION_END: "!EIO", RM: "!ENOENT" }],
  ["xenstore-exists /a", { TRANSACTION_END: "!EIO", READ: "!ENOENT" }],
  ["xenstore-chmod /a n0", { TRANSACTION_END: "!EIO", SET_PERMS: "!ENOENT" }],
];

const FAILURES: Case[] = [
  ["xenstore-read /a", { READ: HANG_UP }],
  ["xenstore-read /a", { READ: "!EFOO" }],
  ["xenstore-read -p /a", { READ: "abc|def" }],
  ["xenstore-read -R /a", { READ: "abc|def" }],
  ["xenstore-write /a b", { WRITE: "!EINVAL" }],
  [`xenstore-write /a ${"v".repeat(5000)}`, {}],
  [`xenstore-write /a ${"v".repeat(4093)}`, {}],
  [`xenstore-write /a ${"v".repeat(4094)}`, {}],
  [`xenstore-read /${"p".repeat(5000)}`, {}],
  [`xenstore-ls /${"p".repeat(4094)}`, {}],
  [`xenstore-ls /${"p".repeat(4095)}`, {}],
  ["xenstore-list /a", { DIRECTORY: "!EACCES" }],
  ["xenstore-ls /a", { DIRECTORY: HANG_UP }],
  ["xenstore-ls /a", { DIRECTORY: "!EFOO" }],
  ["xenstore-ls /a /b", { "DIRECTORY /a|": "!EACCES" }],
  ["xenstore-ls /a", { DIRECTORY: [[{ type: typeOf.get("READ") as number }]] }],
  ["xenstore-rm -t /a/b/c", { "RM /a/b|": "!EACCES" }],
  ["xenstore-rm -t /a/b/c", { "READ /a/b|": "|x" }],
  ["xenstore-rm -t /a/b/c", { "DIRECTORY /a/b|": "!EACCES" }],
  ["xenstore-rm -t /a/b/c /d", { "READ /a/b|": "!EACCES" }],
  ["xenstore-rm -t //a///b", {}],
  ["xenstore-chmod -u //a///b n0", {}],
  ["xenstore-chmod -u /a/b/c n0", { "SET_PERMS /a|": "!EPERM" }],
  ["xenstore-chmod -r /a n0", { "DIRECTORY /a|": "b|c|", "DIRECTORY /a/b|": "!EACCES" }],
  ["xenstore-chmod -r /a n0", { "DIRECTORY /a|": "b|c|", "SET_PERMS /a/b|": "!EIO" }],
  ["xenstore-chmod -r /a n0", { "DIRECTORY /a|": "!ENOENT" }],
  ["xenstore-chmod /a n0", { SET_PERMS: "!ENOTEMPTY" }],
  ["xenstore-chmod /a n0", { SET_PERMS: "!EISCONN" }],
  ["xenstore-chmod /a n0", { SET_PERMS: "!EROFS" }],
  ["xenstore-chmod /a n0", { SET_PERMS: "!EBUSY" }],
  ["xenstore-chmod /a n0", { SET_PERMS: "!ENOSYS" }],
  ["xenstore-chmod /a n0", { SET_PERMS: "!EISDIR" }],
  ["xenstore-chmod /a n0", { SET_PERMS: "!E2BIG" }],
  ["xenstore-chmod /a n0", { SET_PERMS: HANG_UP }],
];

const TREE = { "DIRECTORY /a|": "b|c|" };
const TREES: Case[] = [
  ["xenstore-ls /a", { ...TREE, "READ /a/b|": "!EACCES" }],
  ["xenstore-ls -p /a", { ...TREE, "READ /a/b|": "!EACCES" }],
  ["xenstore-ls -f /a", { ...TREE, "READ /a/b|": "!EACCES" }],
  ["xenstore-ls -fp /a", { ...TREE, "READ /a/b|": "!EACCES" }],
  ["xenstore-ls -p /a", { ...TREE, "GET_PERMS /a/b|": "!EACCES" }],
  ["xenstore-ls -fp /a", { ...TREE, "GET_PERMS /a/b|": "!EACCES" }],
  ["xenstore-ls -fp /a", { ...TREE, "GET_PERMS /a/b|": "n0|r3|b-1|w07|" }],
  ["xenstore-ls -fp /a", { ...TREE, "GET_PERMS /a/b|": "n0|r3|x4|" }],
  ["xenstore-ls -fp /a", { ...TREE, "GET_PERMS /a/b|": "n0|r3" }],
  ["xenstore-ls -fp /a", { ...TREE, "GET_PERMS /a/b|": "" }],
  ["xenstore-ls /a", { ...TREE, "DIRECTORY /a/b|": "!EACCES" }],
  ["xenstore-ls /a", { ...TREE, "DIRECTORY /a/b|": "!ENOENT" }],
  ["xenstore-ls -p /a", { ...TREE, "DIRECTORY /a/c|": "!EINVAL" }],
  ["xenstore-ls /a", { "DIRECTORY /a|": "!ENOENT" }],
  ["xenstore-list /a", parts("1|b|c|", "1|d||")],
  ["xenstore-ls /a", parts("1|b|c|", "1|d||")],
  [
    "xenstore-list /a",
    { ...parts("1|b|c|", "2|x||"), "DIRECTORY_PART /a|0|": ["1|b|c|", "2|y||"] },
  ],
  ["xenstore-list /a", { DIRECTORY: "!E2BIG", DIRECTORY_PART: "!ENOSYS" }],
  ["xenstore-ls /a", { DIRECTORY: "!E2BIG", DIRECTORY_PART: "!ENOSYS" }],
  ["xenstore-ls /a", { DIRECTORY: "!E2BIG", DIRECTORY_PART: "!EINVAL" }],
  ["xenstore-ls /a", { DIRECTORY: "!E2BIG", DIRECTORY_PART: "!EFOO" }],
];

/** A directory that comes in two parts; names of the first take 4 bytes. */
function parts(first: string, second: string): Rules {
  return {
    "DIRECTORY /a|": "!E2BIG",
    "DIRECTORY_PART /a|0|": first,
    "DIRECTORY_PART /a|4|": second,
  };
}

const watched = { type: typeOf.get("WATCH") as number, payload: payload("OK|") };
const WATCHES: Case[] = [
  ["xenstore-watch /a", { WATCH: "!ENOSPC" }],
  ["xenstore-watch /a", { WATCH: HANG_UP }],
  ["xenstore-watch /a /b", { "WATCH /b": HANG_UP }],
  ["xenstore-watch -n 2 /a", { WATCH: [[event("/x|/a|"), watched, event("/a|/a|")]] }],
  ["xenstore-watch -n 2 /a", { WATCH: [[watched, event("/x|other|"), event("/y||")]] }],
];

const CONTROLS: Case[] = [
  ["xenstore-control x", { "CONTROL x|": "!EIO" }],
  ["xenstore-control x", { "CONTROL x|": "!EACCES" }],
  ["xenstore-control x", { "CONTROL x|": "!EINVAL" }],
  ["xenstore-control x", { "CONTROL x|": "!EFOO" }],
  ["xenstore-control x", { CONTROL: "!EINVAL" }],
  ["xenstore-control x", { "CONTROL x|": "!EINVAL", "CONTROL help": "" }],
  ["xenstore-control x", { "CONTROL x|": "a\nb" }],
  ["xenstore-control x", { "CONTROL x|": "" }],
  ["xenstore-control x", { "CONTROL x|": "|" }],
  ["xenstore-control x", { "CONTROL x|": "abc|def|" }],
  ["xenstore-control x y '' z", { "CONTROL x|": HANG_UP }],
  [`xenstore-control x ${"a".repeat(5000)}`, {}],
  ["xenstore-control help '' ''", {}],
];

const UPDATE = { READ: "!ENOENT" };
const UPDATES: Case[] = [
  ["xenstore-control live-update /x", UPDATE],
  ["xenstore-control live-update /x /y", UPDATE],
  ["xenstore-control live-update -x", UPDATE],
  ["xenstore-control live-update -t 7 -F -c a%20b /x", UPDATE],
  ["xenstore-control live-update /x -F -t x7", UPDATE],
  ["xenstore-control live-update /x", { ...UPDATE, "CONTROL live-update|-f": "no|" }],
  ["xenstore-control live-update /x", { ...UPDATE, "CONTROL live-update|-f": "!EIO" }],
  ["xenstore-control live-update /x", { ...UPDATE, "CONTROL live-update|-f": HANG_UP }],
  ["xenstore-control live-update -c a /x", { ...UPDATE, "CONTROL live-update|-c": "no|" }],
  ["xenstore-control live-update -c a /x", { ...UPDATE, "CONTROL live-update|-c": "!EIO" }],
  ["xenstore-control live-update /x", { ...UPDATE, "CONTROL live-update|-s": "no|" }],
  ["xenstore-control live-update /x", { ...UPDATE, "CONTROL live-update|-s": "!EIO" }],
  ["xenstore-control live-update -c", UPDATE],
  ["xenstore-control live-update -t", UPDATE],
  ["xenstore-control live-update -c a", UPDATE],
];

const missing = debianMissing();
describe.skipIf(missing !== null)(
  `a store that answers oddly${missing === null ? "" : ` (left out: ${missing})`}`,
  () => {
    let dir = "";
    let server: net.Server;
    let store: ScriptedStore;
    let env: NonNullable<Call["env"]>;
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), "xs-scripted-"));
      env = { XENSTORED_PATH: join(dir, "socket") };
      server = await serve(join(dir, "socket"), () => store);
    });
    afterAll(async () => {
      await new Promise((closed) => server?.close(closed));
      await rm(dir, { recursive: true, force: true });
    });

    /** Both must print the same and have asked the same, in the same order. */
    async function same([line, rules]: Case) {
      const call: Call = { argv: words(line), env };
      store = new ScriptedStore(rules);
      const theirs = { ...(await runDebian(call)), asked: store.log };
      store = new ScriptedStore(rules);
      const ours = { ...(await runOurs(call)), asked: store.log };
      // Debian's chmod leaves it to the hang-up to end its transaction.
      const chmod = line.startsWith("xenstore-chmod");
      if (chmod) ours.asked = ours.asked.filter((one) => !one.startsWith("TRANSACTION_END F|"));
      expect(ours, line).toEqual(theirs);
    }

    it.each(CONFLICTS)("transactions: %s %o", (...one) => same(one));
    it.each(FAILURES)("failures: %s %o", (...one) => same(one));
    it.each(WATCHES)("watches: %s %o", (...one) => same(one));
    // ls asks for several nodes at once.
    it.each(TREES)("trees: %s %o", async (line, rules) => {
      const call: Call = { argv: words(line), env };
      store = new ScriptedStore(rules);
      const theirs = await runDebian(call);
      store = new ScriptedStore(rules);
      expect(await runOurs(call), line).toEqual(theirs);
    });
    const noControl = debianControlMissing();
    describe.skipIf(noControl !== null)(
      `control${noControl === null ? "" : ` (left out: ${noControl})`}`,
      () => {
        it.each(CONTROLS)("%s %o", (...one) => same(one));
        it.each(UPDATES)("%s %o", (...one) => same(one));
      },
    );
  },
);
