// Worker: a guest in a thread of its own, for worker.test.ts.
// Holds   its end of the ring.
// Never   has anything of the store but the page and the channel.
// Source  our own.

import { parentPort, workerData } from "node:worker_threads";
import { AtomicsChannel } from "../../hosts/shared/atomics_channel.ts";
import { Client } from "../../hosts/shared/client.ts";
import { GuestRing } from "../../hosts/shared/guest_ring.ts";
import { MemoryPage } from "../../hosts/shared/machine.ts";

// A wait for an event alone does not keep a thread of Node alive.
parentPort?.on("message", () => {});
const buffer = workerData as SharedArrayBuffer;
const channel = new AtomicsChannel(buffer, 4096, 1);
const ring = new GuestRing(new MemoryPage(buffer), () => channel.notify());
void channel.listen(() => ring.event());
const client = new Client(ring);
await client.watch("from-host", "token");
await client.nextEvent();
for (let i = 0; i < 500; i++) await client.write("count", String(i));
parentPort?.postMessage("written");
await client.nextEvent();
parentPort?.postMessage(Buffer.from(await client.read("from-host")).toString());
channel.close();
parentPort?.close();
