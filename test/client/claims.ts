// Claims: what the conformance cases assert with, on any runtime.
// Holds   equality of plain data, expected errors, and what is shown when they fail.
// Never   imports a test framework.
// Source  our own.

import { isXenstoreError, type XenstoreError } from "../../hosts/client/errors.ts";

/** Throws unless it is so. */
export function claim(so: boolean, what: string): void {
  if (!so) throw new Error(what);
}

/** Throws unless both are equal as plain data; bytes count as a list of numbers. */
export function equal(actual: unknown, expected: unknown, what = "the result"): void {
  const [is, wanted] = [show(actual), show(expected)];
  if (is !== wanted) throw new Error(`${what} is ${is}, not ${wanted}`);
}

/** What is expected of an error. */
export interface Expected {
  code: string;
  op?: string;
  path?: string;
  /** Name of the class. */
  name?: string;
  /** A part of the message. */
  says?: string;
}

/** Waits for the error; throws if there is none, or another. */
export async function fails(
  promise: Promise<unknown>,
  expected: string | Expected,
): Promise<XenstoreError> {
  const wanted = typeof expected === "string" ? { code: expected } : expected;
  let result: unknown;
  try {
    result = await promise;
  } catch (error) {
    if (!isXenstoreError(error)) throw error;
    const { code, op, path, name, message } = error;
    const { says, ...fields } = wanted;
    const shown: Record<string, unknown> = { code, op, path, name };
    for (const [field, value] of Object.entries(fields)) {
      if (shown[field] !== value) throw new Error(`not ${show(wanted)}: ${message}`);
    }
    if (says && !message.includes(says)) throw new Error(`"${message}" does not say "${says}"`);
    return error;
  }
  throw new Error(`${wanted.code} was expected, not ${show(result)}`);
}

/** Waits for a rejection with just this value. */
export async function rejects(promise: Promise<unknown>, reason: unknown): Promise<void> {
  try {
    await promise;
  } catch (error) {
    if (error === reason) return;
    throw error;
  }
  throw new Error(`a rejection was expected: ${String(reason)}`);
}

/** Plain data as text: keys in order, `undefined` left out, bytes as numbers. */
export function show(value: unknown): string {
  if (value instanceof Uint8Array) return `bytes[${value.join(" ")}]`;
  if (Array.isArray(value)) return `[${value.map(show).join(", ")}]`;
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "undefined";
  const fields = Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${fields.map(([key, one]) => `${key}: ${show(one)}`).join(", ")}}`;
}

/** The names in an order of their own, for stores that differ in theirs. */
export function sorted(names: readonly string[]): string[] {
  return [...names].sort();
}
