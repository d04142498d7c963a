// Guest: acts as a domain of a simulated machine, over a real ring, for the command line tools.
// Holds   the domain's page, its pipe, and the file that says who uses them.
// Never   needs the store's help for anything but what a toolstack does: it introduces the domain.
// Source  our own; the XenStore protocol, domains (INTRODUCE), ring.

import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { XS_INTRODUCE, XS_IS_DOMAIN_INTRODUCED } from "../../assembly/xs_wire.ts";
import type { ByteStream } from "../shared/byte_stream.ts";
import { ToolExit } from "../shared/cli/host.ts";
import { Client } from "../shared/client.ts";
import { errorText, isXenstoreError } from "../shared/errors.ts";
import { GuestRing } from "../shared/guest_ring.ts";
import { strings, toText } from "../shared/wire.ts";
import { FifoReader, FifoWriter, makeFifo } from "./fifo.ts";
import { openPage } from "./file_page.ts";
import { machineFile } from "./machine_sim.ts";
import { places } from "./places.ts";
import { openSocket } from "./stream.ts";

/** The guest's port: it has only the one. */
const PORT = 1;
/** The frame number is of no use on a simulated machine. */
const FRAME = 1;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Becomes a domain: makes its page and pipe, introduces it, and returns its end of the ring.
 * @param program  in front of error messages
 * @throws         ToolExit that says what is in the way
 */
export async function openGuest(
  program: string,
  env: Environment,
  domid: number,
): Promise<ByteStream> {
  const fail = (text: string) => new ToolExit(1, `${program}: domain ${domid}: ${text}\n`);
  const { socket, machine } = places(env, false);
  const host = await openSocket(socket).catch((error) => {
    throw fail(`no store answers at ${socket} (${error.code}); XENSTORED_PATH names another`);
  });
  const client = new Client(host);
  try {
    if (!fs.existsSync(machineFile.events(machine))) {
      throw fail(`no simulated machine at ${machine}; start xenstored with --simulate or --try`);
    }
    lock(path.join(machine, `guest-${domid}`), fail);
    return await enter(client, machine, domid, fail);
  } finally {
    client.close();
  }
}

type Fail = (text: string) => ToolExit;

/** A ring has room for one user. */
function lock(file: string, fail: Fail): void {
  const pid = fs.existsSync(file) ? Number(fs.readFileSync(file, "latin1")) : 0;
  if (pid > 0 && isTool(pid)) throw fail(`process ${pid} acts as this domain already`);
  fs.writeFileSync(file, `${process.pid}\n`);
  process.on("exit", () => fs.rmSync(file, { force: true }));
}

/** A process id may have been given to another program since. */
function isTool(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return fs.readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("xenstore");
  } catch {
    return false;
  }
}

async function enter(
  client: Client,
  machine: string,
  domid: number,
  fail: Fail,
): Promise<ByteStream> {
  const page = openPage(machineFile.ring(machine, domid), true, null);
  const out = FifoWriter.open(machineFile.events(machine));
  const pipe = machineFile.eventsOf(machine, domid);
  makeFifo(pipe);
  if (!page || !out) throw fail(`${machine} is no simulated machine`);
  const record = new Uint8Array(new Uint32Array([domid, PORT]).buffer);
  const ring = new GuestRing(
    page,
    () => out.write(record),
    () => events.close(),
  );
  const events = new FifoReader(pipe, null, () => ring.event());
  try {
    await introduce(client, domid);
  } catch (error) {
    events.close();
    if (!isXenstoreError(error)) throw error;
    const state = machineFile.state(machine, domid);
    const hint = fs.existsSync(state) ? `; is it alive? see ${state}` : "";
    throw fail(`it can't be introduced: ${errorText(error.code)}${hint}`);
  }
  return ring;
}

/** What a toolstack does for a domain; a domain that it has done that for only begins anew. */
async function introduce(client: Client, domid: number): Promise<void> {
  const known = await client.request(XS_IS_DOMAIN_INTRODUCED, strings(String(domid)));
  await client.request(XS_INTRODUCE, strings(String(domid), String(FRAME), String(PORT)));
  if (toText(known).startsWith("T")) return;
  const home = `/local/domain/${domid}`;
  await client.write(`${home}/domid`, String(domid));
  await give(client, home, domid);
}

/** The domain gets what lies in its home: what is made there later will be its own, too. */
async function give(client: Client, path: string, domid: number): Promise<void> {
  await client.setPerms(path, [{ access: "n", domid }]);
  for (const name of await client.directory(path)) await give(client, `${path}/${name}`, domid);
}
