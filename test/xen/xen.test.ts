// Xen tests: what npm test can say about the runs on an emulated Xen host without making one.
// Holds   each scenario by name, left out for its length, and tests of the judge.
// Never   boots anything: npm run test:xen does.
// Source  our own.

import path from "node:path";
import { describe, expect, it } from "vitest";
import { judge } from "./judge.ts";
import { missing } from "./missing.ts";
import { SCENARIOS } from "./scenarios.ts";

const why = missing(path.resolve(import.meta.dirname, "../.."));
const reason = why ?? "takes minutes; npm run test:xen plays it";

describe("a real Xen host", () => {
  for (const { name } of SCENARIOS) {
    it(`plays ${name}`, ({ skip }) => skip(reason));
  }
});

describe("the judge of a run", () => {
  const good = "DOM0: CHECK ok one\r\nCHECK ok two\r\nSCENARIO ended\r\n";

  it("counts the checks", () => {
    expect(judge(good)).toEqual({ passed: ["one", "two"], failed: [] });
  });

  it("tells which check failed and why", () => {
    const { passed, failed } = judge(`CHECK failed three: '1' instead of '2'\n${good}`);
    expect(passed).toHaveLength(2);
    expect(failed).toEqual(["three: '1' instead of '2'"]);
  });

  it.each([
    ["that did not get to its end", "CHECK ok one\n"],
    ["without a check", "SCENARIO ended\n"],
    ["in which the hypervisor complains", `(XEN) Xen BUG at mm.c:1\n${good}`],
    ["in which the daemon complains", `syslog: Jan 1 xenstored[9]: this is a bug\n${good}`],
    ["in which a guest complains", `guest-g1.log: WRONG load 1: read 4 after 5\n${good}`],
    ["in which the daemon keeps silent about what it should tell", `EXPECTED a fault\n${good}`],
  ])("takes no run %s for a good one", (_what, text) => {
    expect(judge(text).failed).toHaveLength(1);
  });

  it("takes no notice of what the hypervisor says anyway", () => {
    expect(judge(`(XEN) Std. Loglevel: Errors and warnings\n${good}`).failed).toEqual([]);
  });

  it("lets the daemon say what is expected, as often as that is", () => {
    const said = "syslog: xenstored[9]: live update: /bad: it ended with code 1\n";
    expect(judge(`EXPECTED code 1\n${said}${good}`).failed).toEqual([]);
    expect(judge(`EXPECTED code 1\n${said}${said}${good}`).failed).toHaveLength(1);
  });

  it("lets the daemon say what it serves", () => {
    expect(judge(`xenstored[9]: serving /run/xenstored/socket (epoll)\n${good}`).failed).toEqual(
      [],
    );
  });
});
