// Folder lock: a database's folder belongs to one store at a time.
// Holds   a name that only one process of the system can have.
// Never   leaves anything behind when the process ends, however it does.
// Source  unix(7), abstract sockets.

import fs from "node:fs";
import net from "node:net";
import process from "node:process";
import { socketHolder } from "./holder.ts";
import { SUN_PATH_SIZE } from "./libc.ts";
import { reason } from "./log.ts";

/**
 * Claims a folder; the claim ends when the server that is returned is closed, or with the process.
 * Where the system or the runtime (Bun) has no such names there is no claim: null is returned.
 * @param instead  what to do when somebody else has it
 * @throws         Error of one line that names the holder
 */
export async function lockFolder(folder: string, instead: string): Promise<net.Server | null> {
  if (process.platform !== "linux") return null;
  const { dev, ino } = fs.statSync(folder);
  // Some runtimes pad a shorter name with NULs, which are part of it; others do not.
  const name = `xenstored-database-${dev}-${ino}`.padEnd(SUN_PATH_SIZE - 1, "-");
  const server = net.createServer();
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if ("bun" in process.versions && error.code === "EINVAL") return resolve(null);
      if (error.code !== "EADDRINUSE") {
        return reject(
          new Error(`${folder}: it can't be claimed for this process: ${reason(error)}`),
        );
      }
      // The system shows NULs as "@".
      const pid = socketHolder(`@${name}`);
      const who = pid ? `process ${pid}` : reason(error);
      reject(new Error(`${folder}: another daemon uses this database: ${who}; ${instead}`));
    });
    server.listen(`\0${name}`, () => resolve(server.unref()));
  });
}
