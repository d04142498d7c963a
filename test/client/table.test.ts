// Table: every function of xs.h and every method of pyxs has its row, and every row a test.
// Holds   the two lists.
// Never   knows what a counterpart does: the tests that the rows name show that.
// Source  the XenStore protocol, Clients, libxenstore; pyxs, Client and Monitor.

import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import * as entry from "../../hosts/entry/node.ts";
import { CASES } from "./conformance.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const HEADERS = ["/usr/include/xenstore.h", "/usr/include/xenstore_lib.h"];

const XS_H = (
  "xs_open xs_daemon_open xs_domain_open xs_daemon_open_readonly xs_close xs_daemon_close " +
  "xs_daemon_destroy_postfork xs_directory xs_read xs_write xs_mkdir xs_rm xs_get_permissions " +
  "xs_set_permissions xs_watch xs_watch_depth xs_watch_try_depth xs_unwatch xs_fileno " +
  "xs_read_watch xs_check_watch xs_transaction_start xs_transaction_end xs_introduce_domain " +
  "xs_set_target xs_resume_domain xs_release_domain xs_get_domain_path xs_is_domain_introduced " +
  "xs_get_features_supported xs_get_features_domain xs_set_features_domain xs_get_quota_names " +
  "xs_get_global_quota xs_set_global_quota xs_get_domain_quota xs_set_domain_quota " +
  "xs_control_command xs_debug_command xs_suspend_evtchn_port xs_path_is_subpath " +
  "xs_strings_to_perms xs_daemon_socket xs_daemon_socket_ro xs_daemon_rundir xs_write_all " +
  "xs_restrict"
).split(" ");

const CLIENT = (
  "connect close __enter__ __exit__ execute_command ack read __getitem__ write __setitem__ mkdir " +
  "delete __delitem__ list exists get_perms set_perms walk get_domain_path is_domain_introduced " +
  "introduce_domain release_domain resume_domain set_target transaction commit rollback monitor"
).split(" ");
const MONITOR = "watch unwatch wait watched close __enter__ __exit__".split(" ");
const PYXS = [...CLIENT.map((one) => `Client.${one}`), ...MONITOR.map((one) => `Monitor.${one}`)];

interface Row {
  name: string;
  here: string;
  test: string;
}

/** The rows below a heading. */
function rowsOf(heading: string): Row[] {
  const page = readFileSync(join(ROOT, "docs/client-table.md"), "utf8");
  const section = page.split(/^## /m).find((one) => one.startsWith(`${heading}\n`)) ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  return rows.map((line) => {
    const [, name = "", here = "", test = ""] = line.split("|").map((cell) => cell.trim());
    return { name: name.replaceAll("`", ""), here, test };
  });
}

const cases = new Set(CASES.map(({ name }) => name));

/** What is wrong with the test that a row names; null: it is there. */
function testProblem(test: string): string | null {
  const [, file, title] = /^`([^`]+)`: (.*)$/.exec(test) ?? [];
  if (file === undefined || title === undefined)
    return cases.has(test) ? null : `no case "${test}"`;
  if (!existsSync(join(ROOT, file))) return `no file ${file}`;
  const text = readFileSync(join(ROOT, file), "utf8");
  return text.includes(`it("${title}"`) ? null : `no test "${title}" in ${file}`;
}

describe.each([
  ["xs.h", XS_H],
  ["pyxs", PYXS],
])("the table of %s", (heading, names) => {
  const rows = rowsOf(heading);
  it("has a row for every name, and no other", () => {
    expect(rows.map(({ name }) => name).sort()).toEqual([...names].sort());
  });
  it("says for each what it is here", () => {
    expect(rows.filter(({ here }) => here === "")).toEqual([]);
  });
  it("names tests that are there", () => {
    expect(rows.map(({ test }) => testProblem(test)).filter((one) => one !== null)).toEqual([]);
  });
});

describe("the lists behind the table", () => {
  it("name every function of the installed headers", (ctx) => {
    const missing = HEADERS.find((file) => !existsSync(file));
    if (missing) ctx.skip(`no ${missing} (Debian's package libxen-dev)`);
    const text = HEADERS.map((file) => readFileSync(file, "utf8")).join("");
    const code = text.replace(/\/\*[\s\S]*?\*\//g, "");
    const found = new Set([...code.matchAll(/\b(xs_\w+)\(/g)].map((match) => match[1]));
    expect([...found].filter((name) => !XS_H.includes(name as string))).toEqual([]);
    expect(found.size).toBeGreaterThan(30);
  });
  it("name functions that the library gives", () => {
    const used = ["connect", "isSubpath", "parsePerm"].map((name) => name in entry);
    expect(used).toEqual([true, true, true]);
  });
});

describe("the cases", () => {
  it("have names of their own", () => {
    expect(cases.size).toBe(CASES.length);
  });
});
