// Notify: tells systemd that the daemon is ready, is being replaced, or has another process.
// Holds   nothing.
// Never   fails the start: a machine without systemd has nobody to tell.
// Source  sd_notify(3), the protocol of NOTIFY_SOCKET.

import { spawnSync } from "node:child_process";
import { type Libc, sendDatagram } from "./libc.ts";

/** Tells systemd about lines of sd_notify(3), if it wants to know. Whether it heard is not told. */
export function notify(libc: Libc | null, env: NodeJS.ProcessEnv, lines: readonly string[]): void {
  if (!env.NOTIFY_SOCKET) return;
  if (libc) sendDatagram(libc, env.NOTIFY_SOCKET, lines.join("\n"));
  else spawnSync("systemd-notify", lines, { stdio: "ignore", env });
}

/**
 * Sends READY=1 to the socket that systemd named, if it did.
 * @returns  what is wrong when it could not be sent, else ""
 */
export function notifyReady(libc: Libc | null, env: NodeJS.ProcessEnv): string {
  const socket = env.NOTIFY_SOCKET;
  if (!socket) return "";
  if (libc && sendDatagram(libc, socket, "READY=1")) return "";
  if (libc) return `NOTIFY_SOCKET ${socket}: nobody took the message that this daemon is ready`;
  // Node has no datagram sockets of this family.
  const done = spawnSync("systemd-notify", ["--ready"], { stdio: "ignore", env });
  if (done.status === 0) return "";
  return (
    "NOTIFY_SOCKET is set, but neither the package koffi nor the program systemd-notify " +
    "is there to tell systemd that this daemon is ready"
  );
}
