// Config: what the daemon is told at its start, and the defaults, the same on every host.
// Holds   the settings' type, and the checks of single values.
// Never   reads a file or the environment; paths are kept as they were given.
// Source  the command line, Daemon xenstored; quotas, Options.

/** The largest quota: the number above it means "none" on the wire. */
export const QUOTA_MAX = 0xfffffffe;

export type TransportName = "auto" | "epoll" | "net";

/** What an acknowledged change survives: nothing, the end of the process, the loss of power. */
export type Durability = "off" | "process" | "disk";

export interface Config {
  help: boolean;
  version: boolean;
  verbose: boolean;
  /** Stay in the foreground. */
  noFork: boolean;
  /** For people without Xen: in the foreground, everything below a folder of the user's. */
  try: boolean;
  /** Print the process id once ready. */
  outputPid: boolean;
  /** Only check the configuration. */
  configTest: boolean;
  /** Take over from the process before: it has left its state, or this very process. */
  liveUpdate: boolean;
  configFile: string;
  pidFile: string;
  traceFile: string;
  transport: TransportName;
  durability: Durability;
  /** Folder of a simulated machine, or empty: the real one if there is any. */
  simulate: string;
  /** Serve the ring of the control domain's kernel. */
  domainInit: boolean;
  /** What `configure` of the core is told: OPT_* and value. */
  core: Map<number, number>;
}

/** A wrong option: the text names it, what was given and what is allowed. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/** Changes a config for a value; `name` is how the user called the option. */
export type Apply = (config: Config, value: string, name: string) => void;

/** The settings of a daemon that is told nothing. */
export function defaults(): Config {
  return {
    help: false,
    version: false,
    verbose: false,
    noFork: false,
    try: false,
    outputPid: false,
    configTest: false,
    liveUpdate: false,
    configFile: "",
    pidFile: "",
    traceFile: "",
    transport: "auto",
    durability: "process",
    simulate: "",
    domainInit: true,
    core: new Map(),
  };
}

/** `value` as a whole number from 0 to `most`; throws ConfigError. */
export function wholeNumber(name: string, value: string, most: number): number {
  const n = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
  if (n <= most) return n;
  throw notAllowed(name, value, `a whole number from 0 to ${most}`);
}

/** Sets the OPT_* `key` to a whole number. */
export function quota(key: number, most = QUOTA_MAX): Apply {
  return (config, value, name) => config.core.set(key, wholeNumber(name, value, most));
}

/** The error for a value: what was given to which option, and what is allowed. */
export function notAllowed(name: string, value: string, allowed: string): ConfigError {
  return new ConfigError(`${name}: "${value}" is not allowed; allowed is ${allowed}`);
}

/** Sets the name of a file, as it was given. */
export function file(key: "configFile" | "pidFile" | "traceFile" | "simulate"): Apply {
  return (config, value, name) => {
    if (value === "") throw notAllowed(name, value, "a name");
    config[key] = value;
  };
}
