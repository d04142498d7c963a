// Pack: what is in the tarball, and that it installs anywhere without help.
// Holds   the installed package of this file.
// Never   uses the network.
// Source  our own; npm, package.json and exports.

import fs from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { tool } from "../runtimes/install.ts";
import { emptyProject, type Installed, install, installed, run } from "./installed.ts";

interface Manifest {
  readonly name: string;
  readonly scripts: Record<string, string>;
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies: Record<string, string>;
  readonly bin: Record<string, string>;
  readonly exports: Record<string, string | Record<string, string>>;
  readonly files: readonly string[];
}

let at: Installed;
let manifest: Manifest;

beforeAll(async () => {
  at = await installed();
  manifest = JSON.parse(fs.readFileSync(path.join(at.root, "package.json"), "utf8")) as Manifest;
});

function targets(): string[] {
  return Object.values(manifest.exports).flatMap((one) =>
    typeof one === "string" ? [one] : Object.values(one),
  );
}

describe("the tarball", () => {
  it("holds every file that the exports and the programs name", () => {
    const named = [...targets(), ...Object.values(manifest.bin)];
    const missing = named.filter((file) => !at.files.includes(file.replace(/^\.\//, "")));
    expect(missing).toEqual([]);
    expect(named.length).toBeGreaterThan(30);
  });

  it("holds nothing besides: what is published is what is used", () => {
    const always = ["package.json", "README.md", "LICENSE"];
    const other = at.files.filter(
      (file) =>
        !always.includes(file) &&
        !manifest.files.some((one) => file === one || file.startsWith(`${one}/`)),
    );
    expect(other).toEqual([]);
    const sources = at.files.filter(
      (file) => /\.ts$/.test(file) && !/\.d\.ts$/.test(file) && !file.startsWith("docs/"),
    );
    expect(sources).toEqual([]);
  });

  it("has only modules and types that an entry reaches", () => {
    const reached = new Set<string>();
    const visit = (file: string) => {
      if (reached.has(file)) return;
      reached.add(file);
      const text = fs.readFileSync(path.join(at.root, file), "utf8");
      for (const [, to] of text.matchAll(/(?:from |import\(|import |path=|URL\()"(\.[^"]*)"/g)) {
        const next = path.posix.join(path.posix.dirname(file), to as string);
        if (/\.wasm$/.test(next)) expect(at.files).toContain(next);
        else visit(file.endsWith(".d.ts") ? next.replace(/(\.d\.ts|\.js)$/, ".d.ts") : next);
      }
    };
    for (const file of targets()) if (file.includes("/lib/")) visit(file.replace(/^\.\//, ""));
    const lib = at.files.filter((file) => file.startsWith("build/lib/"));
    expect(lib.filter((file) => !reached.has(file))).toEqual([]);
    expect(lib.length).toBeGreaterThan(20);
  });

  it("has programs that can be run, each with the line that says by what", () => {
    for (const file of new Set(Object.values(manifest.bin))) {
      const name = path.join(at.root, file);
      expect(fs.statSync(name).mode & 0o111, file).toBe(0o111);
      expect(fs.readFileSync(name, "utf8"), file).toMatch(/^#!\/usr\/bin\/env node\n/);
    }
  });

  it("names no place of the machine that made it", () => {
    const here = process.cwd();
    for (const file of at.files) {
      expect(fs.readFileSync(path.join(at.root, file)).includes(here), file).toBe(false);
    }
  });

  it("runs nothing when it is installed, and needs no other package", () => {
    const names = ["preinstall", "install", "postinstall", "prepare", "preprepare", "postprepare"];
    expect(Object.keys(manifest.scripts).filter((name) => names.includes(name))).toEqual([]);
    expect(manifest.dependencies).toBeUndefined();
    expect(Object.keys(manifest.optionalDependencies)).toEqual(["koffi"]);
    expect(fs.existsSync(path.join(at.root, "binding.gyp"))).toBe(false);
  });
});

describe("an installation without network", () => {
  it("has this package alone when optional ones are left out", () => {
    const there = fs.readdirSync(path.join(at.project, "node_modules"));
    expect(there.filter((name) => !name.startsWith("."))).toEqual(["xenstore"]);
  });

  it("succeeds also when the optional package can't be had", async () => {
    const project = await emptyProject(path.dirname(at.tarball), "whole");
    await install(project, at.tarball);
    const there = fs.readdirSync(path.join(project, "node_modules"));
    expect(there.filter((name) => !name.startsWith("."))).toEqual(["xenstore"]);
  });

  it("links every program", () => {
    const folder = path.join(at.project, "node_modules/.bin");
    const links = fs.readdirSync(folder).filter((name) => !name.startsWith("."));
    expect(links.sort()).toEqual(Object.keys(manifest.bin).sort());
    for (const [name, file] of Object.entries(manifest.bin)) {
      const target = fs.realpathSync(path.join(folder, name));
      expect(target, name).toBe(fs.realpathSync(path.join(at.root, file)));
    }
  });
});

describe("checked by others", () => {
  it("publint has nothing to say", async (ctx) => {
    const { path: file, missing } = await tool("publint");
    if (file === null) return ctx.skip(missing);
    const { code, stdout } = await run(
      process.execPath,
      [file, "run", at.tarball, "--strict"],
      ".",
    );
    expect(stdout).toContain("All good!");
    expect(code).toBe(0);
  });

  it("attw finds the types of every entry in each module mode", async (ctx) => {
    const { path: file, missing } = await tool("attw");
    if (file === null) return ctx.skip(missing);
    const args = [file, at.tarball, "--profile", "esm-only"];
    const table = await run(process.execPath, [...args, "--format", "table-flipped"], ".");
    expect(table.code, table.stdout).toBe(0);
    const { stdout } = await run(process.execPath, [...args, "--format", "json"], ".");
    const { analysis } = JSON.parse(stdout) as { analysis: { entrypoints: object } };
    const entries = Object.keys(manifest.exports).sort();
    expect(Object.keys(analysis.entrypoints).sort()).toEqual(entries);
  });
});
