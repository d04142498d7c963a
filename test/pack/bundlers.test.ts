// Bundlers: the installed package within other programs, and as it is on a web server.
// Holds   the installed package of this file, and a server for its files.
// Never   uses another network than this machine's own.
// Source  our own; esbuild, conditions and loaders; the WebAssembly Web API, MIME types.

import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { type BuildOptions, build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tool } from "../runtimes/install.ts";
import { DENO, type Installed, installed, must, run } from "./installed.ts";

const STORE =
  "const store = await createStore(options());" +
  'await store.client.write("/x", "y");' +
  'console.log(await store.client.read("/x"));' +
  "await store.close();";

let at: Installed;
let elsewhere: string;

beforeAll(async () => {
  at = await installed();
  elsewhere = path.join(path.dirname(at.project), "elsewhere");
  fs.mkdirSync(elsewhere);
});

/** Bundles a program into one file, in a folder that has nothing else. */
async function bundle(name: string, code: string, options: BuildOptions): Promise<string> {
  fs.writeFileSync(path.join(at.project, `${name}.mjs`), code);
  const outfile = path.join(elsewhere, name, "out.mjs");
  await build({
    entryPoints: [path.join(at.project, `${name}.mjs`)],
    bundle: true,
    format: "esm",
    target: "es2022",
    outfile,
    logLevel: "silent",
    ...options,
  });
  return outfile;
}

describe("a bundle for a page", () => {
  it("with the core inside is one file that needs nothing", async (ctx) => {
    const code = `import { createStore } from "xenstore/inline"; const options = () => ({}); ${STORE}`;
    const file = await bundle("inline", code, { platform: "browser" });
    expect(fs.readdirSync(path.dirname(file))).toEqual(["out.mjs"]);
    expect(fs.readFileSync(file, "utf8")).not.toMatch(/\bfrom\s*"|\bimport\(/);
    expect((await must(process.execPath, [file], elsewhere)).stdout).toBe("y\n");
    const { path: deno, missing } = await tool("deno");
    if (deno === null) return ctx.skip(missing);
    expect((await must(deno, ["run", ...DENO, file], elsewhere)).stdout).toBe("y\n");
  });

  it("takes the core as bytes or as an address that a loader gives", async () => {
    const code =
      'import { createStore } from "xenstore"; import core from "xenstore/core.wasm";' +
      `const options = () => ({ wasm: core }); ${STORE}`;
    const bytes = await bundle("bytes", code, {
      platform: "browser",
      loader: { ".wasm": "binary" },
    });
    expect((await must(process.execPath, [bytes], elsewhere)).stdout).toBe("y\n");
    const data = await bundle("data", code, {
      platform: "browser",
      loader: { ".wasm": "dataurl" },
    });
    expect((await must(process.execPath, [data], elsewhere)).stdout).toBe("y\n");
  });

  it("that only connects has no store in it", async () => {
    const sizes: number[] = [];
    for (const names of ["connect", "connect, createStore"]) {
      const code = `import { ${names} } from "xenstore"; console.log(${names});`;
      const file = await bundle(`only${sizes.length}`, code, { platform: "browser", minify: true });
      sizes.push(fs.statSync(file).size);
      const text = fs.readFileSync(file, "utf8");
      expect(text.includes("xenstore.wasm"), names).toBe(names !== "connect");
    }
    expect(sizes[0]).toBeLessThan((sizes[1] as number) * 0.7);
  });
});

describe("a bundle for Node", () => {
  it("with the core inside is one file", async () => {
    const code = `import { createStore } from "xenstore/inline"; const options = () => ({}); ${STORE}`;
    const file = await bundle("server", code, { platform: "node" });
    expect((await must(process.execPath, [file], elsewhere)).stdout).toBe("y\n");
  });

  it("without it says where the core is missed, and finds it there", async () => {
    const code = `import { createStore } from "xenstore"; const options = () => ({}); ${STORE}`;
    const file = await bundle("missing", code, { platform: "node" });
    const { code: exit, stderr } = await run(process.execPath, [file], elsewhere);
    expect(exit).toBe(1);
    const [, place] = /Error: (\S+): not found; a bundler may have left it out/.exec(stderr) ?? [];
    expect(place).toBe(path.join(elsewhere, "xenstore.wasm"));
    fs.copyFileSync(path.join(at.root, "build/xenstore.wasm"), place as string);
    expect((await must(process.execPath, [file], elsewhere)).stdout).toBe("y\n");
  });
});

describe("the modules as they are, from a web server", () => {
  /** How the server answers for the core: its type, or a status. */
  let answer: string | number = "application/wasm";
  const server = http.createServer((request, response) => {
    const name = request.url as string;
    const isCore = name.endsWith(".wasm");
    if (isCore && typeof answer === "number") return void response.writeHead(answer).end("no");
    const type = isCore ? (answer as string) : "text/javascript";
    response.writeHead(200, type === "" ? {} : { "content-type": type });
    const page = isCore && type === "text/html";
    response.end(page ? "<!doctype html>" : fs.readFileSync(path.join(at.root, name)));
  });
  let origin: string;

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());

  /** Runs a store from the server's modules; Deno takes them from there as a page would. */
  async function page(deno: string) {
    const address = `http://${origin}/build/lib/browser.js`;
    const code = `import { createStore } from "${address}"; const options = () => ({}); ${STORE}`;
    fs.writeFileSync(path.join(elsewhere, "page.mjs"), code);
    const rights = [
      `--allow-net=${origin}`,
      `--allow-import=${origin}`,
      "--no-prompt",
      "--no-lock",
    ];
    const args = ["run", ...rights, "page.mjs"];
    return run(deno, args, elsewhere, { DENO_DIR: path.join(elsewhere, "deno") });
  }

  it.for(["application/wasm", "text/plain", "application/octet-stream", ""])(
    "run when the core comes with the type '%s'",
    async (type, ctx) => {
      const { path: deno, missing } = await tool("deno");
      if (deno === null) return ctx.skip(missing);
      answer = type;
      expect(await page(deno)).toMatchObject({ code: 0, stdout: "y\n" });
    },
  );

  it("say what to do when the core is not there", async (ctx) => {
    const { path: deno, missing } = await tool("deno");
    if (deno === null) return ctx.skip(missing);
    answer = 404;
    const { code, stderr } = await page(deno);
    expect(code).toBe(1);
    expect(stderr).toMatch(/xenstore\.wasm: 404 .*; serve core\.wasm there, pass its address/);
  });

  it("say what came in its place", async (ctx) => {
    const { path: deno, missing } = await tool("deno");
    if (deno === null) return ctx.skip(missing);
    answer = "text/html";
    const { code, stderr } = await page(deno);
    expect(code).toBe(1);
    expect(stderr).toMatch(/xenstore\.wasm \(text\/html\): no whole wasm module/);
  });
});
