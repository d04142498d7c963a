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
}

export const SCENARIOS: readonly Scenario[] = [
  { name: "start", file: "start.sh", guestType: "pv" },
  { name: "smoke", file: "smoke.sh", guestType: "pv" },
  { name: "smoke-pvh", file: "smoke.sh", guestType: "pvh" },
  { name: "smoke-frames", file: "frames.sh", guestType: "pv" },
  { name: "introduce", file: "introduce.sh", guestType: "pv" },
  { name: "lifecycle", file: "lifecycle.sh", guestType: "pv" },
  { name: "crowd", file: "crowd.sh", guestType: "pv" },
];
