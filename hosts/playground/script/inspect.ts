// Inspect: values as text, in the form that Node's console gives them.
// Holds   nothing.
// Never   throws, calls a getter, or prints without limit.
// Source  our own; the output of util.inspect of Node.

const DEPTH = 4;
const ITEMS = 100;
const TEXT = 10_000;
const WIDTH = 76;

type Names = Readonly<Record<string, unknown>>;

/** A value as text; text itself in quotes. */
export function inspect(value: unknown): string {
  return cut(show(value, 0, new Set()), TEXT);
}

/** What console.log prints: text as it is, everything else inspected; `%s` and its like filled in. */
export function formatLine(values: readonly unknown[]): string {
  const [first, ...rest] = values;
  if (typeof first !== "string") return cut(values.map(plain).join(" "), TEXT);
  const filled = first.replace(/%([sdifoOjc%])/g, (found, letter: string) => {
    if (letter === "%") return values.length > 1 ? "%" : found;
    return rest.length === 0 ? found : fill(letter, rest.shift());
  });
  return cut([filled, ...rest.map(plain)].join(" "), TEXT);
}

function fill(letter: string, value: unknown): string {
  if (letter === "c") return "";
  if (letter === "d" || letter === "f") return String(Number(value));
  if (letter === "i") return String(Math.trunc(Number(value)));
  return letter === "s" ? plain(value) : inspect(value);
}

const plain = (value: unknown) => (typeof value === "string" ? value : inspect(value));

function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text.slice(0, most)}... ${text.length - most} more characters`;
}

function show(value: unknown, depth: number, above: Set<object>): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (typeof value === "function") return named(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (above.has(value)) return "[Circular]";
  try {
    return whole(value, depth, new Set(above).add(value));
  } catch (error) {
    return `[can't be shown: ${error instanceof Error ? error.message : "it throws"}]`;
  }
}

function quoted(text: string): string {
  const quote = text.includes("'") ? (text.includes('"') ? "`" : '"') : "'";
  const inside = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"');
  return quote + (quote === "`" ? inside.replaceAll("`", "\\`") : inside) + quote;
}

function named(call: { name?: unknown }): string {
  const text = Function.prototype.toString.call(call);
  const known = typeof call.name === "string" && call.name !== "";
  if (text.startsWith("class")) return `[class ${known ? call.name : "(anonymous)"}]`;
  return known ? `[Function: ${call.name}]` : "[Function (anonymous)]";
}

/** Its class's name; "" for a plain object. */
function className(value: object): string {
  const above = Object.getPrototypeOf(value) as object | null;
  if (above === null) return "[Object: null prototype]";
  const maker = Object.getOwnPropertyDescriptor(above, "constructor")?.value as unknown;
  const name = typeof maker === "function" ? maker.name : "";
  return name === "Object" ? "" : name || "Object";
}

function whole(value: object, depth: number, above: Set<object>): string {
  if (value instanceof Error) return errorText(value, depth, above);
  if (value instanceof Date) return Number.isNaN(+value) ? "Invalid Date" : value.toISOString();
  if (value instanceof RegExp) return String(value);
  const name = className(value);
  if (depth > DEPTH) return Array.isArray(value) ? "[Array]" : `[${name || "Object"}]`;
  const next = (one: unknown) => show(one, depth + 1, above);
  if (Array.isArray(value)) {
    const before = name === "Array" ? "" : `${name}(${value.length}) `;
    return before + list("[", some(value, value.length, next), "]");
  }
  if (ArrayBuffer.isView(value) && "length" in value) {
    const bytes = value as Uint8Array;
    return `${name}(${bytes.length}) ${list("[", some(bytes, bytes.length, next), "]")}`;
  }
  if (value instanceof ArrayBuffer) return `ArrayBuffer { byteLength: ${value.byteLength} }`;
  if (value instanceof Map) {
    const pairs = some(value, value.size, ([key, one]) => `${next(key)} => ${next(one)}`);
    return `Map(${value.size}) ${list("{", pairs, "}")}`;
  }
  if (value instanceof Set) {
    return `Set(${value.size}) ${list("{", some(value, value.size, next), "}")}`;
  }
  return (name === "" ? "" : `${name} `) + list("{", properties(value, next), "}");
}

