// Transport: Unix sockets: what every way of serving them offers, and what the ways share.
// Holds   nothing.
// Never   looks at a byte that passes.
// Source  our own; figures in ARCHITECTURE.md.

import net from "node:net";
import type { TransportName } from "../shared/config.ts";

/** Pending connections the system may hold for us. */
export const BACKLOG = 4096;

/** Only whoever started the daemon gets in (and root). */
export const SOCKET_UMASK = 0o177;

/** Says something worth a line in the system's log. */
export type Notice = (text: string) => void;

/** Calls back from the event loop while a descriptor is readable. */
export type Watch = (fd: number, readable: () => void) => { close(): void };

export interface Transport {
  readonly name: TransportName;
  /** How to wait for other descriptors; null: not with what Node brings. */
  readonly watch: Watch | null;
  /** Calls `work` again and again, input is served in between, until it returns false. */
  soon(work: () => boolean): void;
  /**
   * Listens on a Unix socket; what lies at `path` must be gone.
   * @param kind  CONN_* of those who connect
   * @throws      Error that names the path and the reason
   */
  listen(path: string, kind: number): Promise<void>;
  /** Listens on a socket that the process before was listening on; errors as `listen`. */
  adoptListener(fd: number, path: string, kind: number): Promise<void>;
  /** Serves a connection of the process before; its number in the core is known. */
  adopt(fd: number, conn: number): void;
  /** What is open, for a successor; all that has left is counted. Nothing may happen afterwards. */
  handOver(): Descriptors;
  /** Stops listening and removes the sockets; connections are the server's to close. */
  close(): void;
}

/** What a transport has open. */
export interface Descriptors {
  readonly listeners: readonly { readonly fd: number; readonly kind: number }[];
  readonly connections: readonly { readonly fd: number; readonly conn: number }[];
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
