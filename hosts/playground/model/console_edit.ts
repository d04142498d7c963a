// Console edit: a console's line: its history and its completion.
// Holds   what Up, Down and Tab make of a line.
// Never   looks at a page.
// Source  our own; readline.

/** Lines that a history keeps. */
const LINES_MAX = 200;

/** The lines that were run in a console, and where in them Up and Down are. */
export class LineHistory {
  #lines: string[] = [];
  /** Place in the lines; their number: behind the newest, at the draft. */
  #at = 0;
  #draft = "";

  /** A line was run. */
  add(line: string): void {
    if (line.trim() !== "" && this.#lines.at(-1) !== line) {
      this.#lines.push(line);
      if (this.#lines.length > LINES_MAX) this.#lines.shift();
    }
    this.#at = this.#lines.length;
    this.#draft = "";
  }

  /** The line before or behind; null: there is none. `line` is kept, to come back to. */
  move(step: -1 | 1, line: string): string | null {
    const to = this.#at + step;
    if (to < 0 || to > this.#lines.length) return null;
    if (this.#at === this.#lines.length) this.#draft = line;
    this.#at = to;
    return to === this.#lines.length ? this.#draft : this.#lines[to];
  }
}

/** What all options have at their beginning. */
export function commonPrefix(options: readonly string[]): string {
  let [prefix = ""] = options;
  for (const option of options) {
    let length = 0;
    while (length < prefix.length && prefix[length] === option[length]) length++;
    prefix = prefix.slice(0, length);
  }
  return prefix;
}

export interface Edited {
  readonly line: string;
  readonly cursor: number;
}

/** The line with `text` in the place of what stands from `from` to the cursor. */
export function replaced(line: string, from: number, cursor: number, text: string): Edited {
  return { line: line.slice(0, from) + text + line.slice(cursor), cursor: from + text.length };
}

/**
 * What Tab makes of the line; null: nothing, for there is nothing to complete. A sole command is
 * put in with a blank behind it; a path is not, for it may go on.
 */
export function completed(
  line: string,
  cursor: number,
  found: { readonly from: number; readonly options: readonly string[] },
): (Edited & { readonly open: boolean }) | null {
  const { from, options } = found;
  if (options.length === 0 || from > cursor) return null;
  const typed = line.slice(from, cursor);
  if (options.length > 1) {
    const prefix = commonPrefix(options);
    const text = prefix.startsWith(typed) ? prefix : typed;
    return { ...replaced(line, from, cursor, text), open: true };
  }
  const [only] = options;
  const command = /^\s*(xenstore\s+)?$/.test(line.slice(0, from));
  const end = command && line[cursor] !== " " ? " " : "";
  if (only === typed && end === "") return null;
  return { ...replaced(line, from, cursor, only + end), open: false };
}