/** The first items of something that has many. */
function some<T>(items: Iterable<T>, count: number, text: (item: T) => string): string[] {
  const shown: string[] = [];
  for (const item of items) {
    if (shown.length === ITEMS) break;
    shown.push(text(item));
  }
  if (count > ITEMS) shown.push(`... ${count - ITEMS} more items`);
  return shown;
}

function properties(value: object, text: (value: unknown) => string): string[] {
  const keys = Object.keys(value);
  const shown = keys.slice(0, ITEMS).map((key) => {
    const { get, value: own } = Object.getOwnPropertyDescriptor(value, key) ?? {};
    const name = /^[A-Za-z_$][\w$]*$/.test(key) ? key : quoted(key);
    return `${name}: ${get ? "[Getter]" : text(own)}`;
  });
  if (keys.length > ITEMS) shown.push(`... ${keys.length - ITEMS} more properties`);
  return shown;
}

/** In one line if it is short, else each item in a line of its own; numbers many in a line. */
function list(open: string, items: readonly string[], close: string): string {
  if (items.length === 0) return open + close;
  const inside = items.join(", ");
  if (inside.length <= WIDTH && !inside.includes("\n")) return `${open} ${inside} ${close}`;
  const short = items.length > 6 && items.every((item) => item.length <= 6);
  const lines = short ? inLines(items) : items.map((item) => item.replaceAll("\n", "\n  "));
  return `${open}\n  ${lines.join(",\n  ")}\n${close}`;
}

function inLines(items: readonly string[]): string[] {
  const lines: string[] = [];
  for (let at = 0; at < items.length; at += 12) lines.push(items.slice(at, at + 12).join(", "));
  return lines;
}

let moduleAddress = "";

/** Which module's places are told in errors. */
export function placesOf(address: string): void {
  moduleAddress = address;
}

function errorText(error: Error, depth: number, above: Set<object>): string {
  const more = Object.keys(error).filter((key) => !["stack", "message", "name"].includes(key));
  const next = (value: unknown) => show(value, depth + 1, above);
  const parts = more.map((key) => `${key}: ${next((error as unknown as Names)[key])}`);
  if (error.cause !== undefined) parts.push(`[cause]: ${next(error.cause)}`);
  const first = [headOf(error), ...framesOf(error)].join("\n");
  if (error instanceof AggregateError) parts.push(`[errors]: ${next(error.errors)}`);
  return parts.length === 0 ? first : `${first} ${list("{", parts, "}")}`;
}

/** `Name: message`, as the first line of a stack has it. */
export function headOf(error: Error): string {
  const name = String(error.name || "Error");
  return error.message ? `${name}: ${error.message}` : name;
}

/** The places of the script that led to an error, the innermost first; none of the library. */
export function framesOf(error: Error): string[] {
  if (moduleAddress === "" || typeof error.stack !== "string") return [];
  return error.stack
    .split("\n")
    .filter((line) => line.includes(moduleAddress))
    .map((line) => {
      const at = line.indexOf(moduleAddress);
      const place = /^:(\d+):(\d+)/.exec(line.slice(at + moduleAddress.length));
      if (!place) return "";
      const name = /(?:at (?:async )?([\w$.<> ]+) \($|([\w$.]+)@$)/.exec(line.slice(0, at));
      const where = `script:${place[1]}:${place[2]}`;
      const call = (name?.[1] ?? name?.[2] ?? "").trim();
      return call === "" ? `    at ${where}` : `    at ${call} (${where})`;
    })
    .filter((line) => line !== "");
}
