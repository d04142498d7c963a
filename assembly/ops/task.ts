// Task: work that takes the host some time, and the request that waits for it.
// Holds   one task at a time, its words, and the host's answer for the request.
// Never   keeps anybody else waiting: other requests are served meanwhile.
// Source  our own; the XenStore protocol, CONTROL live-update and check.

import { TASK_NONE } from "../abi";
import { Heap } from "../base/heap";
import { Connection, Connections } from "../connection/connection";

const ANSWER_MAX: u32 = 4000;
const answer: usize = memory.data(4000);

export class Task {
  static kind: u32 = TASK_NONE;
  /** The host has not begun it. */
  static fresh: bool = false;
  /** The request being served waits: it is put back, whatever its handler returns. */
  static wanted: bool = false;
  static words: usize = 0;
  static wordsLen: u32 = 0;
  static conn: u32 = 0;
  private static serial: u32 = 0;
  private static done: bool = false;
  static answerLen: u32 = 0;

  static get answerPtr(): usize {
    return answer;
  }

  /**
   * Has the host done it for this request? Else it is asked to, and the request put back.
   * @param words  copied
   */
  static ask(c: Connection, kind: u32, words: usize, len: u32): bool {
    if (Task.waits(c) && Task.done) {
      Task.kind = TASK_NONE;
      Task.done = false;
      return true;
    }
    Task.wanted = true;
    // One at a time: another request waits until that one is done.
    if (Task.kind != TASK_NONE) return false;
    if (Task.words != 0) Heap.free(Task.words);
    Task.words = Heap.alloc(max<u32>(len, 1));
    Task.wordsLen = Task.words != 0 ? len : 0;
    memory.copy(Task.words, words, Task.wordsLen);
    Task.kind = kind;
    Task.conn = c.id;
    Task.serial = c.serial;
    Task.fresh = true;
    return false;
  }

  /** The host has done it. @returns the connection that waits, or null when it is gone */
  static finish(ptr: usize, len: u32): Connection | null {
    const c = Connections.find(Task.conn);
    Task.fresh = false;
    if (Task.kind == TASK_NONE || c === null || c.serial != Task.serial) {
      Task.kind = TASK_NONE;
      return null;
    }
    Task.answerLen = min<u32>(len, ANSWER_MAX);
    memory.copy(answer, ptr, Task.answerLen);
    Task.done = true;
    return c;
  }

  /** Has the connection's request been put back for a task? */
  static waits(c: Connection): bool {
    return Task.kind != TASK_NONE && Task.conn == c.id && Task.serial == c.serial;
  }
}
