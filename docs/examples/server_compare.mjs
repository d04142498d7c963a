// Compares the two: 1,000 reads each, one after the other, and once more all at a time.
//   node server_compare.mjs [PATH]
import { readKey as after, close } from "./server_after.mjs";
import { readKey as before } from "./server_before.mjs";

const READS = 1000;
const path = process.argv[2] ?? "/local/domain/0/name";

if ((await before(path)) !== (await after(path))) throw new Error(`they differ about ${path}`);
const spawned = await time(() => inTurn(before));
const connected = await time(() => inTurn(after));
const together = await time(() => Promise.all(Array.from({ length: READS }, () => after(path))));
await close();
console.log(`xenstore-read for each:      ${spawned.toFixed(0)} ms`);
console.log(`one connection:              ${connected.toFixed(1)} ms`);
console.log(`one connection, all at once: ${together.toFixed(1)} ms`);

async function inTurn(readKey) {
  for (let i = 0; i < READS; i++) await readKey(path);
}

async function time(reads) {
  const startMs = performance.now();
  await reads();
  return performance.now() - startMs;
}
