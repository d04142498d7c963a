// Sites of Node: every way to a store that this runtime has, for the conformance cases.
// Holds   the stores and daemons that were started, each in a folder of its own.
// Never   names a case.
// Source  our own; test/peers for the daemons of Xen.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openClient } from "../../hosts/client/client.ts";
import type { Transport } from "../../hosts/client/transport.ts";
import { createStore } from "../../hosts/embed/store.ts";
import { socketTransport } from "../../hosts/node/client_transport.ts";
import { wasmModule } from "../core.ts";
import { type Peer, startC, startOcaml, startOurs, unavailable } from "../peers/peer.ts";
import { BreakingTransport } from "./breaking.ts";
import type { Need, Site } from "./conformance.ts";

/** A site that has been started. */
export type Started = Site & { stop(): Promise<void> };

/** A way to a store. */
export interface Way {
  readonly name: string;
  /** Why it can't be had on this machine, or null. */
  missing(): string | null;
  start(): Promise<Started>;
}

const NO_LIMITS = {
  nodes: 0,
  watches: 0,
  memory: 0,
  "soft-memory": 0,
  transactions: 0,
  "transaction-nodes": 0,
  "node-size": 0,
  "path-max": 0,
};

const SOCKET: Need[] = ["connect", "privileged", "reconnect"];
const OURS: Need[] = [
  ...SOCKET,
  "control",
  "features",
  "longPaths",
  "parts",
  "quota",
  "specialDomain",
  "specialPerms",
];

export const WAYS: readonly Way[] = [
  { name: "a store in this process", missing: () => null, start: startLocal },
  { name: "a guest's ring", missing: () => null, start: startRing },
  {
    name: "the socket of our daemon",
    missing: () => unavailable("ours"),
    start: () => startDaemon(startOurs, OURS),
  },
  {
    name: "the socket of the C daemon",
    missing: () => unavailable("c"),
    start: () => startDaemon(startC, [...SOCKET, "control", "parts"]),
  },
  {
    name: "the socket of oxenstored",
    missing: () => unavailable("ocaml"),
    start: () => startDaemon(startOcaml, SOCKET),
  },
];

async function startLocal(): Promise<Started> {
  const store = await createStore({ module: wasmModule() });
  const transport = new BreakingTransport({
    name: "store:dom0",
    reconnects: false,
    open: async () => store.stream(),
  });
  return {
    offers: new Set<Need>([...OURS, "asDomain"]),
    domid: 0,
    connect: (options) => openClient(transport, options),
    other: () => store.connect(),
    asDomain: (domid) => store.asDomain(domid),
    cut: () => transport.cut(),
    stop: () => store.close(),
  };
}

/** A guest has one ring, and its client begins anew each time. */
async function startRing(): Promise<Started> {
  const domid = 7;
  const store = await createStore({ module: wasmModule(), quota: NO_LIMITS });
  const guest = await store.guest(domid, { connect: false });
  return {
    offers: new Set<Need>(["asDomain", "longPaths", "parts"]),
    domid,
    connect: (options) => guest.connect(options),
    other: () => store.connect(),
    asDomain: (other) => store.asDomain(other),
    stop: () => store.close(),
  };
}

async function startDaemon(
  start: (dir: string) => Promise<Peer>,
  offers: readonly Need[],
): Promise<Started> {
  const dir = mkdtempSync(join(tmpdir(), "xs-client-"));
  const peer = await start(dir);
  const socket: Transport = socketTransport(peer.socket);
  const transport = new BreakingTransport(socket);
  return {
    offers: new Set(offers),
    domid: 0,
    connect: (options) => openClient(transport, options),
    other: () => openClient(socket),
    cut: () => transport.cut(),
    stop: async () => {
      await peer.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
