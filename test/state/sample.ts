// Sample: a small store with a bit of everything, to be stored, damaged and loaded.
// Holds   nothing.
// Never   is large: tests change every byte of what it is stored as.
// Source  our own.

import { OPT_QUOTA_NODES, OPT_STRICT_CONFLICTS } from "../../assembly/abi.ts";
import { Player, prepare } from "./script.ts";
import { type Options, Site } from "./site.ts";
import { Vault } from "./vault.ts";

export const OPTIONS: Options = [[OPT_QUOTA_NODES, 50]];

export type Sample = { site: Site; vault: Vault };

/** A store whose guest has a half request, watches, open transactions and output that waits. */
export function sample(strict = false): Sample {
  const options: Options = strict ? [...OPTIONS, [OPT_STRICT_CONFLICTS, 1]] : OPTIONS;
  const site = new Site({ options, rings: ["dom3"], journal: true });
  const vault = new Vault(site);
  const player = new Player(site);
  prepare(player);
  player.ask("dom3", "WATCH", "x\0t\0");
  player.ask("dom3", "WATCH", `@releaseDomain\0u\x001\0`);
  player.ask("dom5", "WATCH", "/a\0w\x002\0");
  player.ask("dom0", "WATCH", "/\0all\0");
  for (const name of ["dom0", "dom3", "dom5"]) {
    player.ask(name, "TRANSACTION_START", "\0");
    player.ask(name, "WRITE", "x/made\0v", 1);
    player.ask(name, "RM", "/a\0", 1);
    player.ask(name, "READ", "/b\0", 1);
  }
  player.ask("dom0", "SET_QUOTA", "3\0nodes\x009\0");
  player.ask("dom0", "SET_QUOTA", "watches\x0077\0");
  player.ask("dom0", "WRITE", "/a/b\0changed");
  player.ask("dom0", "RM", "/b\0");
  player.ask("dom3", "WRITE", "x\0of guest 3");
  site.read("dom0", 30);
  player.play({ kind: "request", conn: "dom3", tx: 0, name: "READ", payload: "x\0", share: 0.9 });
  player.play({ kind: "request", conn: "dom5", tx: 0, name: "READ", payload: "x\0", share: 0.5 });
  return { site, vault };
}

/** Each byte of `bytes` changed in turn, and the bytes cut at each place. */
export function* damaged(bytes: Uint8Array): Generator<{ what: string; bytes: Uint8Array }> {
  for (let at = 0; at < bytes.length; at += 1) {
    const copy = Buffer.from(bytes);
    copy[at] ^= 1 << ((at * 5 + (at >> 3)) % 8);
    yield { what: `byte ${at} changed`, bytes: copy };
  }
  for (let at = 0; at < bytes.length; at += 1) {
    yield { what: `cut at ${at}`, bytes: bytes.subarray(0, at) };
  }
}
