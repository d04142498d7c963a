// Guide tests: the code in docs/library.md is true: it runs, prints what it says, and has types.
// Holds   the installed package of this file, and a daemon.
// Never   changes what a block says.
// Source  docs/library.md; guide.ts says how blocks are marked.

import fs from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Daemon, release, temporaryFolder } from "../host/rig.ts";
import { installed, run } from "../pack/installed.ts";
import { tool } from "../runtimes/install.ts";
import { type Block, blocksOf, printed, programOf } from "./guide.ts";

const PAGE = fs.readFileSync("docs/library.md", "utf8");
const README = fs.readFileSync("README.md", "utf8");
const BLOCKS = blocksOf(PAGE);
const QUOTED = BLOCKS.filter(({ mark }) => mark.startsWith("examples/"));
const CODE = BLOCKS.filter((one) => one.language === "js" && !QUOTED.includes(one));
const RUN = CODE.filter(({ mark }) => mark === "");
const IN_README = blocksOf(README).filter(({ language }) => language === "js");
const COMMANDS = [
  /^npm install xenstore$/,
  /^npx xenstored --try$/,
  /^export XENSTORED_PATH=~\/\.local\/state\/xenstored\/socket$/,
];

/** What is used of it, for a compiler that does not know it. */
const DENO = `declare const Deno: {
  serve(answer: (request: Request) => Response): void;
  upgradeWebSocket(request: Request, options: { protocol: string }):
    { socket: WebSocket; response: Response };
};
`;

let folder: string;
let daemon: Daemon;

beforeAll(async () => {
  const { project } = await installed();
  folder = path.join(project, "guide");
  fs.mkdirSync(folder);
  for (const block of CODE) fs.writeFileSync(fileOf(block, "mjs"), programOf(block.code));
  daemon = await new Daemon(temporaryFolder(), ["--internal-db"]).ready();
});

afterAll(release);

/** Named by its line, for whoever reads a message. */
function fileOf({ line }: Block, ending: string): string {
  return path.join(folder, `line_${line}.${ending}`);
}

describe("docs/library.md", () => {
  it.for(RUN.map((block) => [`line ${block.line}`, block] as const))(
    "the code at %s runs and prints what it says",
    async ([, block]) => {
      const file = fileOf(block, "mjs");
      const env = { XENSTORED_PATH: daemon.socket };
      const { code, stdout, stderr } = await run(process.execPath, [file], folder, env);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout.split("\n").slice(0, -1)).toEqual(printed(block.code));
    },
  );

  it("all code stands the strictest checks of the compiler", async () => {
    for (const block of [...CODE, ...IN_README]) {
      const program = programOf(block.code);
      fs.writeFileSync(fileOf(block, "mts"), block.mark === "deno" ? DENO + program : program);
    }
    const compilerOptions = {
      target: "es2022",
      module: "nodenext",
      lib: ["es2023", "esnext.disposable", "dom"],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      noPropertyAccessFromIndexSignature: true,
      noEmit: true,
      typeRoots: [path.resolve("node_modules/@types")],
      types: ["node"],
    };
    const tsconfig = JSON.stringify({ compilerOptions, include: ["*.mts"] });
    fs.writeFileSync(path.join(folder, "tsconfig.json"), tsconfig);
    const tsc = path.resolve("node_modules/typescript/bin/tsc");
    const { stdout } = await run(
      process.execPath,
      [tsc, "-p", folder, "--pretty", "false"],
      folder,
    );
    expect(stdout).toBe("");
    const wrong = CODE.find(({ code }) => code.includes("xs.read(")) as Block;
    fs.writeFileSync(fileOf(wrong, "mts"), programOf(wrong.code.replace("xs.read(", "xs.reed(")));
    const again = await run(process.execPath, [tsc, "-p", folder, "--pretty", "false"], folder);
    expect(again.stdout).toContain("'reed' does not exist");
  });

  it("the code for newer Nodes runs there", async (ctx) => {
    const { path: node, missing } = await tool("node24");
    if (node === null) return ctx.skip(missing);
    const blocks = CODE.filter(({ mark }) => mark === "node24");
    for (const block of blocks) {
      const { code, stderr } = await run(node, [fileOf(block, "mjs")], folder);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    }
    expect(blocks.length).toBeGreaterThan(0);
  });

  it("the code for Deno has the types that Deno knows", async (ctx) => {
    const { path: deno, missing } = await tool("deno");
    if (deno === null) return ctx.skip(missing);
    const blocks = CODE.filter(({ mark }) => mark === "deno");
    const files = blocks.map((block) => {
      const file = fileOf(block, "ts");
      fs.writeFileSync(file, programOf(block.code));
      return file;
    });
    const local = ["--no-remote", "--node-modules-dir=manual"];
    const { code, stderr } = await run(deno, ["check", ...local, ...files], folder);
    expect(code, stderr).toBe(0);
    expect(blocks.length).toBeGreaterThan(0);
  });

  it("what it shows of an example is a part of that file", () => {
    const wrong = QUOTED.filter(({ mark, code }) => {
      return !`\n${fs.readFileSync(path.join("docs", mark), "utf8")}`.includes(`\n${code}`);
    });
    expect(wrong.map(({ mark }) => mark)).toEqual([]);
  });

  it("names every example, and links to files that are there", () => {
    const links = [...PAGE.matchAll(/\]\(([^)#:]+)\)/g)].map(([, link]) => link as string);
    expect(links.filter((link) => !fs.existsSync(path.join("docs", link)))).toEqual([]);
    const examples = fs.readdirSync("docs/examples").map((name) => `examples/${name}`);
    expect(examples.filter((name) => !links.includes(name))).toEqual([]);
  });

  it("has no other code and no other commands", () => {
    const marks = new Set(CODE.map(({ mark }) => mark));
    expect(IN_README).toHaveLength(1);
    expect([...marks].sort()).toEqual(["", "deno", "node24", "page"]);
    const commands = BLOCKS.filter(({ language }) => language === "sh");
    for (const line of commands.flatMap(({ code }) => code.trim().split("\n"))) {
      expect(
        COMMANDS.some((one) => one.test(line)),
        line,
      ).toBe(true);
    }
    expect(CODE.length + QUOTED.length + commands.length).toBe(BLOCKS.length);
  });

  it("the daemon to try names the socket that the guide names", async () => {
    const home = temporaryFolder();
    const env = { HOME: home, XDG_STATE_HOME: undefined };
    const tried = new Daemon(home, ["--try"], { ...env, XENSTORED_RUNDIR: undefined });
    await tried.says(/export XENSTORED_PATH=(.*)\n/);
    expect(tried.out).toContain(`XENSTORED_PATH=${home}/.local/state/xenstored/socket\n`);
    expect((await tried.stop()).code).toBe(0);
  });

  it("code that is wrong would be found", async () => {
    const file = path.join(folder, "wrong.mjs");
    fs.writeFileSync(file, programOf('console.log(await xs.read("/nothing")); // x\n'));
    const { code, stderr } = await run(process.execPath, [file], folder);
    expect(code).toBe(1);
    expect(stderr).toMatch(/READ \/nothing: .*ENOENT/);
    expect(printed('console.log(1); // 1\n  console.log("a"); // a b\n')).toEqual(["1", "a b"]);
  });
});
