// Campaign: a daemon is replaced again and again while clients and guests work with it.
// Holds   the daemon, its clients and guests, and the figures of a run.
// Never   forgives anything: the first wrong reply ends the run with its words.
// Source  our own; "Live update" in ARCHITECTURE.md.

import fs from "node:fs";
import path from "node:path";
import { Caller, Daemon, temporaryFolder } from "../host/rig.ts";
import { SocketLink } from "../peers/link.ts";
import { portOf, RingLink } from "../peers/ring.ts";
import { commandOf, liveUpdate } from "./control.ts";
import { Worker } from "./load.ts";

export interface CampaignOptions {
  readonly transport: string;
  readonly clients: number;
  readonly guests: number;
  /** Whether another update follows, after so many. */
  readonly more: (done: number) => boolean;
  /** Told after each update. */
  readonly after?: (report: Report) => void;
}

export interface Report {
  readonly updates: number;
  readonly requests: number;
  readonly events: number;
  /** The longest that any client waited for a reply. */
  readonly waitMostMs: number;
}

/** Which entry limit the daemon of a generation is given, so that its command line shows it. */
const limitOf = (generation: number): number => 100_000 + generation;

/** Runs until `more` says no. Throws when anybody noticed anything, or the process changed. */
export async function campaign(options: CampaignOptions): Promise<Report> {
  const folder = temporaryFolder();
  const machine = path.join(folder, "guests");
  const args = ["--simulate", machine, "--transport", options.transport];
  const daemon = await new Daemon(folder, args).ready();
  const workers = await hire(daemon.socket, machine, options);
  const runs = workers.map((worker) => worker.run());
  const over = Promise.all(runs);
  let updates = 0;
  const report = () => summary(updates, workers);
  while (options.more(updates)) {
    const line = [...args, "--no-fork", "--output-pid", "-E", String(limitOf(updates))].join(" ");
    const reply = await Promise.race([liveUpdate(daemon.socket, undefined, line), over.then(none)]);
    if (reply !== "OK") throw new Error(`update ${updates + 1}: ${reply}`);
    const limit = commandOf(daemon.pid).includes(String(limitOf(updates)));
    if (!limit) throw new Error(`process ${daemon.pid} does not run the new command line`);
    updates++;
    options.after?.(report());
  }
  for (const worker of workers) worker.stop();
  await over;
  await settle(workers);
  for (const { link } of workers) link.close();
  await daemon.stop();
  if (fs.existsSync(path.join(folder, "state_dump"))) throw new Error("state_dump was left behind");
  return report();
}

function none(): string {
  return "the clients have stopped";
}

/** Connects clients and guests, each watching the next one's signals. */
async function hire(socket: string, machine: string, options: CampaignOptions): Promise<Worker[]> {
  const workers: Worker[] = [];
  for (let n = 0; n < options.clients; n++) {
    const link = await SocketLink.open(socket);
    workers.push(new Worker(link, `client ${n}`, `/load/${n}`));
  }
  const dom0 = await Caller.open(socket);
  for (let n = 0; n < options.guests; n++) {
    const guest = await introduce(dom0, machine, n + 1);
    workers.push(new Worker(guest, `domain ${n + 1}`, "load"));
  }
  dom0.close();
  await Promise.all(workers.map((worker) => worker.prepare()));
  for (const [n, worker] of workers.entries()) {
    await worker.watch(watchedBase(workers, n));
  }
  return workers;
}

/** Whose signals the n-th worker sees: clients see the next client's, guests their own. */
function watchedBase(workers: readonly Worker[], n: number): string {
  const worker = workers[n] as Worker;
  if (!worker.base.startsWith("/")) return worker.base;
  const clients = workers.filter(({ base }) => base.startsWith("/"));
  return (clients[(n + 1) % clients.length] as Worker).base;
}

async function introduce(dom0: Caller, machine: string, domid: number): Promise<RingLink> {
  const link = new RingLink(machine, domid);
  const home = `/local/domain/${domid}`;
  const requests = [
    ["INTRODUCE", `${domid}\0${1}\0${portOf(domid)}\0`],
    ["MKDIR", `${home}\0`],
    ["SET_PERMS", `${home}\0n${domid}\0`],
  ] as const;
  for (const [type, payload] of requests) {
    const reply = await dom0.ask(type, payload);
    if (reply !== "OK\0") throw new Error(`${type} of domain ${domid}: ${reply}`);
  }
  link.attach();
  return link;
}

/** All have stopped; nobody may have missed a signal. */
async function settle(workers: readonly Worker[]): Promise<void> {
  for (const [n, worker] of workers.entries()) {
    const base = watchedBase(workers, n);
    const watched = workers.find((one) => one.base === base && base.startsWith("/")) ?? worker;
    await worker.mustHaveSeen(base, watched.signals);
  }
}

function summary(updates: number, workers: readonly Worker[]): Report {
  const sum = (figure: (worker: Worker) => number) => workers.reduce((n, w) => n + figure(w), 0);
  return {
    updates,
    requests: sum(({ requests }) => requests),
    events: sum(({ events }) => events),
    waitMostMs: Math.max(...workers.map(({ waitMostMs }) => waitMostMs)),
  };
}
