// Options: a command line taken apart the way GNU getopt_long does it.
// Holds   short options in one word, long names cut short, values, the order of arguments.
// Never   knows what an option means.
// Source  getopt_long(3) of Linux; its messages as they are printed.

import type { ByteString } from "./host.ts";

/** An option: its letter, and its long name if it has one. */
export interface Option {
  letter: string;
  name?: string;
  /** It takes a value. */
  value?: boolean;
  /** Its long name must be written out, and is not listed among the possible ones. */
  exact?: boolean;
}

/** What a command line holds besides its operands: an option, or a word that is wrong. */
export type Finding =
  | { kind: "option"; letter: string; value: ByteString }
  | { kind: "error"; text: ByteString };

/**
 * Goes through `args` and yields options and errors one by one, in order; returns the operands.
 * @param program  the name that error texts begin with
 * @param ordered  options end at the first operand, as POSIX wants it
 */
export function* scanOptions(
  program: ByteString,
  args: readonly ByteString[],
  options: readonly Option[],
  ordered = false,
): Generator<Finding, ByteString[]> {
  const operands: ByteString[] = [];
  for (let at = 0; at < args.length; ) {
    const word = args[at++];
    if (word === "--") return operands.concat(args.slice(at));
    if (word === "-" || !word.startsWith("-")) {
      operands.push(word);
      if (ordered) return operands.concat(args.slice(at));
      continue;
    }
    const scan = word.startsWith("--") ? scanLong : scanShort;
    const usedNext = yield* scan(program, word, args[at], options);
    if (usedNext) at++;
  }
  return operands;
}

/** Letters in one word; returns whether the next word was taken as a value. */
function* scanShort(
  program: ByteString,
  word: ByteString,
  next: ByteString | undefined,
  options: readonly Option[],
): Generator<Finding, boolean> {
  for (let i = 1; i < word.length; i++) {
    const letter = word[i];
    const option = options.find((candidate) => candidate.letter === letter);
    if (option === undefined) {
      yield { kind: "error", text: `${program}: invalid option -- '${letter}'\n` };
    } else if (!option.value) {
      yield { kind: "option", letter, value: "" };
    } else if (i + 1 < word.length) {
      yield { kind: "option", letter, value: word.slice(i + 1) };
      return false;
    } else if (next !== undefined) {
      yield { kind: "option", letter, value: next };
      return true;
    } else {
      yield { kind: "error", text: `${program}: option requires an argument -- '${letter}'\n` };
    }
  }
  return false;
}

/** A long option; returns whether the next word was taken as its value. */
function* scanLong(
  program: ByteString,
  word: ByteString,
  next: ByteString | undefined,
  options: readonly Option[],
): Generator<Finding, boolean> {
  const equals = word.indexOf("=");
  const name = word.slice(2, equals < 0 ? undefined : equals);
  const found = byName(name, options);
  if (found.length > 1) {
    const names = found.map((option) => ` '--${option.name}'`).join("");
    const text = `${program}: option '${word}' is ambiguous; possibilities:${names}\n`;
    yield { kind: "error", text };
    return false;
  }
  const option = found[0];
  if (option === undefined) {
    yield { kind: "error", text: `${program}: unrecognized option '${word}'\n` };
  } else if (!option.value && equals >= 0) {
    const text = `${program}: option '--${option.name}' doesn't allow an argument\n`;
    yield { kind: "error", text };
  } else if (!option.value || equals >= 0) {
    const value = equals < 0 ? "" : word.slice(equals + 1);
    yield { kind: "option", letter: option.letter, value };
  } else if (next === undefined) {
    const text = `${program}: option '--${option.name}' requires an argument\n`;
    yield { kind: "error", text };
  } else {
    yield { kind: "option", letter: option.letter, value: next };
    return true;
  }
  return false;
}

/** The one of exactly this name, or all whose name begins so. */
function byName(name: ByteString, options: readonly Option[]): Option[] {
  const whole = options.find((option) => option.name === name);
  if (whole !== undefined) return [whole];
  return options.filter((option) => !option.exact && option.name?.startsWith(name));
}
