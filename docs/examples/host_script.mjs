// Host script: names the domains of a host, then says which come and go, until Ctrl-C.
//   node host_script.mjs            in dom0; XENSTORED_PATH names another store
import { connect, isXenstoreError } from "xenstore";

const xs = await connect();

// Neither event says which domain it is about, and the first of each comes at once.
const watches = ["@introduceDomain", "@releaseDomain"].map((special) => xs.watch(special));
process.once("SIGINT", () => watches.map((watch) => watch.return()));

const known = new Map();
await Promise.all(watches.map(follow));
await xs.close();

async function follow(watch) {
  for await (const _event of watch) compare(await domains());
}

function compare(now) {
  for (const [domid, line] of now) if (!known.has(domid)) console.log(`+ ${line}`);
  for (const [domid, line] of known) if (!now.has(domid)) console.log(`- ${line}`);
  known.clear();
  for (const [domid, line] of now) known.set(domid, line);
}

/** A line about each domain that has a home, by domid. */
async function domains() {
  const domids = (await list("/local/domain")).map(Number).sort((a, b) => a - b);
  // All requests go out at once; the replies come in the same order.
  const lines = await Promise.all(domids.map(describe));
  return new Map(domids.map((domid, index) => [domid, lines[index]]));
}

async function describe(domid) {
  const home = xs.at(`/local/domain/${domid}`);
  const [name, kib] = await Promise.all([
    home.read("name", { default: "(no name)" }),
    home.read("memory/target", { as: "int", default: 0 }),
  ]);
  return `${String(domid).padStart(5)}  ${name.padEnd(20)} ${kib / 1024} MiB`;
}

/** Names of the children; none if there is no such node. */
async function list(path) {
  try {
    return await xs.list(path);
  } catch (error) {
    if (isXenstoreError(error, "ENOENT")) return [];
    throw error;
  }
}
