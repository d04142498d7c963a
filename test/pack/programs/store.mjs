// Store program: makes stores with each entry of the installed package, and prints what came out.
// Holds   nothing.
// Never   needs a daemon.
// Source  our own.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import * as plain from "xenstore";
import * as inline from "xenstore/inline";
import { createTestStore } from "xenstore/testing";
import { clientStream, runTool, splitWords } from "xenstore/tools";
import { encodeMessage, MessageReader, operationName, strings, XS_READ } from "xenstore/wire";

const results = {};
for (const [name, { createStore, ManualClock }] of Object.entries({ plain, inline })) {
  const store = await createStore({ seed: 1, clock: new ManualClock() });
  results[name] = { ...(await use(store)), hash: await store.hash() };
  await store.close();
}
results.testing = await fail();
results.wire = wire();
results.tools = await tools();
results.kept = await keep();
results.port = await port();
results.elsewhere = await plain.opfsStorage().catch((error) => error.message);
results.same = plain.XenstoreError === inline.XenstoreError;
results.names = Object.keys(plain).sort();
results.alike = Object.keys(inline).sort().join() === results.names.join();
console.log(JSON.stringify(results));

async function use(store) {
  const guest = await store.asDomain(7);
  const watch = guest.watch("data");
  await watch.ready;
  await store.client.write("/local/domain/7/data", "höst");
  await store.client.setPerms("/local/domain/7/data", "n7 r0");
  const seen = [];
  for await (const event of watch) {
    seen.push([event.path, event.initial]);
    if (seen.length === 2) break;
  }
  const value = await guest.read("data");
  const counted = await guest.transaction(async (tx) => {
    const count = await tx.read("count", { as: "int", default: 0 });
    await tx.write("count", count + 1);
    return count + 1;
  });
  const refused = await guest.read("/tool").catch((error) => [error.name, error.code, error.op]);
  const again = await plain.connect(store);
  const list = await again.list("/local/domain/7");
  await again.close();
  return { seen, value, counted, refused, list };
}

async function fail() {
  const store = await createTestStore({ seed: 1 });
  store.faults.fail("EAGAIN", { times: 1 });
  let runs = 0;
  await store.client.transaction(async (tx) => {
    runs += 1;
    await tx.write("/a", "b");
  });
  await store.close();
  return { runs };
}

/** A store in a folder, closed and opened again. */
async function keep() {
  const folder = mkdtempSync(path.join(tmpdir(), "xenstore-kept-"));
  const hashes = [];
  for (const value of ["1", null]) {
    const storage = await plain.fileStorage(folder);
    const store = await plain.createStore({ storage });
    if (value !== null) await store.client.write("/tool/kept", value);
    hashes.push(await store.hash(), await store.client.read("/tool/kept"));
    await store.close();
  }
  rmSync(folder, { recursive: true });
  return [hashes[0] === hashes[2], hashes[3]];
}

/** A client at the other end of a MessagePort. */
async function port() {
  const store = await plain.createStore();
  const { port1, port2 } = new MessageChannel();
  plain.serve(store, port1, { readOnly: true });
  const xs = await plain.connect(port2);
  await store.client.write("/tool/a", "b");
  const seen = [await xs.read("/tool/a"), await xs.write("/x", "y").catch(({ code }) => code)];
  await xs.close();
  await store.close();
  return seen;
}

/** Command lines over the connection of a guest. */
async function tools() {
  const store = await plain.createStore();
  const guest = await store.guest(7);
  const said = [];
  for (const line of [
    "xenstore write data 'höst €'",
    "xenstore-read -R data",
    "xenstore read /x",
  ]) {
    const exitCode = await runTool(splitWords(line), {
      connect: () => clientStream(guest.client),
      out: (text) => said.push(text),
      err: (text) => said.push(text),
    });
    said.push(exitCode);
  }
  await store.close();
  return said;
}

function wire() {
  const message = { type: XS_READ, reqId: 1, txId: 0, payload: strings("/a") };
  const [back] = new MessageReader().push(encodeMessage(message));
  return [operationName(back.type), back.payload.length];
}
