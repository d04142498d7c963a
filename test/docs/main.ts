// Main: writes the documents that are made: docs/api and docs/sizes.md.
// Holds   where each belongs.
// Never   touches another document.
// Source  our own.

import fs from "node:fs";
import { builtSizes, markdownFiles, sizesPage, writeReference } from "./reference.ts";

fs.writeFileSync("docs/sizes.md", sizesPage(builtSizes()));
fs.rmSync("docs/api", { recursive: true, force: true });
await writeReference("docs/api");
console.log(`docs/sizes.md and docs/api (${markdownFiles("docs/api").join(", ")}) are written`);
