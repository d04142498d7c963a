// Outcomes: what a commit decides when something else happened meanwhile.
// Holds   a row for each pair of what a transaction does and what is done outside before its end.
// Never   leaves a decision unchecked: a commit that "may" conflict must change all or nothing.
// Source  the XenStore protocol, Transactions: conflict rule, table of outcomes.

import { describe, expect, it } from "vitest";
import { type Exchange, exchange } from "./exchange.ts";
import { storeProblems } from "./invariants.ts";
import { CoreStage, OPTIONS } from "./stages.ts";

type Outcome = "OK" | "EAGAIN";
type Row = [inside: string, outside: string, ours: Outcome | "either", strict: Outcome];

// Requests separated by ";". Initial nodes: /t/a = 0, /t/b = 0, /t/c/d = 0, /u/a = 0.
const ROWS: Row[] = [
  ["", "WRITE /t/a|1", "OK", "OK"],
  ["READ /t/a|", "WRITE /t/b|1", "OK", "OK"],
  ["READ /t/a|", "WRITE /t/a|1", "EAGAIN", "EAGAIN"],
  ["READ /t/a|", "WRITE /t/a|0", "OK", "EAGAIN"],
  ["WRITE /t/a|2", "WRITE /t/a|1", "OK", "EAGAIN"],
  ["WRITE /t/a|2", "WRITE /t/b|1", "OK", "OK"],
  ["WRITE /t/a|2", "WRITE /t/n|1", "OK", "OK"],
  ["WRITE /t/n|2", "WRITE /t/m|1", "OK", "EAGAIN"],
  ["WRITE /t/n|2", "WRITE /t/n|1", "either", "EAGAIN"],
  ["WRITE /t/n|2", "WRITE /t/a|1", "OK", "OK"],
  ["READ /t/n|", "WRITE /t/n|1", "EAGAIN", "EAGAIN"],
  ["READ /t/n|", "WRITE /t/m|1", "OK", "EAGAIN"],
  ["DIRECTORY /t|", "WRITE /t/n|1", "EAGAIN", "EAGAIN"],
  ["DIRECTORY /t|", "WRITE /t/a|1", "OK", "OK"],
  ["DIRECTORY /t|", "WRITE /t/c/e|1", "OK", "OK"],
  ["RM /t/a|", "WRITE /t/a|1", "either", "EAGAIN"],
  ["RM /t/a|", "WRITE /t/n|1", "OK", "EAGAIN"],
  ["RM /t/a|", "RM /t/a|", "either", "EAGAIN"],
  ["RM /t/a|", "WRITE /t/b|1", "OK", "OK"],
  ["RM /t/c|", "WRITE /t/c/d|1", "either", "EAGAIN"],
  ["SET_PERMS /t/a|r0|", "WRITE /t/a|1", "OK", "EAGAIN"],
  ["READ /t/a|", "SET_PERMS /t/a|r0|", "either", "EAGAIN"],
  ["READ /t/a|", "SET_PERMS /t|r0|", "OK", "OK"],
  ["MKDIR /t/a|", "WRITE /t/a|1", "OK", "EAGAIN"],
  ["GET_PERMS /t/a|", "WRITE /t/a|1", "OK", "EAGAIN"],
  ["GET_PERMS /t/a|", "SET_PERMS /t/a|r0|", "EAGAIN", "EAGAIN"],
  ["READ /t/a|", "RM /t/a|; WRITE /t/a|1", "EAGAIN", "EAGAIN"],
  ["READ /t/a|", "RM /t/a|; WRITE /t/a|0", "either", "EAGAIN"],
  ["READ /t/a|", "RM /t/a|", "EAGAIN", "EAGAIN"],
  ["WRITE /t/n|2; RM /t/n|", "", "OK", "OK"],
  ["WRITE /t/n|2; RM /t/n|", "WRITE /t/n|1", "either", "EAGAIN"],
  ["READ /t/a|; WRITE /t/b|2", "WRITE /t/a|1", "EAGAIN", "EAGAIN"],
  ["READ /t/a|; WRITE /t/b|2", "WRITE /t/b|1", "OK", "EAGAIN"],
  ["READ /t/a|; WRITE /t/a|2", "WRITE /t/a|1", "EAGAIN", "EAGAIN"],
  ["READ /t/a|; WRITE /t/a|2", "WRITE /t/a|0", "OK", "EAGAIN"],
  ["DIRECTORY /t|; WRITE /t/a|2", "WRITE /t/m|1", "EAGAIN", "EAGAIN"],
  ["DIRECTORY /t|; WRITE /t/n|2", "WRITE /t/m|1", "EAGAIN", "EAGAIN"],
  ["READ /t/n|; WRITE /t/n|2", "WRITE /t/n|1", "EAGAIN", "EAGAIN"],
  ["READ /t/n|; WRITE /t/n|2", "WRITE /t/m|1", "OK", "EAGAIN"],
  ["WRITE /t/n|2; WRITE /u/n|2", "WRITE /t/m|1", "OK", "EAGAIN"],
  ["WRITE /t/n|2; WRITE /u/n|2", "WRITE /x/y|1", "OK", "OK"],
  ["READ /t/c|", "WRITE /t/c/d|1", "OK", "OK"],
  ["DIRECTORY /t|", "RM /t/a|; WRITE /t/a|0", "EAGAIN", "EAGAIN"],
  ["DIRECTORY /t/c|", "RM /t|", "EAGAIN", "EAGAIN"],
  ["WRITE /t/n|2", "RM /t|", "either", "EAGAIN"],
  ["WRITE /t/a|2", "RM /t/a|", "either", "EAGAIN"],
  ["WRITE /t/n/m|2", "WRITE /t/n|1", "either", "EAGAIN"],
  ["SET_PERMS /t/a|r0|", "SET_PERMS /t/a|w0|", "either", "EAGAIN"],
  ["SET_PERMS /t/a|r0|", "RM /t/a|", "EAGAIN", "EAGAIN"],
  ["WRITE /t/n|2", "SET_PERMS /t|r0|", "either", "EAGAIN"],
  ["RM /t/x|", "WRITE /t/x|1", "either", "EAGAIN"],
  ["RM /x/y|", "MKDIR /x|", "EAGAIN", "EAGAIN"],
  ["MKDIR /t/n|", "MKDIR /t/n|", "either", "EAGAIN"],
  ["READ /t/a|", "INTRODUCE 7|0|5|", "OK", "OK"],
  ["DIRECTORY_PART /t|0|", "WRITE /t/n|1", "EAGAIN", "EAGAIN"],
];

