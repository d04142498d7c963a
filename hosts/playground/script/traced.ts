// Traced: has the errors of a client say which line of the script had asked.
// Holds   for each call under way, where it was made.
// Never   changes what a call does: a reply that fails comes later, when no line is running.
// Source  our own.

import { framesOf, headOf } from "./inspect.ts";

type Method = (...args: unknown[]) => unknown;

/** Watches the methods of an object from now on, and those of what they return. Returns it. */
export function traced<T extends object>(target: T): T {
  if (known.has(target)) return target;
  known.add(target);
  for (const name of methodsOf(target)) {
    const method = (target as Record<string, unknown>)[name] as Method;
    Object.defineProperty(target, name, {
      configurable: true,
      writable: true,
      value: function call(...args: unknown[]) {
        const asked = placeOf(call);
        const given = name === "transaction" ? [bodyOf(args[0]), ...args.slice(1)] : args;
        return located(method.apply(target, given), asked);
      },
    });
  }
  return target;
}

const known = new WeakSet<object>();

/** Names of all methods, its own and inherited. */
function methodsOf(target: object): Set<string> {
  const names = new Set<string>();
  for (let at: object = target; at !== Object.prototype && at; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) {
      const { value } = Object.getOwnPropertyDescriptor(at, name) as PropertyDescriptor;
      if (name !== "constructor" && typeof value === "function") names.add(name);
    }
  }
  return names;
}

/** The place of a call: made into text only when it is needed. */
function placeOf(call: Method): Error {
  const place = new Error();
  const { captureStackTrace } = Error as { captureStackTrace?: (on: Error, from: Method) => void };
  captureStackTrace?.(place, call);
  return place;
}

function bodyOf(body: unknown): unknown {
  if (typeof body !== "function") return body;
  return (tx: object) => (body as Method)(traced(tx));
}

/** What a call returned, with its errors located; clients, watches and so on are traced, too. */
function located(result: unknown, asked: Error): unknown {
  if (result instanceof Promise) {
    return result.then(
      (value) => (hasMethods(value) ? traced(value) : value),
      (error) => {
        locate(error, asked);
        throw error;
      },
    );
  }
  return hasMethods(result) ? traced(result) : result;
}

/** Things of the library: not data, such as an array or the bytes of a value. */
function hasMethods(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  return ["read", "next", "introduce"].some((name) => name in value);
}

function locate(error: unknown, asked: Error): void {
  if (!(error instanceof Error) || framesOf(error).length > 0) return;
  const [, ...frames] = (asked.stack ?? "").split("\n");
  try {
    error.stack = [headOf(error), ...frames].join("\n");
  } catch {
    // An error that nobody can change says less.
  }
}
