// Drive: clients that always have a fixed number of requests outstanding, for a given time.
// Holds   the loops; a closed loop, so a reply's arrival is the next request's start.
// Never   knows what is asked: `Script` does.
// Source  our own.

import { XS_ERROR, XS_WATCH_EVENT } from "../../assembly/xs_wire.ts";
import type { Connection, Request } from "./connection.ts";
import type { Meter, Reading } from "./meter.ts";
import { MSG_DONTWAIT, type System } from "./system.ts";

/** What one client asks for, one request after the other. */
export interface Script {
  /** The next request; called once for each that is to be sent. */
  next(): Request;
  /** Transaction of the request that `next` just gave. */
  txId?(): number;
  /**
   * Looks at a reply that is no error, in order.
   * @returns whether an operation ended with it
   */
  check?(connection: Connection): boolean;
  /** Milliseconds at which the operation began, when it is longer than one request. */
  began?(): number;
  /** Sees an error; true when it belongs to the game. Without it errors end the run. */
  error?(connection: Connection): boolean;
}

/** A connection, its script, and the start times of what is outstanding. */
export interface Client {
  connection: Connection;
  script: Script;
  depth: number;
}

/** How long to run; or exactly `ops` operations, whatever the time. */
export interface Span {
  warmupMs: number;
  measureMs: number;
  ops?: number | undefined;
}

class Lane {
  readonly connection: Connection;
  readonly script: Script;
  readonly #started: Float64Array;
  #sent = 0;
  #done = 0;
  #last: Request = Buffer.alloc(0);

  constructor(client: Client) {
    this.connection = client.connection;
    this.script = client.script;
    this.#started = new Float64Array(client.depth);
  }

  get outstanding(): number {
    return this.#sent - this.#done;
  }

  ask(nowMs: number): void {
    const { script } = this;
    this.#last = script.next();
    this.connection.queue(this.#last, script.txId ? script.txId() : 0);
    this.#started[this.#sent++ % this.#started.length] = nowMs;
  }

  /** Takes in every whole message and, unless the end is near, asks again for each. */
  serve(nowMs: number, meter: Meter, more: boolean): void {
    const { connection, script } = this;
    while (connection.take()) {
      if (connection.type === XS_WATCH_EVENT) continue;
      const startMs = this.#started[this.#done++ % this.#started.length];
      const failed = connection.type === XS_ERROR;
      if (failed && !script.error?.(connection)) connection.refuse(this.#last);
      const ended = !failed && (script.check?.(connection) ?? true);
      if (ended) meter.add(nowMs - (script.began?.() ?? startMs));
      if (more) this.ask(nowMs);
    }
    connection.flush();
  }
}

/** Runs all clients at once and returns what the measured stretch cost. */
export function drive(system: System, clients: Client[], meter: Meter, span: Span): Reading {
  const lanes = clients.map((client) => new Lane(client));
  const begin = performance.now();
  for (const [i, lane] of lanes.entries()) {
    for (let n = 0; n < clients[i].depth; n++) lane.ask(begin);
    lane.connection.flush();
  }
  const turn = lanes.length === 1 ? alone(lanes[0], meter) : together(system, lanes, meter);
  const measureFrom = begin + span.warmupMs;
  const end = measureFrom + span.measureMs;
  let nowMs = begin;
  while (span.ops === undefined && nowMs < measureFrom) nowMs = turn.step();
  meter.start();
  if (span.ops !== undefined) while (meter.ops < span.ops) turn.step();
  else while (nowMs < end || !meter.ops) nowMs = turn.step();
  const reading = meter.stop();
  for (const lane of lanes) drain(lane, meter);
  turn.close();
  return reading;
}

interface Turn {
  /** Waits for replies and serves them. @returns the time at which they were there */
  step(): number;
  close(): void;
}

function alone(lane: Lane, meter: Meter): Turn {
  return {
    step() {
      lane.connection.fill();
      const nowMs = performance.now();
      lane.serve(nowMs, meter, true);
      return nowMs;
    },
    close() {},
  };
}

function together(system: System, lanes: Lane[], meter: Meter): Turn {
  const poller = system.poller();
  const byFd: Lane[] = [];
  for (const lane of lanes) {
    byFd[lane.connection.fd] = lane;
    poller.add(lane.connection.fd);
  }
  return {
    step() {
      const count = poller.wait(1000);
      let nowMs = performance.now();
      for (let i = 0; i < count; i++) {
        const lane = byFd[poller.ready(i)];
        if (!lane.connection.fill(MSG_DONTWAIT)) continue;
        nowMs = performance.now();
        lane.serve(nowMs, meter, true);
      }
      return nowMs;
    },
    close: () => poller.close(),
  };
}

/** Takes in what is still under way, so that the daemon is idle afterwards. */
function drain(lane: Lane, meter: Meter): void {
  while (lane.outstanding) {
    lane.connection.fill();
    lane.serve(0, meter, false);
  }
}

/**
 * Sends requests as fast as `window` outstanding ones allow and waits for all replies.
 * @param next  the request with this number
 * @returns how many were answered: fewer than `count` when `untilMs` came first
 */
export function sendAll(
  connection: Connection,
  count: number,
  next: (index: number) => Request,
  window = 64,
  untilMs = Number.POSITIVE_INFINITY,
): number {
  let sent = 0;
  let done = 0;
  let wanted = count;
  let last: Request = Buffer.alloc(0);
  while (done < wanted) {
    while (sent < wanted && sent - done < window) {
      last = next(sent++);
      connection.queue(last);
    }
    connection.flush();
    connection.fill();
    while (connection.take()) {
      if (connection.type === XS_WATCH_EVENT) continue;
      if (connection.type === XS_ERROR) connection.refuse(last);
      done++;
    }
    if (wanted > sent && performance.now() > untilMs) wanted = sent;
  }
  return done;
}
