// Transports: which way of serving Unix sockets is used.
// Holds   nothing.
// Never   looks at a byte that passes.
// Source  our own; figures in ARCHITECTURE.md.

import type { TransportName } from "../shared/config.ts";
import type { Server } from "../shared/server.ts";
import type { Libc } from "./libc.ts";
import type { Notice, Transport } from "./transport.ts";
import { EpollTransport } from "./transport_epoll.ts";
import { NetTransport } from "./transport_net.ts";

/**
 * The transport asked for: "auto" takes epoll where it can be had.
 * @throws Error when it can't be had
 */
export function makeTransport(
  name: TransportName,
  libc: Libc | null,
  server: Server,
  notice: Notice,
): Transport {
  checkTransport(name, libc);
  if (name === "net" || !libc) return new NetTransport(server, notice);
  return new EpollTransport(libc, server, notice);
}

/** Throws an Error when the transport can't be had. */
export function checkTransport(name: TransportName, libc: Libc | null): void {
  if (name !== "epoll" || libc) return;
  throw new Error("--transport epoll: needs Linux and the package koffi; allowed here is net");
}
