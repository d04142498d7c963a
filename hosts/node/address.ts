// Address: where a client finds the store, and the connection to it.
// Holds   the environment variables, the places tried in turn.
// Never   speaks the protocol.
// Source  the XenStore protocol, Clients, Behaviour; the command line, Environment and places.

import fs from "node:fs";
import type { ByteStream } from "../shared/byte_stream.ts";
import { XenstoreError } from "../shared/errors.ts";
import { openDevice, openSocket } from "./stream.ts";

const RUNDIR = "/var/run/xenstored";

/** Kernel's device files, best first, by platform. */
const DEVICES: Readonly<Record<string, readonly string[]>> = {
  linux: ["/dev/xen/xenbus", "/proc/xen/xenbus"],
  freebsd: ["/dev/xen/xenstore"],
  netbsd: ["/kern/xen/xenbus"],
};

/** The variables XENSTORED_PATH and XENSTORED_RUNDIR, and others that do not matter. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the store is to be looked for: one place that was named, or a socket, then a device. */
export interface Address {
  /** The socket, or what XENSTORED_PATH names: that may be a device. */
  readonly path: string;
  /** Looked for when the path can't be opened; the first that exists, or null: there is none. */
  readonly devices: readonly string[] | null;
}

/** XENSTORED_PATH if that is set, else the socket in XENSTORED_RUNDIR, then the kernel's device. */
export function storeAddress(env: Environment): Address {
  if (env.XENSTORED_PATH !== undefined) return { path: env.XENSTORED_PATH, devices: null };
  const path = `${env.XENSTORED_RUNDIR ?? RUNDIR}/socket`;
  return { path, devices: DEVICES[process.platform] ?? null };
}

/**
 * Opens a stream to the store, for the tools. Errors: of the last place tried; ENOTSOCK for a file
 * that is neither socket nor device, since writing to it would destroy it.
 */
export async function openStore(env: Environment): Promise<ByteStream> {
  const { path, devices } = storeAddress(env);
  if (devices === null) return openPlace(path);
  try {
    return await openPlace(path);
  } catch {
    const device = devices.find((name) => fs.existsSync(name)) ?? (devices.at(-1) as string);
    return openPlace(device);
  }
}

/** What stands at a path: `socket`, `device`, or null for what is neither. Throws as stat does. */
export function placeKind(path: string): "socket" | "device" | null {
  const stat = fs.statSync(path);
  if (stat.isSocket()) return "socket";
  return stat.isFile() ? null : "device";
}

/** Opens what stands at a path. Errors: the system's, as XenstoreErrors; ENOTSOCK. */
export async function openPlace(path: string, signal?: AbortSignal): Promise<ByteStream> {
  try {
    const kind = placeKind(path);
    if (kind === "socket") return await openSocket(path, signal);
    if (kind === null) throw new XenstoreError("ENOTSOCK", { path });
    return openDevice(path);
  } catch (error) {
    if (error instanceof XenstoreError || signal?.aborted) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? "EIO";
    throw new XenstoreError(code, { path, cause: error });
  }
}
