// Nodes: many of them, many in one directory, and all of them removed at once.
// Holds   the workloads nodes, children and rm-subtree.
// Never   waits for ever: a daemon whose cost grows with its store is filled until time is up.
// Source  our own.

import { XS_READ, XS_RM, XS_WRITE } from "../../../assembly/xs_wire.ts";
import { type Request, request } from "../connection.ts";
import { drive, sendAll } from "../drive.ts";
import { Random, SEED } from "../random.ts";
import { breathe, type Session } from "../session.ts";
import type { Workload } from "../workload.ts";
import { checkReadOrWrite, VALUE16 } from "./pingpong.ts";

/** Nodes in one of the directories of a big tree. */
const FAN = 1000;
/** Nodes written between two looks at the clock. */
const CHUNK = 2000;

/**
 * A request whose path has a number of fixed width in two places, changed without any string.
 * Node `index` is /local/domain/<1000 + index / 1000>/data/store/node<index % 1000>: depth 6.
 */
export function numbered(type: number, value = ""): (index: number) => Request {
  const bytes = request(type, ["/local/domain/1000/data/store/node000"], value);
  const domain = bytes.indexOf("1000");
  const leaf = bytes.indexOf("node") + "node".length;
  return (index) => {
    putDigits(bytes, domain, 4, 1000 + Math.floor(index / FAN));
    putDigits(bytes, leaf, 3, index % FAN);
    return bytes;
  };
}

function putDigits(bytes: Buffer, at: number, width: number, number: number): void {
  let rest = number;
  for (let i = at + width - 1; i >= at; i--) {
    bytes[i] = 48 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

/** Writes nodes until there are `count` or time is up. @returns how many there are */
export async function fill(session: Session, daemon: number, count: number, write: Numbered) {
  const connection = session.connect(daemon);
  const until = performance.now() + session.effort.loadMs;
  let made = 0;
  while (made < count && performance.now() < until) {
    const from = made;
    const wanted = Math.min(CHUNK, count - made);
    made += sendAll(connection, wanted, (i) => write(from + i), 64, until);
    await breathe();
  }
  session.disconnect(connection);
  return made;
}

/** Makes the request for the node with a number; its bytes are good until the next one. */
export type Numbered = (index: number) => Request;

/** How many there are, and whether that is all that were wanted. */
export const counted = (made: number, wanted: number) => {
  const note = `${made.toLocaleString("en-US")}${made < wanted ? " in the time allowed" : ""}`;
  return { note };
};

export const nodes: Workload = {
  name: "nodes",
  about: "1,000,000 nodes of 16 bytes: memory, READ and WRITE compared with 1,000 nodes",
  daemons: 2,
  async open(session) {
    const few = session.size(1000, 10);
    const many = session.size(1_000_000, 50);
    const write = numbered(XS_WRITE, VALUE16);
    const idleBytes = session.resident(1);
    await fill(session, 0, few, write);
    const meter = session.meter(1);
    meter.start();
    meter.ops = await fill(session, 1, many, write);
    const made = meter.ops;
    session.rate("filling", meter.stop(), counted(made, many), 1);
    // The directories above the nodes, three for each thousand, are nodes as well.
    const total = made + Math.ceil(made / FAN) * 3;
    const grown = session.resident(1) - idleBytes;
    session.value("memory for each node", "bytes", grown / total, counted(made, many));
    const runs = [
      randomNodes(session, 0, "READ, few nodes", XS_READ, few),
      randomNodes(session, 1, "READ, many nodes", XS_READ, made),
      randomNodes(session, 0, "WRITE, few nodes", XS_WRITE, few),
      randomNodes(session, 1, "WRITE, many nodes", XS_WRITE, made),
    ];
    return {
      round() {
        for (const run of runs) run();
      },
    };
  },
};

/** One client that reads or writes nodes at random, one request outstanding. */
function randomNodes(session: Session, daemon: number, name: string, type: number, count: number) {
  const connection = session.connect(daemon);
  const meter = session.meter(daemon);
  const random = new Random(SEED);
  const message = numbered(type, type === XS_WRITE ? VALUE16 : "");
  const script = { next: () => message(random.below(count)), check: checkReadOrWrite };
  return () => {
    const clients = [{ connection, depth: 1, script }];
    const reading = drive(session.system, clients, meter, session.effort.span);
    session.rate(name, reading, { connections: [connection], ...counted(count, count) }, daemon);
  };
}

const DIRECTORY = "/bench/children";
const child = (index: number) => `${DIRECTORY}/child${String(index).padStart(6, "0")}`;

export const children: Workload = {
  name: "children",
  about: "one more child in a directory of 1,000 and of 100,000",
  daemons: 2,
  async open(session) {
    const many = session.size(100_000, 40);
    const write = (index: number) => request(XS_WRITE, [child(index)], VALUE16);
    const few = await fill(session, 0, session.size(1000, 10), write);
    const made = await fill(session, 1, many, write);
    return {
      async round() {
        await oneMore(session, 0, few, "creating, few children", counted(few, few));
        await oneMore(session, 1, made, "creating, many children", counted(made, many));
      },
    };
  },
};

/** Creates children behind the `count` that are there, then removes them again. */
async function oneMore(
  session: Session,
  daemon: number,
  count: number,
  name: string,
  remarks: { note?: string } = {},
) {
  const connection = session.connect(daemon);
  const meter = session.meter(daemon);
  const { span } = session.effort;
  const until = performance.now() + span.measureMs;
  const most = session.size(2000, 3);
  meter.start();
  let made = 0;
  for (let start = performance.now(); made < most && (span.ops || start < until); ) {
    connection.call(request(XS_WRITE, [child(count + made++)], VALUE16));
    const now = performance.now();
    meter.add(now - start);
    start = now;
  }
  session.rate(name, meter.stop(), { ...remarks, connections: [connection] }, daemon);
  for (let i = 0; i < made; i++) connection.call(request(XS_RM, [child(count + i)]));
  session.disconnect(connection);
  await breathe();
}

export const subtree: Workload = {
  name: "rm-subtree",
  about: "RM of a subtree of 100,000 nodes",
  async open(session) {
    const many = session.size(100_000, 40);
    const path = (i: number) =>
      `/bench/tree/a${Math.floor(i / 1000)}/b${((i % 1000) / 100) | 0}/c${i}`;
    const write = (index: number) => request(XS_WRITE, [path(index)], VALUE16);
    const connection = session.connect();
    const meter = session.meter();
    return {
      async round() {
        const made = await fill(session, 0, many, write);
        meter.start();
        connection.call(request(XS_RM, ["/bench/tree"]));
        meter.ops = made;
        const reading = meter.stop();
        session.rate("nodes removed", reading, counted(made, many));
      },
    };
  },
};
