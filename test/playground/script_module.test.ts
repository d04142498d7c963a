// Script module: what a script imports is led to the library, and places are those of its text.
// Holds   imports of all kinds, and texts that only look like imports.
// Never   runs a script.
// Source  our own; the grammar of modules, ECMAScript.

import { expect, test } from "vitest";
import { prepare, syntaxPlace } from "../../hosts/playground/page/script_module.ts";
import { ImportProblem } from "../../hosts/playground/page/script_place.ts";

const ADDRESS = "http://localhost:8477/script.js";
const LED = JSON.stringify(ADDRESS);

const codeOf = (text: string) => prepare(text, ADDRESS).code;

test("imports of the library", () => {
  const forms: [string, string][] = [
    ['import { connect } from "xenstore";', `import { connect } from ${LED};`],
    ["import { connect } from 'xenstore'", `import { connect } from ${LED}`],
    ['import * as xen from "xenstore"', `import * as xen from ${LED}`],
    ['import"xenstore"', `import${LED}`],
    ['import {\n  connect,\n  asDomain, // both\n} from "xenstore";', ""],
    ['export { connect } from "xenstore";', `export { connect } from ${LED};`],
    ['export * from "xenstore";', `export * from ${LED};`],
    ['const { connect } = await import("xenstore");', `const { connect } = await import(${LED});`],
    ['import ( "xenstore" ).then(f);', `import ( ${LED} ).then(f);`],
    ['import { a } from "xen\\u0073tore";', `import { a } from ${LED};`],
  ];
  for (const [text, wanted] of forms) {
    expect(codeOf(text)).toBe(wanted === "" ? text.replace('"xenstore"', LED) : wanted);
  }
});

test("what only looks like an import stays", () => {
  const texts = [
    `const text = 'import { a } from "fs"';`,
    '// import fs from "fs"\n/* import("fs") */',
    "const t = `import x from 'fs'; $" + "{1}`;",
    'const xenstore = "xenstore"; export { xenstore }; export const y = "from";',
    "object.import('fs'); const from = /import \"fs\"/;",
    'export default "xenstore";',
    "console.log(import.meta.url);",
  ];
  for (const text of texts) expect(codeOf(text)).toBe(text);
});

test("anything else can't be imported", () => {
  const wrong: [string, number, number][] = [
    ['import fs from "node:fs";', 1, 16],
    ['import { connect } from "xenstore";\nimport "./other.js";', 2, 8],
    ['\n\n  export * from "https://example.invalid/x.js";', 3, 17],
    ["const m = await import(name);", 1, 24],
    ["await import(`xenstore`);", 1, 14],
    ['await import("xen" + "store");', 1, 14],
    ['import { a } from "xenstore/testing";', 1, 19],
  ];
  for (const [text, line, column] of wrong) {
    let problem: unknown;
    try {
      prepare(text, ADDRESS);
    } catch (error) {
      problem = error;
    }
    expect(problem).toBeInstanceOf(ImportProblem);
    const { message, place } = problem as ImportProblem;
    expect(message).toContain('only "xenstore" can be imported here');
    expect([text, place]).toEqual([text, { line, column }]);
  }
});

test("places in the module are those in the text", () => {
  const text = [
    'import { a } from "xenstore"; import { b } from "xenstore"; here();',
    "there();",
    'const c = await import("xenstore"); last();',
  ].join("\n");
  const { code, original } = prepare(text, ADDRESS);
  const placeOf = (of: string, what: string) => {
    const before = of.slice(0, of.indexOf(what)).split("\n");
    return { line: before.length, column: (before.at(-1) as string).length + 1 };
  };
  for (const what of ["import", "here()", "there()", "const c", "last()"]) {
    expect([what, original(placeOf(code, what))]).toEqual([what, placeOf(text, what)]);
  }
  // Within a specifier: its beginning.
  const specifier = original({ line: 1, column: code.indexOf("8477") + 1 });
  expect(specifier).toEqual({ line: 1, column: text.indexOf('"xenstore"') + 1 });
  // Beyond the end: the end.
  expect(original({ line: 99, column: 9 }).line).toBe(3);
});

test("where a text can't be read", () => {
  expect(
    syntaxPlace('import { a } from "xenstore";\nawait a();\nfor await (const b of c) d(b);'),
  ).toBe(null);
  expect(syntaxPlace("const a = 1;\nfor (;;) { x( }\n")).toEqual({ line: 2, column: 15 });
});
