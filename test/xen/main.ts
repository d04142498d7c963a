// Main: boots a real Xen in an emulated machine with our daemon, npm run test:xen.
// Holds   the command line, the list of scenarios, and the exit code.
// Never   passes over a scenario without saying so.
// Source  our own.

import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { boot, INSTALLED } from "./boot.ts";
import { type Image, makeImage } from "./image.ts";
import { judge } from "./judge.ts";
import { missing } from "./missing.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";

const USAGE = `usage: npm run test:xen -- [--daemon ours|c] [--limit SECONDS] [SCENARIO...]
  SCENARIO   ${SCENARIOS.map(({ name }) => name).join(", ")}; without any: all
  --daemon   whose daemon serves the store (ours)
  --limit    seconds after which a scenario is given up (3600)
The image is made once, in build/xen (or XEN_TEST_FOLDER); needs about 1.5 GB of disk, 3 GB of memory.`;

const DAEMONS: Readonly<Record<string, string>> = {
  ours: `${INSTALLED}/build/hosts/xenstored.mjs --verbose`,
  c: "/usr/sbin/xenstored",
};

/** The bundle lies in build/. */
const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const SOURCES = path.join(ROOT, "test/xen");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    daemon: { type: "string", default: "ours" },
    limit: { type: "string", default: "3600" },
    help: { type: "boolean", short: "h" },
  },
});
process.exitCode = await main();

async function main(): Promise<number> {
  const unknown = positionals.find((name) => SCENARIOS.every((one) => one.name !== name));
  const daemon = DAEMONS[values.daemon];
  if (values.help || unknown !== undefined || !daemon || !(Number(values.limit) > 0)) {
    console.log(unknown === undefined ? USAGE : `no scenario "${unknown}"\n${USAGE}`);
    return values.help ? 0 : 2;
  }
  const wanted = SCENARIOS.filter(({ name }) => !positionals.length || positionals.includes(name));
  const why = missing(ROOT);
  if (why !== null) {
    for (const { name } of wanted) console.log(`skipped  ${name}: ${why}`);
    console.log(`0 passed, 0 failed, ${wanted.length} skipped`);
    return 0;
  }
  const folder = process.env.XEN_TEST_FOLDER ?? path.join(ROOT, "build/xen");
  const image = makeImage(folder, SOURCES);
  let failures = 0;
  let skipped = 0;
  for (const scenario of wanted) {
    if (scenario.oursOnly && values.daemon !== "ours") {
      console.log(`skipped  ${scenario.name}: only our daemon can do that`);
      skipped += 1;
      continue;
    }
    console.log(`== ${scenario.name}`);
    if (!(await play(scenario, image, daemon, path.join(folder, "runs", scenario.name)))) {
      failures += 1;
    }
  }
  const passed = wanted.length - failures - skipped;
  console.log(`${passed} passed, ${failures} failed, ${skipped} skipped`);
  return failures > 0 ? 1 : 0;
}

/** Boots once or more, and tells what was found. Returns whether all is well. */
async function play(
  { file, guestType, boots = 1 }: Scenario,
  image: Image,
  daemon: string,
  folder: string,
): Promise<boolean> {
  const carried = boots > 1 ? path.join(folder, "carried") : null;
  if (carried) {
    fs.rmSync(carried, { recursive: true, force: true });
    fs.mkdirSync(carried, { recursive: true });
  }
  let failures = 0;
  for (let number = 1; number <= boots && failures === 0; number++) {
    const startMs = performance.now();
    const limitMs = Number(values.limit) * 1000;
    const run = { scenario: file, guestType, project: ROOT, daemon, folder, limitMs };
    const { text, log } = await boot(image, SOURCES, { ...run, number, carried });
    const { passed, failed } = judge(text);
    for (const line of failed) console.log(`failed   ${line}`);
    const seconds = Math.round((performance.now() - startMs) / 1000);
    const where = path.relative(process.cwd(), log);
    console.log(`${passed.length} checks passed, ${failed.length} failed (${seconds} s; ${where})`);
    failures += failed.length;
  }
  return failures === 0;
}
