// Trace file: every request and reply on a line, in the C daemon's form.
// Holds   the file that is open now, and the time of the current second as text.
// Never   decides what is traced: the lines come from the core.
// Source  command line, Trace file.

import fs from "node:fs";
import path from "node:path";
import { makeFolder } from "./folder.ts";

/** The byte that stands in a line where the local time belongs. */
const TIME_MARK = "\x01";

export class TraceFile {
  #folder: string;
  #name = "";
  #fd = -1;
  #second = -1;
  #time = "";

  /** @param folder  where names without a leading slash belong */
  constructor(folder: string) {
    this.#folder = folder;
  }

  get isOpen(): boolean {
    return this.#fd >= 0;
  }

  /** The file that is open, or that was open last; empty: there was none. */
  get name(): string {
    return this.#name;
  }

  /** Goes on with the file of a process before: `open` if it was, else only known by its name. */
  resume(name: string, open: boolean): void {
    this.#name = name;
    if (open) this.#fd = fs.openSync(name, "a", 0o600);
  }

  /**
   * Opens a file for appending, in place of the one that is open.
   * @param name  empty: the one in use before
   * @throws      the system's error; what was open stays open
   */
  open(name: string): void {
    const full = name ? path.resolve(this.#folder, name) : this.#name;
    if (!full) throw new Error("no trace file was named");
    if (!path.isAbsolute(name)) makeFolder(this.#folder, 0o755);
    const fd = fs.openSync(full, "a", 0o600);
    this.close();
    this.#fd = fd;
    this.#name = full;
    this.text("\n***\n");
  }

  /** Opens the same file again, if one is open: it may have been moved away. */
  reopen(): void {
    if (this.isOpen) this.open("");
  }

  close(): void {
    if (this.isOpen) fs.closeSync(this.#fd);
    this.#fd = -1;
  }

  /** Writes lines; their bytes stay as they are. Nothing is written while closed. */
  lines(lines: readonly Uint8Array[]): void {
    if (!this.isOpen) return;
    const now = this.#now();
    const texts = lines.map((line) => {
      const text = Buffer.from(line).toString("latin1").replace(TIME_MARK, now);
      return text.endsWith("\n") ? text : `${text}\n`;
    });
    this.text(texts.join(""));
  }

  /** Writes text of one byte a character. */
  text(text: string): void {
    if (this.isOpen) fs.writeSync(this.#fd, Buffer.from(text, "latin1"));
  }

  /** Local time as YYYYMMDD HH:MM:SS. */
  #now(): string {
    const second = Math.floor(Date.now() / 1000);
    if (second === this.#second) return this.#time;
    this.#second = second;
    const now = new Date(second * 1000);
    const date = [now.getFullYear(), now.getMonth() + 1, now.getDate()];
    const time = [now.getHours(), now.getMinutes(), now.getSeconds()];
    const pad = (n: number) => String(n).padStart(2, "0");
    this.#time = `${date.map(pad).join("")} ${time.map(pad).join(":")}`;
    return this.#time;
  }
}
