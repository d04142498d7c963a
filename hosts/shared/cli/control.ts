// Control: xenstore-control, commands for the daemon itself.
// Holds   its arguments and messages, and the steps of a live update.
// Never   needs a hypervisor.
// Source  the XenStore command line, xenstore-control; the XenStore protocol, CONTROL.

import type { Client } from "../client.ts";
import { errorText, isXenstoreError } from "../errors.ts";
import { type ByteString, byteString, bytesOf, looseInt, ToolExit, type ToolHost } from "./host.ts";
import { jsonLine, jsonText, jsonValue } from "./json.ts";

const TIMEOUT_DEFAULT = "60";
const RETRY_MS = 1000;
/** Bytes of a kernel sent with one request. */
const PIECE = 2048;

/** Runs the tool. Throws ToolExit unless it succeeds. */
export async function control(
  argv0: ByteString,
  args: readonly ByteString[],
  host: ToolHost,
): Promise<void> {
  const json = args[0] === "--json";
  const [command, ...words] = json ? args.slice(1) : args;
  if (command === undefined) {
    throw new ToolExit(2, `Usage:\n${argv0} <command> [<arg>...]\n`);
  }
  const client = await host.connect().catch((error) => {
    if (!isXenstoreError(error)) throw error;
    throw new ToolExit(1, "Failed to contact Xenstored.\n");
  });
  if (command === "live-update") return liveUpdate(client, words, host);
  const reply = await ask(client, [command, ...words]);
  if (json) {
    const said = { command: [command, ...words].map(jsonText), reply: jsonValue(reply) };
    host.out(jsonLine(said));
  } else if (reply.length > 0) {
    host.out(`${byteString(reply)}\n`);
  }
}

async function ask(client: Client, words: readonly ByteString[]): Promise<Uint8Array> {
  try {
    return await client.control(...words.map(bytesOf));
  } catch (error) {
    if (!isXenstoreError(error)) throw error;
    if (error.code !== "EINVAL") {
      throw new ToolExit(3, `Error ${error.errno} when trying to execute command.\n`);
    }
    const help = await client.control("help").catch(() => null);
    if (help === null) throw new ToolExit(3, "Error when executing command.\n");
    throw new ToolExit(3, `Command not supported. Valid commands are:\n${byteString(help)}\n`);
  }
}

interface Update {
  file: ByteString;
  commandLine: ByteString | null;
  timeout: ByteString;
  /** Further words of the start request. */
  start: ByteString[];
}

/** Options and the binary; the last word that is no option is the binary. */
function readUpdate(words: readonly ByteString[]): Update {
  const rest = [...words];
  const update: Update = { file: "", commandLine: null, timeout: TIMEOUT_DEFAULT, start: [] };
  let version: ByteString[] = [];
  let force: ByteString[] = [];
  const value = (what: string): ByteString => {
    const next = rest.shift();
    if (next === undefined) throw new ToolExit(2, `Missing ${what} value\n`);
    return next;
  };
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "-c") update.commandLine = value("command line");
    else if (word === "-t") update.timeout = String(looseInt(value("timeout")));
    else if (word === "-v") version = ["-v", value("version")];
    else if (word === "-F") force = ["-F"];
    else update.file = word;
  }
  if (update.file === "") throw new ToolExit(2, "Missing binary specification\n");
  update.start = ["-t", update.timeout, ...force, ...version];
  return update;
}

/** Replaces the daemon by another binary: begin, command line, start; given up if a step fails. */
async function liveUpdate(client: Client, words: readonly ByteString[], host: ToolHost) {
  const update = readUpdate(words);
  const inDomain = await client.read("/tool/xenstored/domid").then(
    () => true,
    () => false,
  );
  const failed = "Setting update binary failed:";
  if (!inDomain) await step(client, failed, ["-f", update.file]);
  try {
    if (inDomain) await sendKernel(client, host, update.file);
    if (update.commandLine !== null) await step(client, failed, ["-c", update.commandLine]);
    await start(client, update);
  } catch (error) {
    await client.control("live-update", "-a").catch(() => {});
    throw error;
  }
}

/** One request of the update, which must be answered with OK. */
async function step(client: Client, failed: string, words: readonly (ByteString | Uint8Array)[]) {
  const reply = await say(client, words);
  if (reply !== "OK") throw new ToolExit(3, `${failed}\n${reply}\n`);
}

/** The reply to one request of the update, or the text of its error. */
async function say(client: Client, words: readonly (ByteString | Uint8Array)[]) {
  try {
    const bytes = words.map((word) => (typeof word === "string" ? bytesOf(word) : word));
    return byteString(await client.control("live-update", ...bytes));
  } catch (error) {
    if (!isXenstoreError(error)) throw error;
    return errorText(error.code);
  }
}

/** Asks again each second while the daemon is busy and time is left. */
async function start(client: Client, update: Update): Promise<void> {
  const endMs = Date.now() + Number(update.timeout) * 1000;
  let reply = "BUSY";
  while (reply === "BUSY" && Date.now() < endMs) {
    reply = await say(client, ["-s", ...update.start]);
    if (reply === "BUSY") await new Promise((done) => setTimeout(done, RETRY_MS));
  }
  if (reply !== "OK") throw new ToolExit(3, `Starting live update failed:\n${reply}\n`);
}

/** A daemon in a domain of its own can't open files: it is sent the kernel in pieces. */
async function sendKernel(client: Client, host: ToolHost, file: ByteString): Promise<void> {
  const failed = "Setting update binary failed:";
  const kernel = await host.readFile(file).catch((error) => {
    if (!isXenstoreError(error)) throw error;
    throw new ToolExit(3, `${failed}\n${errorText(error.code)}\n`);
  });
  await step(client, failed, ["-b", String(kernel.length)]);
  for (let at = 0; at < kernel.length; at += PIECE) {
    const piece = kernel.subarray(at, at + PIECE);
    await step(client, failed, ["-d", String(piece.length), piece]);
  }
}
