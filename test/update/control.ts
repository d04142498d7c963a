// Control: a live update as a tool asks for it, and programs to update to.
// Holds   nothing.
// Never   retries: the daemon answers when all is done, or says why it can't be.
// Source  the XenStore protocol, CONTROL live-update.

import fs from "node:fs";
import path from "node:path";
import { Caller, DAEMON, TRANSPORTS, temporaryFolder } from "../host/rig.ts";
import { encode, typeNumber } from "../message.ts";

/** The payload of one CONTROL request of the conversation. */
export const words = (...strings: string[]): string => `live-update\0${strings.join("\0")}\0`;

/**
 * Begins a live update, gives the command line if there is one, and starts it.
 * @returns the last reply without its NUL: that of the first step that was not answered "OK"
 */
export async function liveUpdate(
  socket: string,
  file: string = DAEMON,
  commandLine = "",
): Promise<string> {
  const caller = await Caller.open(socket);
  const steps = [["-f", file], ...(commandLine ? [["-c", commandLine]] : []), ["-s", "-t", "60"]];
  let reply = "";
  for (const step of steps) {
    reply = (await caller.ask("CONTROL", words(...step))).replace(/\0$/, "");
    if (reply !== "OK") break;
  }
  caller.close();
  return reply;
}

/** Sends a request in a transaction and returns the next message's payload. */
export async function within(
  caller: Caller,
  txId: number,
  type: string,
  payload: string,
): Promise<string> {
  caller.socket.write(encode({ type: typeNumber(type), reqId: 0, txId, payload }));
  return (await caller.take(1))[0]?.payload as string;
}

/** Makes an executable file with this text. */
export function program(text: string, name = "program"): string {
  const file = path.join(temporaryFolder(), name);
  fs.writeFileSync(file, text, { mode: 0o755 });
  return file;
}

/** A program for Node that does something first, and then is our daemon. */
export function daemonAfter(code: string): string {
  return program(
    `#!/usr/bin/env node\n${code}\nawait import(${JSON.stringify(DAEMON)});\n`,
    "x.mjs",
  );
}

/** A copy of our daemon where no package can be found, so that it works without koffi. */
export function daemonWithoutKoffi(): string {
  const folder = path.join(temporaryFolder(), "build");
  fs.mkdirSync(path.join(folder, "hosts"), { recursive: true });
  const copy = path.join(folder, "hosts", path.basename(DAEMON));
  fs.copyFileSync(DAEMON, copy);
  const module = path.resolve("build/xenstore.wasm");
  fs.copyFileSync(module, path.join(folder, path.basename(module)));
  return copy;
}

/** The command line of a process. */
export function commandOf(pid: number): string[] {
  return fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
}

/** Why no process can exchange its program here, as a part of a test's name; "": it can. */
export const koffiMissing: string = TRANSPORTS[0][1];
