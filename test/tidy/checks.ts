// Checks: what the repository promises of itself, as functions from files to complaints.
// Holds   the rungs of the imports, the form of a header, the limits of size.
// Never   reads a file: the tests hand files in, and so can hand in wrong ones.
// Source  ARCHITECTURE.md, "The rungs"; CONTRIBUTING.md.

import path from "node:path";

/** A source file: its path from the root of the repository, with slashes, and its text. */
export type Source = { path: string; text: string };

/** Lines above which a file is too long, and from which on it is worth a thought. */
export const LINES_MAX = 500;
export const LINES_MANY = 400;

/** Rungs of assembly/: a folder may import from itself and from what stands behind it. */
const BELOW: Record<string, readonly string[]> = {
  index: ["server", "state", "ops", "connection", "store", "wire", "base"],
  server: ["ops", "connection", "store", "wire", "base"],
  state: ["ops", "connection", "store", "wire", "base"],
  ops: ["connection", "store", "wire", "base"],
  connection: ["store", "wire", "base"],
  store: ["base"],
  wire: ["base"],
  base: [],
};

/**
 * Rungs of hosts/: a folder may import from itself and from those it names. The first four run on
 * every runtime; Deno runs Node's code too.
 */
const HOSTS_BELOW: Record<string, readonly string[]> = {
  shared: [],
  client: ["shared"],
  embed: ["shared", "client"],
  testing: ["shared", "client", "embed"],
  node: ["shared", "client", "embed", "testing"],
  deno: ["shared", "client", "embed", "testing", "node"],
  browser: ["shared", "client", "embed", "testing"],
  entry: ["shared", "client", "embed", "testing", "node", "deno", "browser"],
  playground: [],
};

/** What the playground takes of the package: what any page can import, and nothing behind it. */
const PLAYGROUND_ENTRIES = ["browser", "testing", "tools", "wire"].map(
  (name) => `hosts/entry/${name}`,
);
/** Rungs of hosts/playground/: page, engine and so on meet in the model only. */
const PLAYGROUND_BELOW: Record<string, readonly string[]> = {
  model: [],
  scenarios: ["model"],
  engine: ["model", "scenarios"],
  script: ["model"],
  worker: [],
  page: ["model", "scenarios"],
};

/** Folders of hosts/ that belong to no runtime. */
export const NEUTRAL = ["shared", "client", "embed", "testing"];

/** Files of constants that import nothing and that anyone may import. */
const PORTABLE = ["assembly/abi", "assembly/xs_wire", "assembly/limits"];

