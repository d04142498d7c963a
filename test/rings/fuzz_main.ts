// Fuzz: the ring fuzzer as a program: node build/fuzz_rings.mjs [kicks] [seed]
// Holds   the command line.
// Never   stops before it has done all its kicks or found something.
// Source  our own.

import process from "node:process";
import { fuzzRings } from "./fuzz.ts";

const KICKS = 1_000_000;
/** Kicks with one seed: a new one begins with a new store. */
const ROUND = 50_000;

const kicks = Number(process.argv[2] ?? KICKS);
const first = Number(process.argv[3] ?? Math.floor(Math.random() * 0x7fffffff));
console.log(`${kicks} kicks, seed ${first} and those that follow`);
for (let done = 0, seed = first; done < kicks; seed++) {
  const report = fuzzRings(seed, Math.min(ROUND, kicks - done));
  done += report.kicks;
  const most = (report.bytesMost / 1e6).toFixed(1);
  console.log(`${done} kicks; seed ${seed}: ${report.ringErrors} broken rings, ${most} MB at most`);
}
