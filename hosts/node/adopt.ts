// Adopt: takes over the sockets of the process before, and what was on its way to their clients.
// Holds   nothing.
// Never   closes a connection that was handed over, and serves none before all are adopted.
// Source  the XenStore protocol, live-update.

import fs from "node:fs";
import {
  CONN_DOMAIN,
  CONN_RING,
  CONN_SOCKET,
  CONN_SOCKET_READ_ONLY,
  HANDLE_EVENTS,
  HANDLE_SOCKET,
  HANDLE_SOCKET_READ_ONLY,
  WANT_LOG,
  WANT_POLL,
  WANT_STORE,
} from "../../assembly/abi.ts";
import { XS_CONTROL, XS_HEADER_SIZE } from "../../assembly/xs_wire.ts";
import type { Core } from "../shared/core.ts";
import type { HandedMachine } from "../shared/machine.ts";
import type { Server } from "../shared/server.ts";
import { encodeMessage, strings } from "../shared/wire.ts";
import { adoptDescriptor } from "./exec.ts";
import { Inherited, isNamedFile } from "./inherited.ts";
import type { Libc } from "./libc.ts";
import type { Places } from "./places.ts";
import type { Transport } from "./transport.ts";

/** Bytes of the reply to a request that went well: "OK" and its NUL. */
const OK_SIZE = XS_HEADER_SIZE + 3;

/** The sockets that a daemon listens on. */
export const LISTENERS = [
  { kind: CONN_SOCKET, which: HANDLE_SOCKET, path: (places: Places) => places.socket },
  {
    kind: CONN_SOCKET_READ_ONLY,
    which: HANDLE_SOCKET_READ_ONLY,
    path: (places: Places) => places.socketReadOnly,
  },
];

/** The parts of a daemon that take over. */
export interface Adopter {
  readonly server: Server;
  readonly transport: Transport;
  readonly places: Places;
  readonly libc: Libc | null;
}

/** What the state says of the machine's event channels; null: there is nothing to go on with. */
export function handedMachine(core: Core, libc: Libc | null): HandedMachine | null {
  const events = core.global(HANDLE_EVENTS);
  if (!isNamedFile(events)) return null;
  adoptDescriptor(libc, events);
  const ports = new Map<number, number>();
  for (const { kind, domid, handle } of core.connections()) {
    if (kind === CONN_RING && handle > 0) ports.set(domid, handle);
  }
  return { events, ports };
}

/**
 * Takes over the sockets that are named in the state.
 * @param sure  a process of ours has handed them over
 * @returns the sockets that nobody listened on, and a promise of what Node does a little later
 */
export function adoptSockets({ server, transport, places, libc }: Adopter, sure: boolean) {
  const { core } = server;
  const missing: number[] = [];
  const listening: Promise<void>[] = [];
  const inherited = new Inherited(sure);
  for (const { kind, which, path } of LISTENERS) {
    const fd = core.global(which);
    if (!inherited.isSocket(fd, true)) {
      missing.push(kind);
      continue;
    }
    adoptDescriptor(libc, fd);
    listening.push(transport.adoptListener(fd, path(places), kind));
  }
  for (const { conn, kind, handle } of [...core.connections()]) {
    if (kind === CONN_RING) continue;
    if (kind === CONN_DOMAIN || !inherited.isSocket(handle, false)) {
      // Somebody inside the process before, or of another process; its end is the connection's.
      core.disconnect(conn);
      continue;
    }
    adoptDescriptor(libc, handle);
    transport.adopt(handle, conn);
  }
  return { missing, listening: Promise.all(listening) };
}

/** Serves what was on its way on all sockets when the process before stood still. */
export function serveAdopted(server: Server): void {
  server.begin();
  for (const { conn, kind } of [...server.core.connections()]) {
    if (kind !== CONN_RING) server.writable(conn);
  }
  server.others(WANT_POLL | WANT_LOG | WANT_STORE);
  server.settle();
}

/**
 * Answers the request for an update that came to nothing: its reply, which is the last thing on
 * its way to the one who asked, says that all went well.
 * @param asker  descriptor of the one who asked
 */
export function answerInstead(core: Core, asker: number, text: string): void {
  for (const { conn, kind, handle } of core.connections()) {
    if (kind === CONN_RING || handle !== asker) continue;
    const out = core.output(conn).slice();
    const before = out.subarray(0, Math.max(out.length - OK_SIZE, 0));
    const reply = Buffer.from(out.subarray(before.length));
    if (reply.length < OK_SIZE || reply.readUInt32LE(0) !== XS_CONTROL) return;
    const payload = strings(text);
    const [reqId, txId] = [reply.readUInt32LE(4), reply.readUInt32LE(8)];
    const message = encodeMessage({ type: XS_CONTROL, reqId, txId, payload });
    if (writeNow(asker, Buffer.concat([before, message]))) core.sent(conn, out.length);
    return;
  }
}

/** Writes all of it; false: nothing could be written, since the other end does not read. */
function writeNow(fd: number, bytes: Uint8Array): boolean {
  let at = 0;
  try {
    while (at < bytes.length) at += fs.writeSync(fd, bytes, at);
  } catch {
    // Whoever leaves its end full does not wait for this reply.
  }
  return at > 0;
}
