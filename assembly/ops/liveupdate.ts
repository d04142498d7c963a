// CONTROL live-update: the conversation in which a daemon is told to replace itself.
// Holds   the session: who began it, the program and the command line.
// Never   replaces anything: the host does, and says so only when it could not.
// Source  the XenStore protocol, CONTROL (live-update).

import { TASK_FILE, TASK_UPDATE } from "../abi";
import { Bytes } from "../base/bytes";
import { EINVAL, Errno, OK } from "../base/errno";
import { Connections } from "../connection/connection";
import { Call } from "./call";
import { Task } from "./task";

const SIZE: u32 = 8192;
/** Program, NUL, command line. */
const words: usize = memory.data(8192);
const LATER = "Migration stream version not supported.";

export class LiveUpdate {
  static conn: u32 = 0;
  static serial: u32 = 0;
  static programLen: u32 = 0;
  static len: u32 = 0;

  /** Does a session exist, on whatever connection? It ends with that. */
  static get active(): bool {
    const c = Connections.find(LiveUpdate.conn);
    return c !== null && c.serial == LiveUpdate.serial;
  }

  static get mine(): bool {
    return LiveUpdate.active && LiveUpdate.conn == Call.conn.id;
  }
}

export function liveUpdate(strings: u32): Errno {
  if (strings < 2) return EINVAL;
  const step = Call.string(1);
  const len = Call.stringLen(step);
  if (Bytes.is(step, len, "-f")) return strings == 3 ? begin() : EINVAL;
  if (Bytes.is(step, len, "-c")) return strings == 3 ? commandLine() : EINVAL;
  if (Bytes.is(step, len, "-s")) return start(strings);
  if (Bytes.is(step, len, "-a")) return strings == 2 ? abort() : EINVAL;
  // A kernel sent in pieces is for a store that runs in a domain of its own.
  if (Bytes.is(step, len, "-b") || Bytes.is(step, len, "-d")) {
    return Call.replyText("This daemon is a process: name its new program with -f.");
  }
  return EINVAL;
}

function begin(): Errno {
  if (LiveUpdate.active) return Call.replyText("live-update session already active.");
  const file = Call.string(2);
  const len = Call.stringLen(file);
  if (len + 1 >= SIZE) return EINVAL;
  if (!Task.ask(Call.conn, TASK_FILE, file, len)) return OK;
  if (Task.answerLen > 0) return Call.reply(Task.answerPtr, withNul());
  memory.copy(words, file, len);
  store<u8>(words + len, 0);
  LiveUpdate.programLen = len;
  LiveUpdate.len = len + 1;
  LiveUpdate.conn = Call.conn.id;
  LiveUpdate.serial = Call.conn.serial;
  return OK;
}

function commandLine(): Errno {
  if (!LiveUpdate.mine) return Call.replyText("Not in live-update session.");
  const line = Call.string(2);
  const len = Call.stringLen(line);
  if (LiveUpdate.programLen + 1 + len > SIZE) return EINVAL;
  memory.copy(words + LiveUpdate.programLen + 1, line, len);
  LiveUpdate.len = LiveUpdate.programLen + 1 + len;
  return OK;
}

/** Open transactions are handed over: there is no waiting for them, and nothing to force. */
function start(strings: u32): Errno {
  if (!LiveUpdate.mine) return Call.replyText("Not in live-update session.");
  for (let i: u32 = 2; i < strings; i++) {
    const word = Call.string(i);
    const len = Call.stringLen(word);
    if (Bytes.is(word, len, "-F")) continue;
    const time = Bytes.is(word, len, "-t");
    if ((!time && !Bytes.is(word, len, "-v")) || ++i == strings) return EINVAL;
    const value = Call.number(i);
    if (!time && (value < 1 || value > 2)) return end(LATER);
  }
  if (!Task.ask(Call.conn, TASK_UPDATE, words, LiveUpdate.len)) return OK;
  LiveUpdate.conn = 0;
  if (Task.answerLen > 0) return Call.reply(Task.answerPtr, withNul());
  return Call.replyText("Error activating new binary.");
}

function end(text: string): Errno {
  LiveUpdate.conn = 0;
  return Call.replyText(text);
}

function abort(): Errno {
  if (!LiveUpdate.mine) return Call.replyText("No live-update session active.");
  LiveUpdate.conn = 0;
  return OK;
}

/** The host's words with a NUL behind them. @returns their length */
function withNul(): u32 {
  const len = min<u32>(Task.answerLen, 3999);
  store<u8>(Task.answerPtr + len, 0);
  return len + 1;
}
