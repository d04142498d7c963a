// Scenarios: what is played on an emulated Xen host.
// Holds   their names, files and kinds of guests.
// Never   runs one.
// Source  our own.

import type { GuestType } from "./boot.ts";

export interface Scenario {
  readonly name: string;
  /** In the folder scenarios. */
  readonly file: string;
  readonly guestType: GuestType;
  /** It is about what no other daemon does. */
  readonly oursOnly?: boolean;
  /** How often the machine is booted for it, with a folder that all its runs share (1). */
  readonly boots?: number;
}

export const SCENARIOS: readonly Scenario[] = [
  { name: "start", file: "start.sh", guestType: "pv" },
  { name: "smoke", file: "smoke.sh", guestType: "pv" },
  { name: "smoke-pvh", file: "smoke.sh", guestType: "pvh" },
  { name: "smoke-frames", file: "frames.sh", guestType: "pv" },
  { name: "introduce", file: "introduce.sh", guestType: "pv" },
  { name: "lifecycle", file: "lifecycle.sh", guestType: "pv" },
  { name: "crowd", file: "crowd.sh", guestType: "pv" },
  { name: "crash", file: "crash.sh", guestType: "pv", oursOnly: true },
  { name: "crash-pvh", file: "crash.sh", guestType: "pvh", oursOnly: true },
  { name: "update", file: "update.sh", guestType: "pv", oursOnly: true },
  { name: "update-pvh", file: "update.sh", guestType: "pvh", oursOnly: true },
  { name: "from-c", file: "from_c.sh", guestType: "pv", oursOnly: true },
  { name: "reboot", file: "reboot.sh", guestType: "pv", oursOnly: true, boots: 2 },
];
