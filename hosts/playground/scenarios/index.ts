// Scenarios: all of them, in the order in which they are best gone through.
// Holds   their order; groups follow from it.
// Never   does anything.
// Source  our own.

import type { Scenario } from "../model/scenario.ts";
import { balloon } from "./balloon.ts";
import { conflict } from "./conflict.ts";
import { hello } from "./hello.ts";
import { host } from "./host.ts";
import { hotplug } from "./hotplug.ts";
import { permissions } from "./permissions.ts";
import { quota } from "./quota.ts";
import { reconnect } from "./reconnect.ts";
import { xsa206, xsa325, xsa326, xsa419 } from "./security_harm.ts";
import { xsa115, xsa322, xsa353 } from "./security_watch.ts";
import { shutdown } from "./shutdown.ts";
import { storm } from "./storm.ts";

export const SCENARIOS: readonly Scenario[] = [
  ...[hello, permissions, host],
  ...[hotplug, balloon, shutdown],
  ...[conflict, storm, quota, reconnect],
  ...[xsa115, xsa322, xsa353, xsa419, xsa326, xsa206, xsa325],
];
