// Client: awaited reads of the JavaScript client, over a socket and in this process.
// Holds   the workloads client and client-local.
// Never   leaves the echo behind, which the socket is compared with in the same round.
// Source  our own.

import { readFileSync } from "node:fs";
import { openClient } from "../../../hosts/client/client.ts";
import type { Transport } from "../../../hosts/client/transport.ts";
import { socketTransport } from "../../../hosts/node/client_transport.ts";
import { Core } from "../../../hosts/shared/core.ts";
import { LocalStream } from "../../../hosts/shared/local_stream.ts";
import { Server } from "../../../hosts/shared/server.ts";
import { WASM } from "../core_client.ts";
import { EchoClient, EchoServer } from "../echo.ts";
import type { Meter } from "../meter.ts";
import type { Session } from "../session.ts";
import type { Workload } from "../workload.ts";
import { statePath, VALUE16 } from "./pingpong.ts";

const PATH = statePath(0);
/** Bytes of a READ of PATH: header, path, NUL. Its reply is as long as that or shorter. */
const SIZE = 16 + PATH.length + 1;
const MANY = 64;
const COUNTS = [
  ["one by one", 1],
  [`${MANY} at once`, MANY],
] as const;

export const client: Workload = {
  name: "client",
  about: "the JavaScript client: awaited reads, one by one and 64 at once, beside a bare echo",
  async open(session) {
    const store = await openClient(socketTransport(session.daemons[0].socket));
    await store.write(PATH, VALUE16);
    const server = await EchoServer.start();
    session.pinLike(server.pid);
    const echo = await EchoClient.connect(server.socket, SIZE);
    session.atEnd(async () => {
      echo.close();
      server.stop();
      await store.close();
    });
    const own = session.meter();
    const other = session.meterOf(server.pid);
    const read = async () => (await store.read(PATH)) === VALUE16;
    const back = async () => {
      await echo.echo();
      return true;
    };
    return {
      async round() {
        for (const [about, count] of COUNTS) {
          await measure(session, `reads, ${about}`, own, (more) => lanes(read, count, more));
          await measure(session, `bare echo, ${about}`, other, (more) => lanes(back, count, more));
        }
        const pieces = (more: () => boolean) => echo.pieces(MANY, more);
        const note = "nobody awaits a message, nor looks at one";
        await measure(session, `pieces of ${MANY} echoed`, other, pieces, note);
      },
    };
  },
};

export const clientLocal: Workload = {
  name: "client-local",
  about: "the JavaScript client and the store in one process: awaited reads",
  needs: "core",
  async open(session) {
    const store = await openClient(localTransport());
    await store.write(PATH, VALUE16);
    session.atEnd(() => store.close());
    const meter = session.meter();
    const read = async () => (await store.read(PATH)) === VALUE16;
    return {
      async round() {
        for (const [about, count] of COUNTS) {
          await measure(session, `reads, ${about}`, meter, (more) => lanes(read, count, more));
        }
      },
    };
  },
};

function localTransport(): Transport {
  const core = new Core(new WebAssembly.Module(readFileSync(WASM)), new Uint32Array(2));
  const clock = { nowMs: () => performance.now(), after: () => {} };
  const server = new Server(core, clock, { records: () => {} });
  return { name: "local", reconnects: false, open: async () => new LocalStream(server) };
}

/** Asks again and again, `count` at once, until there is enough. Throws for a wrong answer. */
async function lanes(ask: () => Promise<boolean>, count: number, more: () => boolean) {
  const lane = async () => {
    do if (!(await ask())) throw new Error("a reply is not what was asked for");
    while (more());
  };
  await Promise.all(Array.from({ length: count }, lane));
}

type Drive = (more: () => boolean) => Promise<void>;

/** Runs for the warm-up, then for the measured time; looks at the clock now and then. */
async function measure(
  session: Session,
  name: string,
  meter: Meter,
  drive: Drive,
  note?: string,
): Promise<void> {
  const { warmupMs, measureMs, ops } = session.effort.span;
  await drive(until(ops ?? 0, warmupMs));
  meter.start();
  let count = 0;
  const more = until(ops ?? 0, measureMs);
  await drive(() => {
    count++;
    return more();
  });
  meter.ops = count;
  session.rate(name, meter.stop(), note === undefined ? {} : { note });
}

/** Says no when both `least` calls were made and the time is over. */
function until(least: number, ms: number): () => boolean {
  const endMs = performance.now() + ms;
  let left = least;
  let look = 0;
  return () => {
    left--;
    if (++look < 16) return true;
    look = 0;
    return left > 0 || performance.now() < endMs;
  };
}
