// Address: where a client finds the store, and the connection to it.
// Holds   the environment variables, the places tried in turn.
// Never   speaks the protocol.
// Source  the XenStore protocol, Clients, Behaviour; the command line, Environment and places.

import fs from "node:fs";
import { XenstoreError } from "../shared/errors.ts";
import type { ByteStream } from "../shared/exchange.ts";
import { openDevice, openSocket } from "./stream.ts";

const RUNDIR = "/var/run/xenstored";

/** Kernel's device files, best first, by platform. */
const DEVICES: Readonly<Record<string, readonly string[]>> = {
  linux: ["/dev/xen/xenbus", "/proc/xen/xenbus"],
  freebsd: ["/dev/xen/xenstore"],
  netbsd: ["/kern/xen/xenbus"],
};

/**
 * Opens a stream to the store: to XENSTORED_PATH if that is set, else to the socket in
 * XENSTORED_RUNDIR, else to the kernel's device. Errors: of the last place tried; ENOTSOCK for a
 * file that is neither socket nor device, since writing to it would destroy it.
 */
export async function openStore(
  env: Readonly<Record<string, string | undefined>>,
): Promise<ByteStream> {
  const path = env.XENSTORED_PATH;
  if (path !== undefined) return open(path);
  try {
    return await open(`${env.XENSTORED_RUNDIR ?? RUNDIR}/socket`);
  } catch (error) {
    const devices = DEVICES[process.platform] ?? [];
    const device = devices.find((name) => fs.existsSync(name)) ?? devices.at(-1);
    if (device === undefined) throw error;
    return open(device);
  }
}

async function open(path: string): Promise<ByteStream> {
  try {
    const stat = fs.statSync(path);
    if (stat.isSocket()) return await openSocket(path);
    if (stat.isFile()) throw new XenstoreError("ENOTSOCK", { path });
    return openDevice(path);
  } catch (error) {
    if (error instanceof XenstoreError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? "EIO";
    throw new XenstoreError(code, { path, cause: error });
  }
}
