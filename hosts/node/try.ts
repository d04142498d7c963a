// Try: a store for somebody who has no Xen, and what to do with it.
// Holds   nothing.
// Never   does anything that a program could not do through the socket.
// Source  paths, Standard layout; launching.

import { fileURLToPath } from "node:url";
import { Client } from "../shared/client.ts";
import { isXenstoreError } from "../shared/errors.ts";
import { LocalStream } from "../shared/local_stream.ts";
import type { Server } from "../shared/server.ts";
import type { Places } from "./places.ts";
import { runtimeCommand } from "./self.ts";

const DOMAIN_0 = [
  ["/local/domain/0/domid", "0"],
  ["/local/domain/0/name", "Domain-0"],
] as const;

/**
 * Writes the nodes of domain 0 that a toolstack writes when the machine starts. What is there from
 * an earlier run stays.
 */
export async function writeDomain0(server: Server): Promise<void> {
  const client = new Client(new LocalStream(server));
  try {
    for (const [path, value] of DOMAIN_0) {
      await client.read(path).catch((error) => {
        if (!isXenstoreError(error, "ENOENT")) throw error;
        return client.write(path, value);
      });
    }
    await client.mkdir("/vm");
  } finally {
    client.close();
  }
}

/** What to tell the user: where the sockets are, and three commands to paste. */
export function welcome({ socket, socketReadOnly }: Places): string {
  const tool = fileURLToPath(new URL("xenstore.mjs", import.meta.url));
  const words = [...runtimeCommand(), tool].map(quoted).join(" ");
  const command = `XENSTORED_PATH=${quoted(socket)} ${words}`;
  return [
    `xenstored is ready (process ${process.pid}); Ctrl-C ends it`,
    `  socket     ${socket}`,
    `  read only  ${socketReadOnly}`,
    "Three commands to try in another terminal:",
    `  ${command} ls -f`,
    `  ${command} write /tool/hello world`,
    `  ${command} read /tool/hello`,
    "A guest with the number 19 is there as soon as you act as it:",
    `  ${command} write /local/domain/19/key 1`,
    `  ${command} --domain 19 read key`,
    "Other XenStore programs find it by the same variable:",
    `  export XENSTORED_PATH=${quoted(socket)}`,
    "",
  ].join("\n");
}

/** A word as the shell takes it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
