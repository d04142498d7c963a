// Known: what well-known paths are for, by pattern.
// Holds   the search for the pattern that fits a path best.
// Never   looks at a store, and never decides anything: paths are a convention.
// Source  the XenStore protocol, well-known paths.

import type { Explanation } from "./explain.ts";
import { BACKENDS, CLASSES, FRONTENDS } from "./known_devices.ts";
import { DOMAIN, ELSEWHERE } from "./known_domain.ts";
import { meaning, type ValueKind } from "./known_values.ts";

/** A pattern that was written down: its last part, and what is said of it. */
interface Known {
  readonly pattern: string;
  readonly text: string;
  readonly kind: ValueKind | null;
}

/** What can follow a part of a path. */
interface Branch {
  known: Known | null;
  readonly names: Map<string, Branch>;
  /** `feature-*`: whatever begins so. */
  readonly starts: [start: string, branch: Branch][];
  /** `<domid>` and other numbers, and `<name>`: whatever there is. */
  number: Branch | null;
  any: Branch | null;
}

/** Placeholders that stand for a number. */
const NUMBERS = new Set(["<domid>", "<n>", "<devid>", "<frontend>", "<backend>"]);

/** Where the paths of a table begin. */
const TABLES: readonly [base: string, table: string][] = [
  ["", ELSEWHERE],
  ["/local/domain/<domid>", DOMAIN],
  ["/local/domain/<domid>", CLASSES],
  ["/local/domain/<domid>/device", FRONTENDS],
  ["/local/domain/<backend>/backend", BACKENDS],
];

let root: Branch | null = null;

/** What a node is for, and what its value means; null: nothing is known of it. */
export function explain(path: string, value: Uint8Array): Explanation | null {
  root ??= plant();
  const names = namesOf(path);
  const known = find(root, names, 0);
  if (known === null) return null;
  const { pattern, text, kind } = known;
  const name = names.at(-1) ?? "";
  return { pattern, text, value: kind === null ? null : meaning(kind, value, name) };
}

/** All patterns, in the order in which they are written down. */
export function patterns(): string[] {
  return TABLES.flatMap(([base, table]) => entries(base, table).map(({ pattern }) => pattern));
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "");
}

function plant(): Branch {
  const planted = branch();
  for (const [base, table] of TABLES) {
    for (const known of entries(base, table)) {
      let at = planted;
      for (const part of namesOf(known.pattern)) at = follow(at, part);
      at.known = known;
    }
  }
  return planted;
}

/**
 * The entries of a table: a line with a path, and ` : kind` where its value is a code; below it,
 * indented, the text.
 */
function entries(base: string, table: string): Known[] {
  return table
    .trim()
    .split(/\n(?=\S)/)
    .map((block) => {
      const [head = "", ...lines] = block.split("\n");
      const [path = "", kind] = head.split(" : ");
      const text = lines.map((line) => line.trim()).join(" ");
      return { pattern: `${base}${path}`, text, kind: (kind as ValueKind | undefined) ?? null };
    });
}

function branch(): Branch {
  return { known: null, names: new Map(), starts: [], number: null, any: null };
}

/** The branch for a part of a pattern; made unless it is there. */
function follow(from: Branch, part: string): Branch {
  if (part.endsWith("*")) {
    const start = part.slice(0, -1);
    const found = from.starts.find(([other]) => other === start);
    if (found) return found[1];
    const made = branch();
    from.starts.push([start, made]);
    return made;
  }
  if (NUMBERS.has(part)) {
    from.number ??= branch();
    return from.number;
  }
  if (part.startsWith("<")) {
    from.any ??= branch();
    return from.any;
  }
  const made = from.names.get(part) ?? branch();
  from.names.set(part, made);
  return made;
}

/** The best that fits: a name before what a name begins with, that before a placeholder. */
function find(from: Branch, names: readonly string[], at: number): Known | null {
  const name = names[at];
  if (name === undefined) return from.known;
  const named = from.names.get(name);
  const found = named ? find(named, names, at + 1) : null;
  if (found) return found;
  for (const [start, next] of from.starts) {
    const known = name.startsWith(start) ? find(next, names, at + 1) : null;
    if (known) return known;
  }
  const known = from.number && /^\d+$/.test(name) ? find(from.number, names, at + 1) : null;
  if (known) return known;
  return from.any ? find(from.any, names, at + 1) : null;
}
