// Payloads: what the generated requests say.
// Holds   values, tokens, permissions and numbers, well formed and otherwise.
// Never   makes a payload longer than a message may carry.
// Source  the XenStore protocol, payload syntax; permissions.

import { XENSTORE_PAYLOAD_MAX } from "../../assembly/xs_wire.ts";
import { portOf } from "../peers/ring.ts";
import type { Paths } from "./paths.ts";
import type { Random } from "./random.ts";

const TOKENS = ["w", "w", "x", "", "tok en", "\xff\x01", "/t"];
const DOMIDS = [0, 0, 1, 1, 2, 3, 4, 7];
const ENTRIES = ["x0", "r", "R0", "r0x", "", "n 0", "r0x3", "r-1", "r99999", "b010", "w 2", "nn0"];
const NUMBERS = ["0", "1", "2", "3", "007", "65535", "65536", "-1", "", "x", "1x", " 1", "+1"];
const CONTROLS = ["check\0", "print\0hello\0", "bogus\0", "", "\0", "check\0x\0", "print\0"];
const WIDE_NAME = 80;

/** The n-th child of the directory that does not fit one reply; 60 of them take 4860 bytes. */
export const wideName = (n: number): string => `/wide/${`n${n}-`.padEnd(WIDE_NAME, "x")}`;

/** Returns a payload of the operation's form; most are well formed. */
export function payloadOf(
  random: Random,
  paths: Paths,
  operation: string,
  conn: string,
  guests: readonly number[],
): string {
  switch (operation) {
    case "WRITE":
      return `${paths.next(conn)}\0${value(random)}`.slice(0, XENSTORE_PAYLOAD_MAX);
    case "READ":
    case "DIRECTORY":
    case "GET_PERMS":
    case "MKDIR":
    case "RM":
      return `${paths.next(conn)}\0`;
    case "DIRECTORY_PART":
      return `${random.chance(30) ? "/wide" : paths.next(conn)}\0${offset(random)}\0`;
    case "SET_PERMS":
      return `${paths.next(conn)}\0${entries(random, conn)}`;
    case "WATCH":
    case "UNWATCH":
      return watch(random, paths.watched(conn));
    case "RESET_WATCHES":
      return "\0";
    case "CONTROL":
      return random.pick(CONTROLS);
    default:
      return domains(random, operation, guests);
  }
}

/** Sometimes spoils the form of a payload. */
export function damaged(random: Random, payload: string): string {
  if (!random.chance(3)) return payload;
  const spoil = random.below(5);
  if (spoil === 0) return payload.replace(/\0$/, "");
  if (spoil === 1) return `${payload}\0`.slice(0, XENSTORE_PAYLOAD_MAX);
  if (spoil === 2) return "";
  if (spoil === 3) return payload.slice(0, random.below(payload.length + 1));
  return `${payload}more\0`.slice(0, XENSTORE_PAYLOAD_MAX);
}

function value(random: Random): string {
  const kind = random.below(100);
  if (kind < 10) return "";
  if (kind < 14) return "with\0NUL\xff";
  if (kind < 16) return "v".repeat(random.from(1900, 2100));
  if (kind < 17) return "V".repeat(random.from(4000, 4096));
  return String(random.below(1000));
}

function offset(random: Random): string {
  return random.pick(["0", "0", "0", "2", "81", "1620", "3969", "4050", "4860", "9999", "x"]);
}

function entries(random: Random, conn: string): string {
  const count = random.pick([1, 1, 1, 2, 2, 2, 3, 3, 4, 6]);
  const list = Array.from({ length: count }, () => entry(random));
  // A guest may keep only itself as the owner.
  const own = Number(conn.slice(3)) || 0;
  if (own > 0 && random.chance(80)) list[0] = `${random.pick([..."nrwb"])}${own}`;
  return list.map((text) => `${text}\0`).join("");
}

function entry(random: Random): string {
  if (random.chance(4)) return random.pick(ENTRIES);
  return `${random.pick([..."nrwb"])}${random.pick(DOMIDS)}`;
}

function watch(random: Random, where: string): string {
  const token = random.chance(2) ? "k".repeat(random.from(3900, 4090)) : random.pick(TOKENS);
  return `${where}\0${token}\0`.slice(0, XENSTORE_PAYLOAD_MAX);
}

function domains(random: Random, operation: string, guests: readonly number[]): string {
  const known = guests.length > 0 && random.chance(70) ? guests : [1, 2, 3, 4];
  const domid = random.pick(known);
  if (operation === "INTRODUCE") {
    const port = random.chance(95) ? portOf(domid) : random.pick(["0", "-1"]);
    const strings = [`${domid}`, "0", ...(random.chance(97) ? [`${port}`] : [])];
    return strings.map((text) => `${text}\0`).join("");
  }
  if (operation === "SET_TARGET") return `${domid}\0${random.pick([...known, 9])}\0`;
  if (operation === "RELEASE" || operation === "RESUME") {
    return `${random.pick([0, ...known, ...known, 9])}\0`;
  }
  return `${random.pick([...NUMBERS, "32752", "9", "4"])}\0`;
}
