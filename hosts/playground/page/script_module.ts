// Script module: a script's text as a module that can run: what it imports is led to the library.
// Holds   nothing.
// Never   changes anything but the specifiers of imports, nor the number of lines.
// Source  our own; the grammar of @codemirror/lang-javascript.

import { javascriptLanguage } from "@codemirror/lang-javascript";
import { ImportProblem, type Place, type Prepared } from "./script_place.ts";

/** What a script may import. */
const LIBRARY = "xenstore";

interface Change {
  readonly from: number;
  readonly to: number;
  readonly by: string;
}

/**
 * The module of a text.
 * @param address  where the library is
 * @throws ImportProblem: it imports something else
 */
export function prepare(text: string, address: string): Prepared {
  const changes = specifiers(text).map(({ from, to }) => {
    const by = JSON.stringify(address);
    return { from, to, by };
  });
  let code = "";
  let at = 0;
  for (const { from, to, by } of changes) {
    code += text.slice(at, from) + by;
    at = to;
  }
  code += text.slice(at);
  return { code, original: (place) => placeIn(text, before(changes, offsetOf(code, place))) };
}

/** Where the text can't be read as a module; null: it can. */
export function syntaxPlace(text: string): Place | null {
  let found: number | null = null;
  javascriptLanguage.parser.parse(text).iterate({
    enter: (node) => {
      if (node.type.isError) found ??= node.from;
      return found === null;
    },
  });
  return found === null ? null : placeIn(text, found);
}

/** The specifiers of all imports, in order. */
function specifiers(text: string): { from: number; to: number }[] {
  const found: { from: number; to: number }[] = [];
  javascriptLanguage.parser.parse(text).iterate({
    enter: (node) => {
      const dynamic = node.name === "DynamicImport";
      if (!dynamic && node.name !== "ImportDeclaration" && node.name !== "ExportDeclaration")
        return;
      const group = dynamic ? node.node.getChild("(")?.nextSibling : specifierOf(node.node);
      if (!group) return;
      const { from, to } = group;
      if (group.name !== "String" || nameIn(text.slice(from, to)) !== LIBRARY) {
        throw new ImportProblem(refusal(text.slice(from, to), dynamic), placeIn(text, from));
      }
      found.push({ from, to });
    },
  });
  return found;
}

interface TreeNode {
  readonly firstChild: TreeNode | null;
  readonly nextSibling: TreeNode | null;
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** The string behind `from`, or right behind `import`; none in an export of what is declared here. */
function specifierOf(declaration: TreeNode): TreeNode | null {
  let before = "";
  for (let child = declaration.firstChild; child; child = child.nextSibling) {
    if (child.name === "String" && (before === "from" || before === "import")) return child;
    before = child.name;
  }
  return null;
}

/** What a string literal says; null for one that JSON can't read. */
function nameIn(literal: string): string | null {
  try {
    return JSON.parse(`"${literal.slice(1, -1)}"`) as string;
  } catch {
    return null;
  }
}

function refusal(what: string, dynamic: boolean): string {
  const short = what.length > 60 ? `${what.slice(0, 60)}…` : what;
  const call = dynamic ? `import(${short})` : `import ${short}`;
  return `${call}: only "${LIBRARY}" can be imported here, since a script has nothing but this page.`;
}

/** Where an offset in the changed text was before the changes. */
function before(changes: readonly Change[], offset: number): number {
  let moved = 0;
  for (const { from, to, by } of changes) {
    if (offset < from + moved) break;
    const grown = by.length - (to - from);
    if (offset < from + moved + by.length) return from;
    moved += grown;
  }
  return offset - moved;
}

function offsetOf(text: string, { line, column }: Place): number {
  let start = 0;
  for (let at = 1; at < line; at++) {
    const next = text.indexOf("\n", start);
    if (next < 0) break;
    start = next + 1;
  }
  return Math.min(start + column - 1, text.length);
}

function placeIn(text: string, offset: number): Place {
  const lines = text.slice(0, offset).split("\n");
  return { line: lines.length, column: (lines.at(-1) as string).length + 1 };
}
