// Options of the daemon: what each one sets, and what is said about a wrong one.
// Holds   tables of options.
// Never   starts a daemon.
// Source  the command line, Daemon xenstored; quotas, Options.

import { expect, test } from "vitest";
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
import { applyConfFile } from "../../hosts/shared/conf_file.ts";
import { type Config, defaults } from "../../hosts/shared/config.ts";
import { applyArguments, usage } from "../../hosts/shared/options.ts";

function parsed(...args: string[]): Config {
  const config = defaults();
  applyArguments(config, args);
  return config;
}

test.each<[string[], [number, number]]>([
  [
    ["-E", "7"],
    [OPT_QUOTA_NODES, 7],
  ],
  [["-E7"], [OPT_QUOTA_NODES, 7]],
  [
    ["--entry-nb", "7"],
    [OPT_QUOTA_NODES, 7],
  ],
  [["--entry-nb=7"], [OPT_QUOTA_NODES, 7]],
  [["--entry-n=7"], [OPT_QUOTA_NODES, 7]],
  [["-NE0"], [OPT_QUOTA_NODES, 0]],
  [
    ["-S", "4096"],
    [OPT_QUOTA_NODE_SIZE, 4096],
  ],
  [
    ["-W", "9"],
    [OPT_QUOTA_WATCHES, 9],
  ],
  [
    ["-t", "3"],
    [OPT_QUOTA_TRANSACTIONS, 3],
  ],
  [
    ["--transaction", "3"],
    [OPT_QUOTA_TRANSACTIONS, 3],
  ],
  [
    ["-A", "6"],
    [OPT_QUOTA_NODE_PERMISSIONS, 6],
  ],
  [
    ["-M", "100"],
    [OPT_QUOTA_PATH_MAX, 100],
  ],
  [
    ["-M", "5000"],
    [OPT_QUOTA_PATH_MAX, 2048],
  ],
  [
    ["-Q", "transaction-nodes=11"],
    [OPT_QUOTA_TRANSACTION_NODES, 11],
  ],
  [
    ["-Q", "outstanding=5"],
    [OPT_QUOTA_OUTSTANDING, 5],
  ],
  [
    ["--quota", "memory=4294967294"],
    [OPT_QUOTA_MEMORY, 4294967294],
  ],
  [["--quota=path-max=64"], [OPT_QUOTA_PATH_MAX, 64]],
  [
    ["-q", "memory=10"],
    [OPT_QUOTA_SOFT_MEMORY, 10],
  ],
  [
    ["-w", "watch-event=2"],
    [OPT_TIMEOUT_WATCH_EVENT, 2000],
  ],
  [["-K"], [OPT_KEEP_ORPHANS, 1]],
  [["--trace-control=+acc"], [OPT_TRACE_SWITCHES, 11]],
  [
    ["--trace-control=-io", "--trace-control", "-obj"],
    [OPT_TRACE_SWITCHES, 0],
  ],
  [
    ["--master-domid", "4"],
    [OPT_STORE_DOMID, 4],
  ],
  [["--priv-domid=5"], [OPT_PRIV_DOMID, 5]],
  [
    ["--transaction-conflicts", "strict"],
    [OPT_STRICT_CONFLICTS, 1],
  ],
  [
    ["--transaction-conflicts", "observed"],
    [OPT_STRICT_CONFLICTS, 0],
  ],
])("%j tells the core", (args, [key, value]) => {
  expect([...parsed(...args).core]).toEqual([[key, value]]);
});

test.each<[string[], Partial<Config>]>([
  [["-N"], { noFork: true }],
  [["-NPV"], { noFork: true, outputPid: true, verbose: true }],
  [["-F", "a", "-Tb"], { pidFile: "a", traceFile: "b" }],
  [["--trace-file=b"], { traceFile: "b" }],
  [["-DRI", "off"], { domainInit: false }],
  [["--simulate", "guests"], { simulate: "guests" }],
  [["--internal-db", "--event", "3"], { durability: "off" }],
  [["--internal-db", "on"], { durability: "off" }],
  [["--durability", "off", "-I", "off"], { durability: "process" }],
  [["--durability=disk", "-I", "off"], { durability: "disk" }],
  [["--durability", "process"], {}],
  [["--transport", "net"], { transport: "net" }],
  [["-H"], { help: true }],
  [["--"], {}],
])("%j sets what the host needs", (args, wanted) => {
  expect(parsed(...args)).toEqual({ ...defaults(), ...wanted });
});

