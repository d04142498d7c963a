// Judge: what the console of a run says about it.
// Holds   the form of the lines that count.
// Never   takes a run that did not get to its end for a good one.
// Source  our own; dom0/checks.sh writes these lines.

export interface Verdict {
  /** Names of the checks that succeeded. */
  readonly passed: readonly string[];
  /** Those that failed, each with why; and what else is wrong with the run. */
  readonly failed: readonly string[];
}

/** Complaints of the hypervisor; it has its say on the same console. */
const XEN_COMPLAINT = /^\(XEN\).*\b(BUG|FATAL|[Pp]anic|ERROR|[Ee]rror)\b/;
/** All that a daemon says but for what it serves, tries, and that a check has found nothing. */
const DAEMON_COMPLAINT =
  /xenstored(\[\d+\])?: (?!serving |live update: trying |store checked: .* 0 faults)/;
/** What a guest, or a load in dom0, found to be not as it should be. */
const LOAD_COMPLAINT = /WRONG (.*)$/;

/** Judges by the text that came over the serial line. */
export function judge(text: string): Verdict {
  const passed: string[] = [];
  const failed: string[] = [];
  const complaints: string[] = [];
  const expected: string[] = [];
  let ended = false;
  for (const line of text.split(/\r*\n/)) {
    const check = /CHECK (ok|failed) (.*)$/.exec(line);
    const load = LOAD_COMPLAINT.exec(line);
    const expects = /^EXPECTED (.*)$/.exec(line);
    if (check) (check[1] === "ok" ? passed : failed).push((check[2] as string).trim());
    else if (expects) expected.push((expects[1] as string).trim());
    else if (load) failed.push(`a load complains: ${line}`);
    else if (XEN_COMPLAINT.test(line)) failed.push(`the hypervisor complains: ${line}`);
    else if (DAEMON_COMPLAINT.test(line)) complaints.push(line);
    ended ||= line.includes("SCENARIO ended");
  }
  for (const one of expected) {
    const at = complaints.findIndex((line) => line.includes(one));
    if (at < 0) failed.push(`the daemon does not say "${one}"`);
    else complaints.splice(at, 1);
  }
  failed.push(...complaints.map((line) => `the daemon complains: ${line}`));
  if (!ended) failed.push("the scenario did not get to its end");
  else if (passed.length + failed.length === 0) failed.push("nothing was checked");
  return { passed, failed };
}
