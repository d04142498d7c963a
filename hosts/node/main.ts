// Main: the program xenstored on Node.
// Holds   the order of a start: options, background, daemon, ready.
// Never   serves anything itself.
// Source  command line, Daemon xenstored.

import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import manifest from "../../package.json" with { type: "json" };
import { applyConfFile } from "../shared/conf_file.ts";
import { type Config, defaults } from "../shared/config.ts";
import { applyArguments, usage } from "../shared/options.ts";
import {
  again,
  beginBehind,
  beginHere,
  environmentAgain,
  failureOf,
  isFailure,
  obstacle,
} from "./again.ts";
import { FailedStart, inBackground, report, startInBackground } from "./background.ts";
import { clock, Daemon, makeCore } from "./daemon.ts";
import { execute } from "./exec.ts";
import { type Handover, handoverEnvironment, takeHandover, unpacked } from "./handover.ts";
import { loadLibc } from "./libc.ts";
import { reason } from "./log.ts";
import { checkMachine } from "./machine.ts";
import { notifyReady } from "./notify.ts";
import { places } from "./places.ts";
import { loadState } from "./state_file.ts";
import { giveUp } from "./successor.ts";
import { checkTransport } from "./transports.ts";
import { passTrial, trialState } from "./trial.ts";
import { welcome, writeDomain0 } from "./try.ts";

/** Exit code after a failure that is a bug of ours: EX_SOFTWARE of sysexits.h. */
const EXIT_BUG = 70;

/** The daemon has failed: what goes wrong now is no news. */
let ending = false;

/** What the process before left to this one. */
const handover = takeHandover();
if (handover) process.chdir(handover.cwd);

// Whoever reads our output may go away.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});
await main().catch((error: Error) => fail(error.message));

async function main(): Promise<void> {
  const warnings: string[] = [];
  const config = configure(process.argv.slice(2), warnings);
  if (config.help) return print(usage());
  if (config.version) return print(`xenstored ${manifest.version}\n`);
  const foreground = config.noFork || config.try;
  if (!inBackground) for (const warning of warnings) warn(warning);
  if (trialState) return rehearse(config);
  if (config.configTest) return;
  if (config.liveUpdate) return takeOver(config, foreground);
  if (foreground || inBackground || again) return serve(config, foreground && !inBackground);
  const pid = await startInBackground().catch(startAgain);
  if (config.outputPid) print(`${pid}\n`);
}

/** The process in the background has failed: another one is started, once. */
function startAgain(error: unknown): Promise<number> {
  if (!(error instanceof FailedStart)) throw error;
  warn(error.message);
  return startInBackground(environmentAgain(process.cwd()));
}

/** Options of the command line over those of the configuration file over the defaults. */
function configure(args: readonly string[], warnings: string[]): Config {
  const named = defaults();
  applyArguments(named, args);
  const config = defaults();
  if (named.configFile) {
    warnings.push(...applyConfFile(config, readConfFile(named.configFile), named.configFile));
    applyArguments(config, args);
  } else Object.assign(config, named);
  if (config.pidFile) config.pidFile = path.resolve(config.pidFile);
  if (config.simulate) config.simulate = path.resolve(config.simulate);
  if (config.try && !config.simulate) config.simulate = places(process.env, true).machine;
  return config;
}

function readConfFile(name: string): string {
  try {
    return fs.readFileSync(name, "utf8");
  } catch (error) {
    throw new Error(`--config-file: ${name} cannot be read: ${reason(error)}`);
  }
}

/** Starts the daemon; the process then goes on until a signal ends it. */
async function serve(config: Config, foreground: boolean): Promise<void> {
  const libc = await loadLibc();
  const daemon = new Daemon(config, places(process.env, config.try), libc, foreground);
  obeySignals(daemon);
  try {
    if (!foreground) leaveTerminal();
    await daemon.start(config.traceFile);
    if (config.try) await writeDomain0(daemon.server);
  } catch (error) {
    if (isFailure(error)) return failed(daemon, error);
    daemon.stop();
    throw error;
  }
  tellReady(daemon);
  if (config.verbose) {
    daemon.log.notice(`serving ${daemon.places.socket} (${daemon.transport.name})`);
  }
  if (config.try && !again) print(welcome(daemon.places));
  if (config.outputPid && foreground && !again) print(`${process.pid}\n`);
  await report("");
}

