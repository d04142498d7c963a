// Transport: Unix sockets; which way of serving them is used, and what both ways share.
// Holds   nothing.
// Never   looks at a byte that passes.
// Source  our own; figures in ARCHITECTURE.md.

import net from "node:net";
import type { TransportName } from "../shared/config.ts";
import type { Server } from "../shared/server.ts";
import type { Libc } from "./libc.ts";
import { EpollTransport } from "./transport_epoll.ts";
import { NetTransport } from "./transport_net.ts";

/** Pending connections the system may hold for us. */
export const BACKLOG = 4096;

/** Only whoever started the daemon gets in (and root). */
export const SOCKET_UMASK = 0o177;

/** Says something worth a line in the system's log. */
export type Notice = (text: string) => void;

export interface Transport {
  readonly name: TransportName;
  /**
   * Listens on a Unix socket; what lies at `path` must be gone.
   * @param kind  CONN_* of those who connect
   * @throws      Error that names the path and the reason
   */
  listen(path: string, kind: number): Promise<void>;
  /** Stops listening and removes the sockets; connections are the server's to close. */
  close(): void;
}

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
  if (name === "net" || (name === "auto" && !libc)) return new NetTransport(server, notice);
  if (libc) return new EpollTransport(libc, server, notice);
  throw new Error("--transport epoll: needs Linux and the package koffi; allowed here is net");
}

/** Whether somebody answers at a socket. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    // A full backlog is somebody, too.
    socket.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code === "EAGAIN"));
  });
}
