// Words: a command line as text, cut into the words that a program is given.
// Holds   blanks, the two kinds of quotes, and the backslash.
// Never   expands anything: $, * and ~ stand for themselves.
// Source  POSIX, Shell Command Language, Quoting and Field Splitting.

/** What a backslash takes its meaning from between double quotes. */
const SPECIAL = '"\\$`';

/**
 * Cuts a command line into words as a shell does: at blanks, but for those in `'...'`, in `"..."`
 * and behind a backslash. Nothing is expanded.
 * @throws Error of one line for a quote that is not closed
 */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  /** The word that has begun; null: between words. */
  let word: string | null = null;
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at);
    if (" \t\n".includes(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (char === "'" || char === '"') {
      const [text, end] = quoted(line, at);
      word = (word ?? "") + text;
      at = end;
    } else if (char === "\\" && at + 1 < line.length) {
      const next = line.charAt(++at);
      // Together with the end of a line it is nothing at all.
      if (next !== "\n") word = (word ?? "") + next;
    } else {
      word = (word ?? "") + char;
    }
  }
  if (word !== null) words.push(word);
  return words;
}

/** What stands between the quote at `start` and the one that closes it, and where that is. */
function quoted(line: string, start: number): [text: string, end: number] {
  const quote = line.charAt(start);
  let text = "";
  for (let at = start + 1; at < line.length; at++) {
    const char = line.charAt(at);
    if (char === quote) return [text, at];
    const next = line.charAt(at + 1);
    if (quote === '"' && char === "\\" && next !== "" && `${SPECIAL}\n`.includes(next)) {
      if (next !== "\n") text += next;
      at++;
    } else {
      text += char;
    }
  }
  throw new Error(`the quote ${quote} at position ${start} is not closed`);
}
