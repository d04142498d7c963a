// Daemon: a xenstored in the foreground whose storage or pages have a trap in them, for the tests.
// Holds   the order of a start, as the program has it.
// Never   is installed: node build/test/crash_daemon.mjs with the program's own arguments.
// Source  our own; XENSTORE_CRASH names the trap, see killing_storage.ts and killing_page.ts.

import process from "node:process";
import { Daemon } from "../../hosts/node/daemon.ts";
import { loadLibc } from "../../hosts/node/libc.ts";
import { places } from "../../hosts/node/places.ts";
import { defaults } from "../../hosts/shared/config.ts";
import { applyArguments } from "../../hosts/shared/options.ts";
import type { Storage } from "../../hosts/shared/storage.ts";
import { trapPages } from "./killing_page.ts";
import { parseTrap, trapped } from "./killing_storage.ts";

const config = defaults();
applyArguments(config, process.argv.slice(2));
const libc = await loadLibc();
const { XENSTORE_CRASH = "" } = process.env;
const [, page] = /^page:(\d+)$/.exec(XENSTORE_CRASH) ?? [];
if (page) trapPages(Number(page));
let ready = () => {};
const wrap = (storage: Storage) => {
  if (!XENSTORE_CRASH || page) return storage;
  const trap = trapped(storage, parseTrap(XENSTORE_CRASH));
  ready = trap.ready;
  return trap.storage;
};
const compactMin = Number(process.env.XENSTORE_COMPACT_MIN ?? 1_000_000);
const parts = { wrap, compactMin };
const daemon = new Daemon(config, places(process.env, false), libc, true, parts);
process.on("SIGTERM", () => {
  daemon.stop();
  process.exit(0);
});
await daemon.start("");
ready();
process.stdout.write(`${process.pid}\n`);
