// Options: the daemon's command line.
// Holds   the table of options, and the parser that goes by it.
// Never   reads a file or the environment.
// Source  the command line, Daemon xenstored; quotas, Options.

import {
  OPT_KEEP_ORPHANS,
  OPT_PRIV_DOMID,
  OPT_QUOTA_MEMORY,
  OPT_QUOTA_NODE_PERMISSIONS,
  OPT_QUOTA_NODE_SIZE,
  OPT_QUOTA_NODES,
  OPT_QUOTA_OUTSTANDING,
  OPT_QUOTA_PATH_MAX,
  OPT_QUOTA_SOFT_MEMORY,
  OPT_QUOTA_TRANSACTION_NODES,
  OPT_QUOTA_TRANSACTIONS,
  OPT_QUOTA_WATCHES,
  OPT_STORE_DOMID,
  OPT_STRICT_CONFLICTS,
  OPT_TIMEOUT_WATCH_EVENT,
  OPT_TRACE_SWITCHES,
} from "../../assembly/abi.ts";
import { DOMID_FIRST_RESERVED } from "../../assembly/xs_wire.ts";
import {
  type Apply,
  type Config,
  ConfigError,
  type Durability,
  file,
  notAllowed,
  QUOTA_MAX,
  quota,
  type TransportName,
  wholeNumber,
} from "./config.ts";

const TIMEOUT_MAX_S = 4_000_000;
const PATH_MAX_CAP = 2048;

// Switches of the trace that are on by default.
const TRACE_OBJ = 1;
const TRACE_IO = 2;
/** Bits of the trace switches. */
const SWITCHES: Record<string, number> = { obj: TRACE_OBJ, io: TRACE_IO, wrl: 4, acc: 8, tdb: 16 };

/** Hard quotas by the names of GET_QUOTA. */
const QUOTAS: Record<string, number> = {
  nodes: OPT_QUOTA_NODES,
  watches: OPT_QUOTA_WATCHES,
  outstanding: OPT_QUOTA_OUTSTANDING,
  memory: OPT_QUOTA_MEMORY,
  transactions: OPT_QUOTA_TRANSACTIONS,
  "transaction-nodes": OPT_QUOTA_TRANSACTION_NODES,
  "node-permissions": OPT_QUOTA_NODE_PERMISSIONS,
  "path-max": OPT_QUOTA_PATH_MAX,
  "node-size": OPT_QUOTA_NODE_SIZE,
};

interface Option {
  readonly long: string;
  readonly short?: string;
  /** Name of the argument; none: takes none. In brackets: may be left out. */
  readonly argument?: string;
  readonly help: string;
  readonly apply: Apply;
}

/**
 * Applies a command line to `config`: GNU style, options and arguments in any order, long names
 * may be cut short as long as one option matches.
 * @throws ConfigError
 */
export function applyArguments(config: Config, args: readonly string[]): void {
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--" || !arg.startsWith("-") || arg === "-") {
      const extra = arg === "--" ? rest[0] : arg;
      if (extra === undefined) return;
      throw new ConfigError(`"${extra}": no arguments are desired, only options (see --help)`);
    }
    if (arg.startsWith("--")) applyLong(config, arg, rest);
    else applyShort(config, arg, rest);
  }
}

/** The usage text. */
export function usage(): string {
  const lines = OPTIONS.map(({ long, short, argument, help }) => {
    const left = `${short ? `-${short},` : "   "} --${long}${argument ? ` ${argument}` : ""}`;
    const gap = left.length < 30 ? left.padEnd(30) : `${left}\n${"".padEnd(32)}`;
    return `  ${gap}${help}`;
  });
  return `Usage: xenstored [options]\n\n${lines.join("\n")}\n`;
}

type Flag =
  | "help"
  | "version"
  | "verbose"
  | "noFork"
  | "try"
  | "outputPid"
  | "configTest"
  | "liveUpdate";

function flag(key: Flag) {
  return (config: Config) => {
    config[key] = true;
  };
}

function oneOf(name: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) throw notAllowed(name, value, allowed.join(" or "));
}

/** What a table has for a name itself: "constructor" is in none. */
function own(table: Record<string, number>, name: string): number | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Takes `what=number` apart; `keys` are the whats that are allowed. */
function pair(keys: Record<string, number>, most: number, unit = 1): Apply {
  return (config, value, name) => {
    const [what, number, ...more] = value.split("=");
    const key = own(keys, what as string);
    if (key === undefined || number === undefined || more.length) {
      throw notAllowed(name, value, `name=number with a name of: ${Object.keys(keys).join(", ")}`);
    }
    config.core.set(key, wholeNumber(`${name} ${what}`, number, most) * unit);
  };
}

