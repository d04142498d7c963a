// Killing page: ends the process at a chosen write into the pages that it shares with guests, or
// of what it notes of them before.
// Holds   how many writes there were.
// Never   touches pages that are read and written as files: without koffi nothing is counted.
// Source  our own.

import process from "node:process";
import { MemoryPage } from "../../hosts/shared/machine.ts";
import { RingNotes } from "../../hosts/shared/ring_notes.ts";

/** From here on the write or note number `at` does not happen: the process ends before it. */
export function trapPages(at: number): void {
  const { store, write } = MemoryPage.prototype;
  const { note } = RingNotes.prototype;
  let count = 0;
  const step = () => {
    count += 1;
    if (count === at) process.kill(process.pid, "SIGKILL");
  };
  MemoryPage.prototype.store = function (this: MemoryPage, ...args) {
    step();
    store.apply(this, args);
  };
  RingNotes.prototype.note = function (this: RingNotes, ...args) {
    step();
    note.apply(this, args);
  };
  MemoryPage.prototype.write = function (this: MemoryPage, ...args) {
    step();
    write.apply(this, args);
  };
}
