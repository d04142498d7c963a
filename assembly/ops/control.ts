// CONTROL: commands to the daemon itself.
// Holds   nothing: switches stand in Trace, quotas in Quota and Domain.
// Never   waits; what needs a file goes to the host as a record in the log.
// Source  the XenStore protocol, CONTROL.

import { LOG_PRINT, LOG_TRACE_CLOSE, LOG_TRACE_OPEN, TASK_CHECK } from "../abi";
import { Bytes } from "../base/bytes";
import { EINVAL, Errno, OK } from "../base/errno";
import { Log } from "../base/log";
import { Trace } from "../connection/trace";
import { Domains } from "../store/domain";
import { Journal } from "../store/journal";
import { Tree } from "../store/tree";
import { Watches } from "../store/watch";
import { Call } from "./call";
import { checkStore } from "./check";
import { controlQuota, controlQuotaSoft } from "./controlquota";
import { listDomains, listTransactions, listWatches } from "./listing";
import { liveUpdate } from "./liveupdate";
import { memReport } from "./report";
import { Task } from "./task";
import { Text } from "./text";

const SWITCHES: u32 = 5;

export function control(): Errno {
  const strings = Call.strings();
  if (strings < 1) return EINVAL;
  const name = Call.body;
  const len = Call.stringLen(name);
  if (Bytes.is(name, len, "check")) return strings == 1 ? check() : EINVAL;
  if (Bytes.is(name, len, "log")) return log(strings);
  if (Bytes.is(name, len, "logfile")) return strings == 2 ? logFile() : EINVAL;
  if (Bytes.is(name, len, "memreport")) return memReport(strings);
  if (Bytes.is(name, len, "print")) return strings == 2 ? print() : EINVAL;
  if (Bytes.is(name, len, "quota")) return controlQuota(strings);
  if (Bytes.is(name, len, "quota-soft")) return controlQuotaSoft(strings);
  if (Bytes.is(name, len, "watches")) return listWatches(strings);
  if (Bytes.is(name, len, "domains")) return strings == 1 ? listDomains() : EINVAL;
  if (Bytes.is(name, len, "transactions")) return strings == 1 ? listTransactions() : EINVAL;
  if (Bytes.is(name, len, "live-update")) return liveUpdate(strings);
  if (Bytes.is(name, len, "help")) return strings == 1 ? help() : EINVAL;
  return EINVAL;
}

/** What was found in the store and, by the host, in the database if there is one. */
function check(): Errno {
  if (!Journal.on) {
    checkStore();
    return OK;
  }
  if (!Task.ask(Call.conn, TASK_CHECK, 0, 0)) return OK;
  const faults = checkStore();
  Text.begin();
  Text.add(faults == 0 ? "OK\n" : "FAULTS\n");
  Text.add("store: ");
  Text.number(Tree.nodeCount);
  Text.add(" nodes, ");
  Text.number(Domains.introducedCount);
  Text.add(" domains, ");
  Text.number(Watches.count);
  Text.add(" watches, ");
  Text.number(faults);
  Text.add(faults == 0 ? " faults\n" : " faults; the log names each\n");
  Text.raw(Task.answerPtr, Task.answerLen);
  return Text.reply();
}

function log(strings: u32): Errno {
  if (strings == 1) return listSwitches();
  if (strings != 2) return EINVAL;
  const word = Call.string(1);
  const len = Call.stringLen(word);
  if (Bytes.is(word, len, "on")) {
    Log.begin(LOG_TRACE_OPEN);
    Log.end();
    Trace.on = true;
    return OK;
  }
  if (Bytes.is(word, len, "off")) {
    Log.begin(LOG_TRACE_CLOSE);
    Log.end();
    Trace.on = false;
    return OK;
  }
  return setSwitch(word, len);
}

function setSwitch(word: usize, len: u32): Errno {
  const sign = len > 0 ? load<u8>(word) : 0;
  if (sign != 0x2b && sign != 0x2d) return EINVAL;
  for (let i: u32 = 0; i < SWITCHES; i++) {
    if (!Bytes.is(word + 1, len - 1, Trace.switchName(i))) continue;
    if (sign == 0x2b) Trace.switches |= 1 << i;
    else Trace.switches &= ~(1 << i);
    return OK;
  }
  return EINVAL;
}

function listSwitches(): Errno {
  Text.begin();
  Text.add("Log switch settings:\n");
  for (let i: u32 = 0; i < SWITCHES; i++) {
    Text.left(Trace.switchName(i), 8);
    Text.add((Trace.switches >> i) & 1 ? ": on\n" : ": off\n");
  }
  return Text.reply();
}

function logFile(): Errno {
  const name = Call.string(1);
  Log.begin(LOG_TRACE_OPEN);
  Log.raw(name, Call.stringLen(name));
  Log.end();
  Trace.on = true;
  return OK;
}

function print(): Errno {
  const text = Call.string(1);
  Log.begin(LOG_PRINT);
  Log.raw(text, Call.stringLen(text));
  Log.end();
  return OK;
}

function help(): Errno {
  Text.begin();
  helpLine("check", "");
  helpLine("log", "[on|off|+<switch>|-<switch>]");
  helpLine("live-update", "<file> [-c <arguments>] [-F] [-t <s>]");
  helpLine("logfile", "<file>");
  helpLine("memreport", "[<file>]");
  helpLine("print", "<string>");
  helpLine("quota", "[set <name> <val>|<domid>|max [-r]]");
  helpLine("quota-soft", "[set <name> <val>]");
  helpLine("watches", "[<domid>]");
  helpLine("domains", "");
  helpLine("transactions", "");
  helpLine("help", "");
  return Text.reply();
}

function helpLine(name: string, args: string): void {
  Text.left(name, 15);
  Text.add(" ");
  Text.add(args);
  Text.add("\n");
}
