// Run: all tests in their order, and one line with the totals.
// Holds   the order: tidy, the core's own specs (as-pect), everything else (vitest).
// Never   lets a test be skipped without saying which and why.
// Source  our own.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { startVitest } from "vitest/node";

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
process.chdir(ROOT);

/** Why a test or its whole suite is left out, where its name says so; may hold parentheses. */
const LEFT_OUT = / \(left out: ((?:[^()]|\([^()]*\))*)\)/;

const totals = { passed: 0, failed: 0 };
/** Lines "name: reason" of everything that was skipped. */
const skipped = [];
/** What failed besides single tests, in sentences. */
const problems = [];

await vitest("tidy", ["test/tidy"], []);
units();
await vitest("suites", [], ["test/tidy/**"]);
report();

/** Runs the suites whose path contains one of `filters`, without those that `exclude` names. */
async function vitest(name, filters, exclude) {
  console.log(`\n== ${name}`);
  const collector = { onTestRunEnd: (modules, errors) => count(name, modules, errors) };
  const options = {
    run: true,
    watch: false,
    reporters: ["default", collector],
  };
  if (exclude.length > 0) options.exclude = [...exclude, "test/unit/**", "node_modules/**"];
  const instance = await startVitest("test", filters, options);
  await instance.close();
  // What vitest thinks of the whole is counted here; its exit code would hide the last line.
  process.exitCode = 0;
}

function count(name, modules, errors) {
  let tests = 0;
  for (const error of errors) problems.push(`${name}: ${error.message}`);
  for (const module of modules) {
    for (const error of module.errors())
      problems.push(`${module.relativeModuleId}: ${error.message}`);
    for (const test of module.children.allTests()) {
      tests += 1;
      countTest(`${module.relativeModuleId} > ${test.fullName}`, test.result());
    }
  }
  if (tests === 0) problems.push(`${name}: there was no test at all`);
}

function countTest(name, result) {
  if (result.state === "passed") totals.passed += 1;
  else if (result.state === "failed") totals.failed += 1;
  else {
    // `ctx.skip(reason)` keeps its reason; `it.skip` has room for one only in the test's name.
    const reason = result.note ?? LEFT_OUT.exec(name)?.[1];
    skipped.push(`${name.replace(LEFT_OUT, "")}: ${reason ?? "no reason given"}`);
    if (!reason) problems.push(`${name} is skipped without a reason`);
  }
}

/** Runs the specs of test/unit. as-pect is content when it finds nothing, so the files count. */
function units() {
  console.log("\n== units");
  const files = readdirSync("test/unit", { recursive: true }).filter((file) => {
    return file.endsWith(".spec.ts");
  });
  const cli = path.join(ROOT, "node_modules/@as-pect/cli/lib/test.js");
  const config = ["-c", "test/unit/as-pect.config.js", "-a", "test/unit/asconfig.json"];
  const done = spawnSync(process.execPath, [cli, "--no-logo", "--summary", ...config], {
    encoding: "utf8",
  });
  const output = stripColours(`${done.stdout}${done.stderr}`);
  console.log(output.replace(/^[\s\S]*?ASC Version.*\n/, "").trimEnd());
  const sums = /\[Tests\]: (\d+) \/ (\d+)/.exec(output);
  const passedFiles = [...output.matchAll(/^\s*\S test\/unit\/(\S+\.spec\.ts) /gm)].length;
  totals.passed += Number(sums?.[1] ?? 0);
  totals.failed += Number(sums?.[2] ?? 0) - Number(sums?.[1] ?? 0);
  if (sums === null || done.status !== 0) problems.push(`units: exit code ${done.status}`);
  if (files.length === 0) problems.push("units: there are no specs");
  if (passedFiles !== files.length) {
    problems.push(`units: ${passedFiles} of ${files.length} files were run`);
  }
}

function stripColours(text) {
  return text.replace(new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g"), "");
}

function report() {
  if (skipped.length > 0) {
    console.log("\nskipped:");
    for (const line of skipped) console.log(`  ${line}`);
  }
  if (problems.length > 0) {
    console.log("\nbesides:");
    for (const line of problems) console.log(`  ${line}`);
  }
  const failed = totals.failed === 0 && problems.length > 0 ? problems.length : totals.failed;
  console.log(`\n${totals.passed} passed, ${failed} failed, ${skipped.length} skipped`);
  // Servers and workers that a test left behind must not keep the run from ending.
  process.exit(failed > 0 ? 1 : 0);
}
