// Connect: from what a program names to a client of it.
// Holds   which things can be named, and how each is known.
// Never   knows how a runtime reaches a socket or a file: the entries bind that.
// Source  our own.

import type { Client, ClientOptions } from "../client/api.ts";
import { openClient } from "../client/client.ts";
import { InvalidRequestError } from "../client/errors.ts";
import { type PortLike, portTransport } from "../client/port_stream.ts";
import { type SocketLike, webSocketTransport } from "../client/socket_stream.ts";
import type { Transport } from "../client/transport.ts";
import type { Store } from "../embed/api.ts";

/**
 * What `connect` can be led to:
 * - `unix:/run/xenstored/socket`, `device:/dev/xen/xenbus`, or just an absolute path;
 * - `ws://host/path` or `wss://host/path`, or a WebSocket;
 * - a MessagePort, Worker or whatever else has its `postMessage`, whose other end was given to
 *   `serve`;
 * - a store of this process;
 * - a transport of one's own.
 */
export type Target = string | URL | SocketLike | PortLike | Store | Transport;

/** How a runtime reaches what lies outside of the program. */
export interface Places {
  /** The store of this machine. Throws where there is none. */
  machine(): Transport;
  /** The store behind a Unix socket or a device file; `kind` null: whatever the file is. */
  file(path: string, kind: "unix" | "device" | null): Transport;
}

/** Makes the `connect` of an entry. */
export function connector(places: Places) {
  return async (target?: Target, options: ClientOptions = {}): Promise<Client> => {
    if (isStore(target)) return await target.connect(options);
    return await openClient(transportTo(target, places), options);
  };
}

function transportTo(target: unknown, places: Places): Transport {
  if (target === undefined) return places.machine();
  if (typeof target === "string" || target instanceof URL) return named(String(target), places);
  if (has(target, "open", "reconnects")) return target as unknown as Transport;
  if (has(target, "send", "readyState")) return webSocketTransport(target as unknown as SocketLike);
  if (has(target, "postMessage")) return portTransport(target as unknown as PortLike);
  const what = target === null ? "null" : `a ${typeof target}`;
  throw wrong(
    `${what} leads nowhere: give an address, a port, a WebSocket, a store or a transport`,
  );
}

function named(address: string, places: Places): Transport {
  if (address.startsWith("/")) return places.file(address, null);
  const [, scheme, rest] = /^([a-z]+):(.*)$/is.exec(address) ?? [];
  switch (scheme?.toLowerCase()) {
    case "ws":
    case "wss":
      return webSocketTransport(address);
    case "unix":
      return places.file(absolute(rest as string, address), "unix");
    case "device":
      return places.file(absolute(rest as string, address), "device");
    default:
      throw wrong(
        `"${address}" is no address: it begins with unix:, device:, ws:, wss: or "/" for a path`,
      );
  }
}

/** The path of an address such as `unix:/path` or `unix:///path`. */
function absolute(rest: string, address: string): string {
  const path = rest.replace(/^\/\/(?=\/)/, "");
  if (/^\/(?!\/)/.test(path)) return path;
  throw wrong(`"${address}" has no absolute path: write it as in unix:/run/xenstored/socket`);
}

function isStore(target: unknown): target is Store {
  return has(target, "connect", "asDomain");
}

function has(target: unknown, ...names: string[]): boolean {
  return typeof target === "object" && target !== null && names.every((name) => name in target);
}

function wrong(reason: string): InvalidRequestError {
  return new InvalidRequestError("EINVAL", reason, { op: "connect" });
}
