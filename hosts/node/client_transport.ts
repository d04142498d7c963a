// Client transport: the ways to a store that Node has: Unix sockets and device files.
// Holds   where the store was found last.
// Never   writes to a file that is neither socket nor device.
// Source  the XenStore protocol, Clients, Behaviour; the command line, Environment and places.

import fs from "node:fs";
import process from "node:process";
import { ConnectError } from "../client/errors.ts";
import type { Transport } from "../client/transport.ts";
import type { ByteStream } from "../shared/byte_stream.ts";
import { errorText, XenstoreError } from "../shared/errors.ts";
import { type Environment, openPlace, placeKind, storeAddress } from "./address.ts";
import { openDevice, openSocket, SOCKET_PATH_MAX } from "./stream.ts";

/** A transport to a Unix socket; a lost connection is made again. */
export function socketTransport(path: string): Transport {
  return {
    name: `unix:${path}`,
    reconnects: true,
    open: (signal) => told(path, signal, () => openSocket(path, signal)),
  };
}

/** A transport to a kernel's device, such as /dev/xen/xenbus; a lost connection is closed. */
export function deviceTransport(path: string): Transport {
  return {
    name: `device:${path}`,
    reconnects: false,
    open: (signal) => told(path, signal, async () => openDevice(path)),
  };
}

/** A transport to what stands at a path when it is opened: a socket or a device. */
export function pathTransport(path: string): Transport {
  return new PlaceTransport(path, null);
}

/**
 * A transport to this machine's store: XENSTORED_PATH if that is set, a socket or a device; else
 * the socket in XENSTORED_RUNDIR or /var/run/xenstored; else the kernel's device.
 */
export function storeTransport(env: Environment = process.env): Transport {
  const { path, devices } = storeAddress(env);
  return new PlaceTransport(path, devices);
}

/** One of several places; which one is known when it was opened. */
class PlaceTransport implements Transport {
  readonly #path: string;
  readonly #devices: readonly string[] | null;
  /** The place in use, or the first one. */
  #found: { readonly path: string; readonly isDevice: boolean };

  constructor(path: string, devices: readonly string[] | null) {
    this.#path = path;
    this.#devices = devices;
    this.#found = { path, isDevice: isDevice(path) };
  }

  get name(): string {
    const { path, isDevice } = this.#found;
    return `${isDevice ? "device" : "unix"}:${path}`;
  }

  get reconnects(): boolean {
    return !this.#found.isDevice;
  }

  async open(signal: AbortSignal): Promise<ByteStream> {
    try {
      return await this.#open(this.#path, signal);
    } catch (error) {
      const device = this.#devices?.find((one) => fs.existsSync(one));
      if (signal.aborted || device === undefined) throw error;
      return await this.#open(device, signal);
    }
  }

  async #open(path: string, signal: AbortSignal): Promise<ByteStream> {
    const stream = await told(path, signal, () => openPlace(path, signal));
    this.#found = { path, isDevice: isDevice(path) };
    return stream;
  }
}

function isDevice(path: string): boolean {
  try {
    return placeKind(path) === "device";
  } catch {
    return false;
  }
}

/** Opens; what the system says against it is put into words that name the place. */
async function told(path: string, signal: AbortSignal, open: () => Promise<ByteStream>) {
  try {
    return await open();
  } catch (error) {
    signal.throwIfAborted();
    const code = (error as { code?: unknown }).code;
    const name = typeof code === "string" ? code : "EIO";
    throw new ConnectError(name, reasonOf(name, path, error), { path, cause: error });
  }
}

const START = "start one, or set XENSTORED_PATH to its socket";

function reasonOf(code: string, path: string, error: unknown): string {
  switch (code) {
    case "ENOENT":
      return `no XenStore daemon listens there, since there is no such file; ${START}`;
    case "ENOTDIR":
      return `no XenStore daemon listens there, since the path leads through a file; ${START}`;
    case "ECONNREFUSED":
      return `no XenStore daemon listens there any more; ${START}`;
    case "EACCES":
    case "EPERM":
      return "this user may not open it; try as root, or set XENSTORED_PATH to another socket";
    case "ENOTSOCK":
      return "this is neither a socket nor a device; set XENSTORED_PATH to a store's socket";
    case "EINVAL":
      return Buffer.byteLength(path) > SOCKET_PATH_MAX
        ? `a socket's path has ${SOCKET_PATH_MAX} bytes at most; set XENSTORED_PATH to a shorter one`
        : detailOf(code, error);
    default:
      return detailOf(code, error);
  }
}

function detailOf(code: string, error: unknown): string {
  const text = errorText(code);
  if (text !== code || error instanceof XenstoreError) return text;
  return error instanceof Error ? error.message : String(error);
}
