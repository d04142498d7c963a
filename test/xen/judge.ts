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
/** All that a daemon says but for what it serves, and that a check has found nothing. */
const DAEMON_COMPLAINT = /xenstored(\[\d+\])?: (?!serving |store checked: .* 0 faults)/;

/** Judges by the text that came over the serial line. */
export function judge(text: string): Verdict {
  const passed: string[] = [];
  const failed: string[] = [];
  let ended = false;
  for (const line of text.split(/\r*\n/)) {
    const check = /CHECK (ok|failed) (.*)$/.exec(line);
    if (check) (check[1] === "ok" ? passed : failed).push((check[2] as string).trim());
    else if (XEN_COMPLAINT.test(line)) failed.push(`the hypervisor complains: ${line}`);
    else if (DAEMON_COMPLAINT.test(line)) failed.push(`the daemon complains: ${line}`);
    ended ||= line.includes("SCENARIO ended");
  }
  if (!ended) failed.push("the scenario did not get to its end");
  else if (passed.length + failed.length === 0) failed.push("nothing was checked");
  return { passed, failed };
}
