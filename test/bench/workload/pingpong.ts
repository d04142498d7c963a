// Reads and writes of one node each: one client, 32 clients, 32 requests at once.
// Holds   the workloads pingpong-read, pingpong-write, clients-32, pipelined-read, pipelined-write
//         and writers.
// Never   touches a node of another client.
// Source  our own; the shapes are those of a frontend driver's and of a toolstack's requests.

import { closeSync, fdatasyncSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import process from "node:process";
import { XS_READ, XS_WRITE } from "../../../assembly/xs_wire.ts";
import { type Connection, type Request, request } from "../connection.ts";
import { type Client, drive, type Script } from "../drive.ts";
import { Random, SEED } from "../random.ts";
import type { Session } from "../session.ts";
import type { Workload } from "../workload.ts";

export const VALUE16 = "0123456789abcdef";
/** Bytes of the answer to a WRITE. */
const OK_LEN = 3;

type Kind = "read" | "write";

/** The node that client `index` reads or writes. */
export const statePath = (index: number) => `/local/domain/${index + 1}/device/vif/0/state`;

/** One client, one request outstanding. */
export const pingpong = (kind: Kind): Workload => ({
  name: `pingpong-${kind}`,
  about: `one client, one ${kind.toUpperCase()} outstanding`,
  fixedAnswers: true,
  open: (session) => run(session, 1, 1, kind === "read" ? 0 : 100),
});

/** One client, 32 requests outstanding. */
export const pipelined = (kind: Kind): Workload => ({
  name: `pipelined-${kind}`,
  about: `one client, 32 ${kind.toUpperCase()} outstanding`,
  fixedAnswers: true,
  open: (session) => run(session, 1, 32, kind === "read" ? 0 : 100),
});

export const clients32: Workload = {
  name: "clients-32",
  about: "32 clients, one request outstanding each, 80 % READ and 20 % WRITE",
  fixedAnswers: true,
  open: (session) => run(session, 32, 1, 20),
};

export const writers: Workload = {
  name: "writers",
  about: "WRITE of one client and of 64: how much storing together saves (--durability disk)",
  open(session) {
    const { own } = session.daemons[0];
    const note = own?.syncs && own.database ? `a sync takes ${syncUs(own.database)} us` : undefined;
    const one = run(session, 1, 1, 100, { name: "one client", note });
    const many = run(session, 64, 1, 100, { name: "64 clients", note });
    return {
      round() {
        one.round();
        many.round();
      },
    };
  },
};

/** Microseconds that a small write takes until it is on the disk below a folder; the median. */
function syncUs(folder: string): number {
  const file = `${folder}/sync-${process.pid}`;
  const fd = openSync(file, "w");
  writeSync(fd, Buffer.alloc(1 << 20));
  fsyncSync(fd);
  const bytes = Buffer.alloc(100);
  const times = Array.from({ length: 50 }, (_, index) => {
    const start = performance.now();
    writeSync(fd, bytes, 0, bytes.length, index * bytes.length);
    fdatasyncSync(fd);
    return (performance.now() - start) * 1000;
  });
  closeSync(fd);
  rmSync(file);
  return Math.round(times.sort((a, b) => a - b)[25]);
}

interface Named {
  name: string;
  note?: string | undefined;
}

function run(
  session: Session,
  count: number,
  depth: number,
  writePercent: number,
  { name, note }: Named = { name: "requests" },
) {
  const clients = Array.from({ length: count }, (_, index): Client => {
    const connection = session.connect();
    connection.call(request(XS_WRITE, [statePath(index)], VALUE16));
    return { connection, depth, script: readsAndWrites(statePath(index), writePercent, index) };
  });
  const connections = clients.map((client) => client.connection);
  const meter = session.meter();
  return {
    round() {
      const reading = drive(session.system, clients, meter, session.effort.span);
      session.rate(name, reading, { connections, ...(note && { note }) });
    },
  };
}

/** Reads and writes of one existing node, `writePercent` of a hundred being writes. */
export function readsAndWrites(path: string, writePercent: number, seed: number): Script {
  const random = new Random(SEED + seed);
  const read = request(XS_READ, [path]);
  const write = request(XS_WRITE, [path], VALUE16);
  const next = (): Request => {
    if (writePercent === 0) return read;
    return writePercent === 100 || random.below(100) < writePercent ? write : read;
  };
  return { next, check: checkReadOrWrite };
}

/** A reply to a READ carries the 16 bytes, one to a WRITE carries `OK`. */
export function checkReadOrWrite(connection: Connection): boolean {
  const want = connection.type === XS_READ ? VALUE16.length : OK_LEN;
  if (connection.len === want) return true;
  throw new Error(`type ${connection.type} was answered with ${connection.len} bytes`);
}
