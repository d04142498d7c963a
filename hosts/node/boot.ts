// Boot: which run of the machine this is.
// Holds   nothing.
// Never   guesses: where the system gives no name, every run looks the same.
// Source  Linux, Documentation/admin-guide/sysctl/kernel.rst (random).

import fs from "node:fs";
import { BOOT_SIZE } from "../../assembly/abi.ts";

const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/** BOOT_SIZE bytes that no other run of this machine has; zeros where there is no such thing. */
export function bootName(): Uint8Array {
  const name = new Uint8Array(BOOT_SIZE);
  try {
    name.set(Buffer.from(fs.readFileSync(BOOT_ID, "latin1").replace(/[^0-9a-f]/g, ""), "hex"));
  } catch {
    // Not Linux, or too little of /proc.
  }
  return name;
}