/** Returns the relative imports of a file, as paths from the root without ending. */
export function importsOf(source: Source): string[] {
  const found: string[] = [];
  for (const match of source.text.matchAll(/^\s*(?:import|export)\b[^;"']*?from\s*"(\.[^"]*)"/gm)) {
    found.push(match[1]);
  }
  for (const match of source.text.matchAll(/^import "(\.[^"]*)"|\bimport\("(\.[^"]*)"\)/gm)) {
    found.push(match[1] ?? match[2]);
  }
  const folder = path.posix.dirname(source.path);
  return found.map((one) => path.posix.join(folder, one).replace(/\.(tsx?|mjs|js)$/, ""));
}

/** Imports that go up, across, or out of tests into what is not one. */
export function importProblems(sources: readonly Source[]): string[] {
  return sources.flatMap((source) =>
    importsOf(source)
      .filter((target) => !allowed(source.path, target))
      .map((target) => `${source.path} may not import ${target}`),
  );
}

function allowed(from: string, to: string): boolean {
  const [top, second] = from.replace(/\.\w+$/, "").split("/");
  const [toTop, toSecond] = to.split("/");
  if (top === "test") return true;
  if (toTop === "test") return false;
  if (PORTABLE.includes(from.replace(/\.ts$/, ""))) return false;
  if (PORTABLE.includes(to)) return true;
  if (top === "assembly") return toTop === "assembly" && rungAllows(second, toSecond);
  // The programs say their version.
  if (top === "hosts" && to === "package.json") return true;
  if (top !== "hosts" || toTop !== "hosts") return false;
  if (second === "playground") return playgroundAllows(from.split("/")[2], to);
  return toSecond === second || (HOSTS_BELOW[second] ?? []).includes(toSecond);
}

function playgroundAllows(rung: string, to: string): boolean {
  if (PLAYGROUND_ENTRIES.includes(to)) return true;
  const [, second, toRung] = to.split("/");
  if (second !== "playground") return false;
  return toRung === rung || (PLAYGROUND_BELOW[rung] ?? []).includes(toRung);
}

function rungAllows(from: string, to: string): boolean {
  return from === to || (BELOW[from] ?? []).includes(to);
}

/** Names that not every runtime has, in files that must run on all of them. */
export function runtimeProblems(sources: readonly Source[]): string[] {
  const wrong =
    /\bfrom "(?!\.)|\bimport\("(?!\.)|\b(Deno|Bun|Buffer|NodeJS|process|window|document)\b(?!["':])|\bnavigator\./;
  return sources
    .filter(({ path: file }) => NEUTRAL.some((folder) => file.startsWith(`hosts/${folder}/`)))
    .flatMap(({ path: file, text }) =>
      withoutText(text)
        .split("\n")
        .flatMap((line, index) => {
          return wrong.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [];
        }),
    );
}

/** The code with its lines in place, without comments and without what strings say. */
function withoutText(text: string): string {
  const blank = (found: string) => found.replace(/[^\n]/g, " ");
  return text
    .replace(/\/\*[\s\S]*?\*\//g, blank)
    .replace(/(^|\s)\/\/.*$/gm, "")
    .replace(/`(?:[^`\\]|\\.)*`/g, blank)
    .replace(/"(?:[^"\\\n]|\\.)*"/g, (found) =>
      /^"(node:|\.|[a-z@][\w/-]*"$)/.test(found) ? found : '""',
    );
}

/**
 * Circles of imports, each named once by its files in order. Types that name each other are none;
 * nor are classes of the core in one folder, since there a type and its code are imported alike.
 */
export function importCircles(sources: readonly Source[]): string[] {
  const imports = new Map(sources.map((one) => [one.path.replace(/\.\w+$/, ""), codeOf(one)]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, trail: string[]): void => {
    const at = trail.indexOf(file);
    if (at >= 0) circles.push([...trail.slice(at), file].join(" -> "));
    if (at >= 0 || done.has(file)) return;
    for (const next of imports.get(file) ?? []) visit(next, [...trail, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return circles;
}

function codeOf(source: Source): string[] {
  const text = source.text
    .replace(/^(import|export) type [^;]*;/gm, "")
    .replace(/^(import|export) \{\s*(type \w+,?\s*)+\} from [^;]*;/gm, "");
  const folder = path.posix.dirname(source.path);
  const inCore = source.path.startsWith("assembly/");
  return importsOf({ path: source.path, text }).filter((one) => {
    return !inCore || path.posix.dirname(one) !== folder;
  });
}

/** Files that do not begin with what they are and the three lines Holds, Never, Source. */
export function headerProblems(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path: file, text }) => {
    const head = text.replace(/^#!.*\n/, "").split(/\n(?!\/\/)/)[0];
    if (!/^\/\/ \S.{3,}/.test(head)) return [`${file} does not say what it is`];
    const missing = ["Holds", "Never", "Source"].filter((word) => {
      return !new RegExp(`^// ${word} {1,4}\\S`, "m").test(head);
    });
    return missing.map((word) => `${file} has no line "${word}"`);
  });
}

/** Files above LINES_MAX; those above LINES_MANY are returned apart, to be mentioned. */
export function sizeProblems(sources: readonly Source[]): { tooLong: string[]; long: string[] } {
  const counted = sources.map(({ path: file, text }) => ({
    file,
    lines: text.split("\n").length - 1,
  }));
  const show = ({ file, lines }: { file: string; lines: number }) => `${file}: ${lines} lines`;
  const tooLong = counted.filter(({ lines }) => lines > LINES_MAX).map(show);
  const long = counted.filter(({ lines }) => lines > LINES_MANY && lines <= LINES_MAX).map(show);
  return { tooLong, long };
}

/** `new` in a function: the core's runtime never gives such memory back. */
export function allocationProblems(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path: file, text }) =>
    text.split("\n").flatMap((line, index) => {
      const code = line.replace(/\/\/.*$|"(?:[^"\\]|\\.)*"|`[^`]*`|^\s*\*.*$/g, "");
      const atTop = /^\S/.test(line) || /^ {2}static /.test(line);
      const allocates =
        /\bnew [A-Z]/.test(code) || /(?<!memory)\.(concat|slice|split)\(/.test(code);
      return allocates && !atTop ? [`${file}:${index + 1}: ${line.trim()}`] : [];
    }),
  );
}

/** Paths named in a document that are not there. `exists` is asked for each. */
export function missingPaths(text: string, exists: (file: string) => boolean): string[] {
  const named = new Set<string>();
  for (const match of text.matchAll(/`([^`\n]+)`/g)) {
    for (const file of expand(match[1])) {
      if (/^(assembly|hosts|test|docs|\.ci)\/[\w./-]*$/.test(file)) named.add(file);
    }
  }
  return [...named].filter((file) => !exists(file.replace(/\/$/, "")));
}

/** `a/{b,c}.ts` names two files. */
function expand(text: string): string[] {
  const parts = /^(.*)\{([^}]*)\}(.*)$/.exec(text);
  if (parts === null) return [text];
  return parts[2].split(",").flatMap((one) => expand(`${parts[1]}${one.trim()}${parts[3]}`));
}

/** Words that a public repository has no use for: paths of one machine, package registries. */
export function privateProblems(sources: readonly Source[]): string[] {
  const wrong = new RegExp(["/(root|home/\\w+)/", "registry\\.\\w+\\."].join("|"));
  return sources.flatMap(({ path: file, text }) =>
    text.split("\n").flatMap((line, index) => {
      return wrong.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [];
    }),
  );
}