test.each<[string[], RegExp]>([
  [
    ["-E", "x"],
    /^-E \(--entry-nb\): "x" is not allowed; allowed is a whole number from 0 to 4294967294$/,
  ],
  [["--entry-nb=-1"], /^--entry-nb: "-1" .*whole number/],
  [["-E", "4294967295"], /"4294967295" .*4294967294/],
  [["-E", "1.5"], /"1.5"/],
  [["-E", ""], /""/],
  [["-E"], /^-E \(--entry-nb\): needs <n>$/],
  [["-Q", "bogus=3"], /^-Q \(--quota\): "bogus=3" .*nodes, watches, outstanding, memory, /],
  [["-Q", "nodes"], /"nodes"/],
  [["-Q", "nodes=3=4"], /"nodes=3=4"/],
  [["-Q", "constructor=3"], /"constructor=3" is not allowed/],
  [["-w", "valueOf=3"], /"valueOf=3" is not allowed/],
  [["--trace-control", "+toString"], /"\+toString" is not allowed/],
  [["--quota", "nodes=x"], /^--quota nodes: "x"/],
  [["-q", "nodes=3"], /^-q \(--quota-soft\): "nodes=3" .*: memory$/],
  [["-w", "other=3"], /: watch-event$/],
  [["--trace-control=io"], /^--trace-control: "io" .*obj, io, wrl, acc, tdb$/],
  [["--trace-control=+all"], /"\+all"/],
  [["--transaction-conflicts=some"], /"some" .*observed or strict$/],
  [["--transport", "tcp"], /"tcp" .*auto or epoll or net$/],
  [["--internal-db=maybe"], /"maybe" .*on or off$/],
  [["--master-domid", "32752"], /0 to 32751$/],
  [["--pid-file="], /^--pid-file: ""/],
  [["--no-fork=1"], /^--no-fork: "1" .*no argument$/],
  [["--bogus"], /^--bogus: there is no such option/],
  [["-x"], /^-x: there is no such option/],
  [["--trace"], /^--trace: could mean any of --trace-file, --trace-control$/],
  [["--live-update=now"], /^--live-update: /],
  [["word"], /^"word": no arguments are desired/],
  [["--", "word"], /^"word": /],
])("%j is refused: the option, what was given and what is allowed are named", (args, text) => {
  expect(() => parsed(...args)).toThrow(text);
});

test("the usage text names every option, each on a line of its own", () => {
  const names = usage().match(/(?<= )--[a-z-]+/g) ?? [];
  expect(names).toContain("--quota-soft");
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(() => parsed(name)).not.toThrow(/no such option/);
});

test("oxenstored.conf can ask for a store that is kept, but does not switch that off", () => {
  for (const [args, value, durability] of [
    [["-I"], "true", "process"],
    [["--durability", "disk"], "true", "disk"],
    [[], "false", "process"],
  ] as const) {
    const config = parsed(...args);
    expect(applyConfFile(config, `persistent = ${value}\n`, "x.conf")).toEqual([]);
    expect(config.durability).toBe(durability);
  }
  expect(() => applyConfFile(defaults(), "persistent = maybe\n", "x.conf")).toThrow(
    /^x.conf, line 1: persistent: "maybe" is not allowed; allowed is true or false$/,
  );
});

test("keys of oxenstored.conf that mean something here are applied", () => {
  const config = defaults();
  const text = `
# a comment
pid-file = /run/x.pid   # another
access-log-file=/var/log/x
quota-maxentity = 1
quota-maxsize = 2
quota-maxwatch = 3
quota-transaction = 4
quota-maxrequests = 5
quota-path-max = 6
quota-maxoutstanding = 7
perms-activate = true
ring-scan-interval = -1
`;
  expect(applyConfFile(config, text, "x.conf")).toEqual([]);
  expect(config).toMatchObject({ pidFile: "/run/x.pid", traceFile: "/var/log/x" });
  expect(Object.fromEntries(config.core)).toEqual({
    [OPT_QUOTA_NODES]: 1,
    [OPT_QUOTA_NODE_SIZE]: 2,
    [OPT_QUOTA_WATCHES]: 3,
    [OPT_QUOTA_TRANSACTIONS]: 4,
    [OPT_QUOTA_TRANSACTION_NODES]: 5,
    [OPT_QUOTA_PATH_MAX]: 6,
    [OPT_QUOTA_OUTSTANDING]: 7,
  });
});

test("quota-activate = false switches the quotas off, wherever it stands", () => {
  const config = defaults();
  applyConfFile(config, "quota-activate = false\nquota-maxentity = 5\n", "x.conf");
  expect(config.core.get(OPT_QUOTA_NODES)).toBe(0);
  expect(config.core.get(OPT_QUOTA_OUTSTANDING)).toBe(0);
});

test("a line of oxenstored.conf that changes nothing here is warned about by its number", () => {
  const text = "colour = blue\nperms-activate = false\nnonsense\n";
  expect(applyConfFile(defaults(), text, "x.conf")).toEqual([
    "x.conf, line 1: unknown key colour",
    "x.conf, line 2: perms-activate = false is not offered, true holds",
    "x.conf, line 3: not of the form key = value",
  ]);
});

test("a wrong value in oxenstored.conf is refused by line, key, value and what is allowed", () => {
  expect(() => applyConfFile(defaults(), "\nquota-maxentity = many\n", "x.conf")).toThrow(
    /^x.conf, line 2: quota-maxentity: "many" is not allowed; allowed is a whole number from 0/,
  );
});