const pathMax: Apply = (config, value, name) => {
  const n = wholeNumber(name, value, QUOTA_MAX);
  config.core.set(OPT_QUOTA_PATH_MAX, Math.min(n, PATH_MAX_CAP));
};

const traceControl: Apply = (config, value, name) => {
  const bit = own(SWITCHES, value.slice(1));
  if (!bit || !/^[+-]/.test(value)) {
    throw notAllowed(name, value, `+ or - and one of: ${Object.keys(SWITCHES).join(", ")}`);
  }
  const before = config.core.get(OPT_TRACE_SWITCHES) ?? TRACE_OBJ | TRACE_IO;
  config.core.set(OPT_TRACE_SWITCHES, (before & ~bit) | (value.startsWith("+") ? bit : 0));
};

const transport: Apply = (config, value, name) => {
  oneOf(name, value, ["auto", "epoll", "net"]);
  config.transport = value as TransportName;
};

const conflicts: Apply = (config, value, name) => {
  oneOf(name, value, ["observed", "strict"]);
  config.core.set(OPT_STRICT_CONFLICTS, value === "strict" ? 1 : 0);
};

const durability: Apply = (config, value, name) => {
  oneOf(name, value, ["off", "process", "disk"]);
  config.durability = value as Durability;
};

/** The C daemon's word for the same: what is kept in the process only is not stored. */
const internalDb: Apply = (config, value, name) => {
  if (value) oneOf(name, value, ["on", "off"]);
  if (value !== "off") config.durability = "off";
  else if (config.durability === "off") config.durability = "process";
};

const nothing: Apply = () => {};
const domid = (key: number) => quota(key, DOMID_FIRST_RESERVED - 1);
const timeouts = { "watch-event": OPT_TIMEOUT_WATCH_EVENT };

