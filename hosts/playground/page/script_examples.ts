// Script examples: short scripts to begin with.
// Holds   their texts; a test runs each of them.
// Never   needs anything in the store before.
// Source  our own; docs/library.md.

export interface Example {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

const READ_WRITE = `// Read and write: the first steps. Run it with Ctrl+Enter.
import { connect, formatPerms } from "xenstore";

const xs = await connect(); // As domain 0, which may do everything

await xs.write("/tool/hello", "world");
console.log(await xs.read("/tool/hello"));
console.log(await xs.read("/tool/nobody", { default: "nothing there" }));

await xs.write("/tool/count", 42);
console.log(await xs.read("/tool/count", { as: "int" }) + 1);

console.log("below /tool:", await xs.list("/tool"));
console.log("permissions:", formatPerms(await xs.getPerms("/tool/hello")));

// A subtree as plain data, all of one moment:
console.log(await xs.snapshot("/tool"));

await xs.close();
`;

const WAIT = `// Wait for a value: no polling, no sleep. A watch hears of every change.
import { connect } from "xenstore";

const xs = await connect();
const state = "/tool/wait/state";
await xs.write(state, 1);

// Somebody else, who takes his time:
setTimeout(() => xs.write(state, 2), 500);
setTimeout(() => xs.write(state, 4), 1000);

console.log("waiting for state 4 ...");
await xs.waitFor(state, 4, { as: "int", timeout: 5000 });
console.log("it is 4");

// A watch is a loop. Its first event comes at once, before anything has changed.
const watch = xs.watch("/tool/wait");
for await (const event of watch) {
  console.log(event.initial ? "set:" : "changed:", event.path);
  if (event.initial) await xs.rm(state);
  else break; // Leaving the loop removes the watch.
}
await xs.close();
`;

const COUNTER = `// A counter for two: each adds 10, at the same time, and nothing is lost.
import { connect } from "xenstore";

const counter = "/tool/counter";
const clients = [await connect(), await connect()];
await clients[0].write(counter, 0);

let conflicts = 0;
async function addTen(xs) {
  for (let i = 0; i < 10; i++) {
    await xs.transaction(
      async (tx) => {
        const count = await tx.read(counter, { as: "int" });
        await tx.write(counter, count + 1);
      },
      // The other one was faster: the function runs again.
      { onConflict: () => conflicts++ },
    );
  }
}
await Promise.all(clients.map(addTen));

console.log("counter:", await clients[0].read(counter)); // 20
console.log("commits that had to be repeated:", conflicts);
await Promise.all(clients.map((xs) => xs.close()));
`;

const HANDSHAKE = `// How a network device connects: a backend in domain 0 and a frontend in domain 7
// tell each other their state until both say 4 (Connected).
import { asDomain, connect } from "xenstore";

const Initialising = 1, InitWait = 2, Initialised = 3, Connected = 4;
const front = "/local/domain/7/device/vif/0";
const back = "/local/domain/0/backend/vif/7/0";
const host = await connect();
const guest = await asDomain(7);

// The toolstack makes both ends. Each side may read the other's, and write its own.
await host.apply(front, {
  perms: "n7 r0",
  children: { backend: { value: back }, state: { value: "1" } },
});
await host.apply(back, {
  perms: "n0 r7",
  children: {
    frontend: { value: front },
    mac: { value: "00:16:3e:00:00:07" },
    state: { value: "1" },
  },
});

async function backend() {
  await host.write(back + "/state", InitWait);
  await host.waitFor(front + "/state", Initialised, { as: "int", timeout: 5000 });
  const ring = await host.read(front + "/tx-ring-ref");
  console.log("backend: maps ring", ring);
  await host.write(back + "/state", Connected);
}

async function frontend() {
  await guest.waitFor(back + "/state", InitWait, { as: "int", timeout: 5000 });
  console.log("frontend: mac is", await guest.read(back + "/mac"));
  await guest.transaction(async (tx) => {
    await tx.write(front + "/tx-ring-ref", 768);
    await tx.write(front + "/event-channel", 11);
    await tx.write(front + "/state", Initialised);
  });
  await guest.waitFor(back + "/state", Connected, { as: "int", timeout: 5000 });
  await guest.write(front + "/state", Connected);
  console.log("frontend: connected");
}

await Promise.all([backend(), frontend()]);
await Promise.all([host.close(), guest.close()]);
`;

const LOAD = `// How many operations a second? Three seconds of reads and writes, many at once.
import { connect } from "xenstore";

const SECONDS = 3;
const AT_ONCE = 64;
const xs = await connect();

let count = 0;
const end = performance.now() + SECONDS * 1000;
async function work(n) {
  const path = \`/tool/load/\${n}\`;
  for (let i = 0; performance.now() < end; i++) {
    await xs.write(path, i);
    await xs.read(path);
    count += 2;
  }
}

let before = 0;
const report = setInterval(() => {
  console.log(count - before, "operations in the last second");
  before = count;
}, 1000);
await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => work(n)));
clearInterval(report);

console.log(Math.round(count / SECONDS), "operations a second");
await xs.rm("/tool/load");
await xs.close();
`;

export const EXAMPLES: readonly Example[] = [
  { id: "read-write", title: "Read and write", text: READ_WRITE },
  { id: "wait", title: "Wait for a value", text: WAIT },
  { id: "counter", title: "A counter for two clients", text: COUNTER },
  { id: "handshake", title: "A device connects: backend and frontend", text: HANDSHAKE },
  { id: "load", title: "Operations a second", text: LOAD },
];
