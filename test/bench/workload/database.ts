// Database: what storing a million nodes costs those who go on, and those who start with them.
// Holds   the workloads compaction and restart.
// Never   counts a time in which nothing was being written as one in which something was.
// Source  our own; "The database" in ARCHITECTURE.md.

import { readdirSync, statSync } from "node:fs";
import { XS_READ, XS_WRITE } from "../../../assembly/xs_wire.ts";
import { type Connection, request } from "../connection.ts";
import { sendAll } from "../drive.ts";
import { Random, SEED } from "../random.ts";
import { breathe, type Session } from "../session.ts";
import type { Workload } from "../workload.ts";
import { counted, fill, numbered } from "./nodes.ts";
import { VALUE16 } from "./pingpong.ts";

const MILLION = 1_000_000;
/** Requests between two looks at the folder. */
const BATCH = 8;
/** How long to measure without a snapshot. */
const CALM_MS = 2000;
/** A value that makes the journal grow fast. */
const LARGE = "x".repeat(2000);

export const compaction: Workload = {
  name: "compaction",
  about: "1,000,000 nodes: the longest wait of one client while a snapshot is written",
  needs: "database",
  async open(session) {
    const wanted = session.size(MILLION, 500);
    const write = numbered(XS_WRITE, VALUE16);
    const made = await fill(session, 0, wanted, write);
    const connection = session.connect();
    await settled(session);
    return {
      async round() {
        const before = newest(session);
        const until = performance.now() + session.size(CALM_MS, 10);
        const calm = waits(session, connection, made, () => performance.now() > until);
        await journalGrows(session, connection, before);
        const during = waits(session, connection, made, () => newest(session) > before);
        const note = `${counted(made, wanted).note} nodes`;
        session.value("longest wait otherwise", "ms", calm.wallMs, { note });
        session.value("longest wait", "ms", during.wallMs, { note });
        // What others do on the machine may make a wait long, but not this.
        session.value("most processor time otherwise", "ms", calm.cpuMs, { note });
        session.value("most processor time", "ms", during.cpuMs, { note });
      },
    };
  },
};

/** Number of the newest snapshot that is complete, 0 for none. */
function newest(session: Session): number {
  return Math.max(0, ...snapshots(session, /^snapshot\.(\d+)$/));
}

function snapshots(session: Session, name: RegExp): number[] {
  const found = readdirSync(session.own().database as string).map((file) => name.exec(file)?.[1]);
  return found.filter((number) => number !== undefined).map(Number);
}

const isWriting = (session: Session) => snapshots(session, /^snapshot\.(\d+)\.new$/).length > 0;

/** Waits until no snapshot is being written. */
async function settled(session: Session): Promise<void> {
  while (isWriting(session)) await new Promise((next) => setTimeout(next, 20));
}

/** Writes until the daemon begins a snapshot, or has written one already. */
async function journalGrows(session: Session, connection: Connection, before: number) {
  const write = request(XS_WRITE, ["/bench/large"], LARGE);
  while (!isWriting(session) && newest(session) === before) {
    sendAll(connection, 16, () => write);
    await breathe();
  }
}

/**
 * Reads and writes at random, one request outstanding.
 * @param over  asked now and then whether that is enough
 * @returns     the longest wait for one of them, and the most that the daemon worked for one
 */
function waits(session: Session, connection: Connection, count: number, over: () => boolean) {
  const random = new Random(SEED);
  const read = numbered(XS_READ);
  const write = numbered(XS_WRITE, VALUE16);
  const { pid } = session.daemons[0];
  const worst = { wallMs: 0, cpuMs: 0 };
  while (!over()) {
    for (let n = 0; n < BATCH; n++) {
      const message = (n & 1 ? read : write)(random.below(count));
      const startCpu = session.system.cpuSeconds(pid);
      const startMs = performance.now();
      connection.call(message);
      worst.wallMs = Math.max(worst.wallMs, performance.now() - startMs);
      const cpuMs = (session.system.cpuSeconds(pid) - startCpu) * 1000;
      worst.cpuMs = Math.max(worst.cpuMs, cpuMs);
    }
  }
  return worst;
}

export const restart: Workload = {
  name: "restart",
  about: "1,000,000 nodes: from the start of a daemon, after kill -9, to its first answer",
  needs: "database",
  async open(session) {
    const wanted = session.size(MILLION, 500);
    const made = await fill(session, 0, wanted, numbered(XS_WRITE, VALUE16));
    const note = `${counted(made, wanted).note} nodes, ${megabytes(session)} MB`;
    return {
      async round() {
        const ms = await session.own().again();
        session.value("start", "ms", ms, { note });
        const connection = session.connect();
        const read = numbered(XS_READ);
        for (let index = 0; index < made; index += Math.ceil(made / 1000)) {
          connection.call(read(index));
          if (connection.text() !== VALUE16) throw new Error(`node ${index} has another value`);
        }
        session.disconnect(connection);
      },
    };
  },
};

/** Size of the database. */
function megabytes(session: Session): number {
  const folder = session.own().database as string;
  const sizes = readdirSync(folder).map((file) => statSync(`${folder}/${file}`).size);
  return Math.round(sizes.reduce((sum, size) => sum + size, 0) / 1e6);
}