const OPTIONS: readonly Option[] = [
  { short: "H", long: "help", help: "show this text", apply: flag("help") },
  { long: "version", help: "show the version", apply: flag("version") },
  { short: "N", long: "no-fork", help: "stay in the foreground", apply: flag("noFork") },
  { long: "try", help: "run without Xen, in a folder of your own", apply: flag("try") },
  {
    short: "F",
    long: "pid-file",
    argument: "<file>",
    help: "write the process id to this file",
    apply: file("pidFile"),
  },
  {
    short: "P",
    long: "output-pid",
    help: "print the process id when ready",
    apply: flag("outputPid"),
  },
  {
    long: "config-file",
    argument: "<file>",
    help: "read settings in the form of oxenstored.conf",
    apply: file("configFile"),
  },
  { long: "config-test", help: "check the settings and end", apply: flag("configTest") },
  {
    short: "T",
    long: "trace-file",
    argument: "<file>",
    help: "log every request and reply to this file",
    apply: file("traceFile"),
  },
  {
    long: "trace-control",
    argument: "<+|-switch>",
    help: "switch on or off: obj io wrl acc tdb",
    apply: traceControl,
  },
  {
    short: "E",
    long: "entry-nb",
    argument: "<n>",
    help: "nodes a domain may own",
    apply: quota(OPT_QUOTA_NODES),
  },
  {
    short: "S",
    long: "entry-size",
    argument: "<bytes>",
    help: "size of a domain's node",
    apply: quota(OPT_QUOTA_NODE_SIZE),
  },
  {
    short: "W",
    long: "watch-nb",
    argument: "<n>",
    help: "watches of a domain",
    apply: quota(OPT_QUOTA_WATCHES),
  },
  {
    short: "t",
    long: "transaction",
    argument: "<n>",
    help: "open transactions of a domain",
    apply: quota(OPT_QUOTA_TRANSACTIONS),
  },
  {
    short: "A",
    long: "perm-nb",
    argument: "<n>",
    help: "permissions of a domain's node",
    apply: quota(OPT_QUOTA_NODE_PERMISSIONS),
  },
  {
    short: "M",
    long: "path-max",
    argument: "<n>",
    help: `length of a domain's path, at most ${PATH_MAX_CAP}`,
    apply: pathMax,
  },
  {
    short: "Q",
    long: "quota",
    argument: "<name>=<n>",
    help: `any of: ${Object.keys(QUOTAS).join(" ")}`,
    apply: pair(QUOTAS, QUOTA_MAX),
  },
  {
    short: "q",
    long: "quota-soft",
    argument: "<name>=<n>",
    help: "warn above this: memory",
    apply: pair({ memory: OPT_QUOTA_SOFT_MEMORY }, QUOTA_MAX),
  },
  {
    short: "w",
    long: "timeout",
    argument: "<name>=<s>",
    help: "seconds an event waits for a domain: watch-event",
    apply: pair(timeouts, TIMEOUT_MAX_S, 1000),
  },
  {
    short: "K",
    long: "keep-orphans",
    help: "keep the nodes of domains that have ended",
    apply: (config) => config.core.set(OPT_KEEP_ORPHANS, 1),
  },
  {
    long: "master-domid",
    argument: "<domid>",
    help: "domain the daemon runs in",
    apply: domid(OPT_STORE_DOMID),
  },
  {
    long: "priv-domid",
    argument: "<domid>",
    help: "the privileged domain",
    apply: domid(OPT_PRIV_DOMID),
  },
  {
    long: "transaction-conflicts",
    argument: "<rule>",
    help: "observed (default), or strict as the C daemon",
    apply: conflicts,
  },
  {
    long: "transport",
    argument: "<name>",
    help: "how sockets are served: auto (default), epoll, net",
    apply: transport,
  },
  { short: "V", long: "verbose", help: "say more", apply: flag("verbose") },
  {
    long: "simulate",
    argument: "<folder>",
    help: "serve the guests of a simulated machine",
    apply: file("simulate"),
  },
  {
    short: "D",
    long: "no-domain-init",
    help: "leave the rings of a Xen host alone",
    apply: (config) => {
      config.domainInit = false;
    },
  },
  { short: "R", long: "no-recovery", help: "accepted, without effect", apply: nothing },
  {
    short: "I",
    long: "internal-db",
    argument: "[on|off]",
    help: "on: store nothing",
    apply: internalDb,
  },
  {
    long: "durability",
    argument: "<level>",
    help: "what a change survives: off, process (default), disk",
    apply: durability,
  },
  {
    long: "event",
    argument: "<n>",
    help: "accepted, without effect",
    apply: (_config, value, name) => void wholeNumber(name, value, QUOTA_MAX),
  },
  {
    short: "U",
    long: "live-update",
    help: "take over from the daemon that a live update ends",
    apply: flag("liveUpdate"),
  },
];

function applyLong(config: Config, arg: string, rest: string[]): void {
  const [, name, value] = /^--([^=]*)(?:=([\s\S]*))?$/.exec(arg) as unknown as string[];
  const option = findLong(name as string);
  const shown = `--${option.long}`;
  if (!option.argument && value !== undefined) throw notAllowed(shown, value, "no argument");
  option.apply(config, argumentOf(option, shown, value, rest), shown);
}

/** Several letters may follow one dash; an argument follows its letter, or comes next. */
function applyShort(config: Config, arg: string, rest: string[]): void {
  for (let at = 1; at < arg.length; at++) {
    const letter = arg[at] as string;
    const option = OPTIONS.find(({ short }) => short === letter);
    if (!option) throw noSuch(`-${letter}`);
    const shown = `-${letter} (--${option.long})`;
    if (!option.argument) {
      option.apply(config, "", shown);
      continue;
    }
    option.apply(config, argumentOf(option, shown, arg.slice(at + 1) || undefined, rest), shown);
    return;
  }
}

function findLong(name: string): Option {
  const matches = OPTIONS.filter(({ long }) => long.startsWith(name));
  const option = matches.find(({ long }) => long === name) ?? matches[0];
  if (!option || name === "") throw noSuch(`--${name}`);
  if (matches.length === 1 || option.long === name) return option;
  const candidates = matches.map(({ long }) => `--${long}`).join(", ");
  throw new ConfigError(`--${name}: could mean any of ${candidates}`);
}

function argumentOf(option: Option, shown: string, given: string | undefined, rest: string[]) {
  if (!option.argument || given !== undefined) return given ?? "";
  const optional = option.argument.startsWith("[");
  if (optional && !["on", "off"].includes(rest[0] ?? "")) return "";
  const next = rest.shift();
  if (next === undefined) throw new ConfigError(`${shown}: needs ${option.argument}`);
  return next;
}

function noSuch(name: string): ConfigError {
  return new ConfigError(`${name}: there is no such option; --help lists those there are`);
}