const SETUP = "WRITE /t/a|0; WRITE /t/b|0; WRITE /t/c/d|0; WRITE /u/a|0";

function start(strict: boolean): CoreStage {
  const stage = new CoreStage([[OPTIONS.get("strict") as number, strict ? 1 : 0]]);
  run(stage, "dom0", SETUP, 0);
  return stage;
}

function run(stage: CoreStage, conn: string, requests: string, txId: number): Exchange[] {
  const texts = requests.split(";").map((text) => text.trim());
  return texts.filter((text) => text !== "").map((text) => exchange(stage.hub, conn, text, txId));
}

/** Everything a client can see of the tree, as text. */
function picture(stage: CoreStage, path = "/"): string[] {
  const ask = (text: string) => exchange(stage.hub, "dom0", text, 0).answer;
  const names = ask(`DIRECTORY ${path}|`).split("\0").slice(0, -1);
  const here = `${path} = ${ask(`READ ${path}|`)} ${ask(`GET_PERMS ${path}|`)}`;
  const slash = path === "/" ? "" : path;
  return [here, ...names.flatMap((name) => picture(stage, `${slash}/${name}`))];
}

/** The tree after a commit must be that of the same requests made one by one at its end. */
function checkCommitted(stage: CoreStage, row: Row, strict: boolean): void {
  const other = start(strict);
  run(other, "dom0", row[1], 0);
  run(other, "dom0", row[0], 0);
  expect(picture(stage)).toEqual(picture(other));
}

function checkRefused(stage: CoreStage, row: Row, strict: boolean): void {
  const other = start(strict);
  run(other, "dom0", row[1], 0);
  expect(picture(stage)).toEqual(picture(other));
}

function check(row: Row, strict: boolean): void {
  const stage = start(strict);
  run(stage, "dom0b", "TRANSACTION_START |", 0);
  run(stage, "dom0b", row[0], 1);
  run(stage, "dom0", row[1], 0);
  const [end] = run(stage, "dom0b", "TRANSACTION_END T|", 1);
  const outcome = end.error === "" ? "OK" : end.error;
  const wanted = strict ? row[3] : row[2];
  expect(["OK", "EAGAIN"]).toContain(outcome);
  if (wanted !== "either") expect(outcome).toBe(wanted);
  if (outcome === "OK") checkCommitted(stage, row, strict);
  else checkRefused(stage, row, strict);
  expect(storeProblems(stage.hub)).toEqual([]);
}

describe("a commit by what was observed", () => {
  it.each(ROWS)("of (%s) after (%s) is %s", (...row) => check(row, false));
});

describe("a strict commit", () => {
  it.each(ROWS)("of (%s) after (%s) is not %s but %s", (...row) => check(row, true));
});