/** Goes on where the process before stands still. */
async function takeOver(config: Config, foreground: boolean): Promise<void> {
  const libc = await loadLibc();
  const where = places(process.env, config.try);
  const core = makeCore(config);
  core.tick(clock.nowMs());
  loadState(core, handover?.state ?? where.stateDump);
  const daemon = new Daemon(config, where, libc, foreground, { core });
  obeySignals(daemon);
  if (!foreground) leaveTerminal();
  try {
    await daemon.takeOver(handover, config.traceFile);
  } catch (error) {
    // On the way back nobody is left to go on but the database.
    if (isFailure(error) && handover?.failure) return failed(daemon, error);
    throw error;
  }
  tellReady(daemon);
  if (config.verbose) daemon.log.notice(`serving ${where.socket} (${daemon.transport.name}) on`);
  // The process before has said it, if it was one of ours.
  if (config.outputPid && foreground && !handover) print(`${process.pid}\n`);
}

/** Shows that this program could take over; nothing but the given state is touched. */
async function rehearse(config: Config): Promise<void> {
  const libc = await loadLibc();
  checkTransport(config.transport, libc);
  await checkMachine(config);
  loadState(makeCore(config), trialState);
  passTrial();
}

function obeySignals(daemon: Daemon): void {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      daemon.stop();
      process.exit(0);
    });
  }
  process.on("SIGHUP", () => daemon.log.reopen());
  process.on("uncaughtException", (error) => {
    if (ending) return;
    failed(daemon, error).catch(() => process.exit(EXIT_BUG));
  });
}

/**
 * The core has failed, and what it holds is not to be trusted: begins again from the database, or
 * ends.
 */
async function failed(daemon: Daemon, error: unknown): Promise<void> {
  ending = true;
  const { libc, log, cwd } = daemon;
  const why = obstacle(daemon.databaseFolder, daemon.serving) || aloneInForeground(daemon);
  const outcome = why ? `it ends: ${why}` : "it begins again from the database";
  const line = `this is a bug in the daemon: ${failureOf(error)}; ${outcome}`;
  const starts = inBackground && process.connected;
  if (!starts) log.notice(line);
  abandon(daemon);
  if (starts) await report(line, !why);
  else if (!why) {
    const left = libc ? beginHere(libc, cwd) : beginBehind(libc, cwd);
    if (left) log.notice(`it can't begin again: ${left}`);
  }
  process.exit(why && again ? 1 : EXIT_BUG);
}

/** Whoever keeps a process in the foreground waits for its end, and would take another for gone. */
function aloneInForeground({ libc, foreground }: Daemon): string {
  if (libc || !foreground) return "";
  return "whoever has started it may do so again: it goes on from the database";
}

/** Closes and removes what is the daemon's, whatever state that is in. */
function abandon(daemon: Daemon): void {
  try {
    daemon.stop(false);
  } catch (error) {
    daemon.log.notice((error as Error).message);
  }
}

function tellReady(daemon: Daemon): void {
  const { libc, log } = daemon;
  daemon.serving = true;
  const unheard = notifyReady(libc, process.env);
  if (unheard) log.notice(unheard);
}

/** What a daemon does once it is on its own. */
function leaveTerminal(): void {
  process.chdir("/");
  process.umask(0);
}

function print(text: string): void {
  process.stdout.write(text);
}

function warn(text: string): void {
  process.stderr.write(`xenstored: ${text}\n`);
}

/** Ends with exit code 1 and one line for whoever gave the command. */
async function fail(message: string): Promise<void> {
  if (handover) await goBack(handover, message);
  if (inBackground) await report(message);
  else warn(message);
  process.exit(1);
}

/** The process before goes on: it waits for this one's word, or this process becomes it again. */
async function goBack(from: Handover, failure: string): Promise<void> {
  if (from.ready >= 0) giveUp(from.ready, failure);
  const libc = await loadLibc();
  if (!libc || from.back.length === 0) return;
  const env = handoverEnvironment({ ...from, back: [], otherOptions: false, failure });
  execute(libc, from.back, env, unpacked(from.fds));
}
