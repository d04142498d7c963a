// Examples: each file of docs/examples runs, and does what it says.
// Holds   one daemon for all, and the examples beside the installed package.
// Never   changes an example, and never asks how long one takes.
// Source  docs/examples; docs/library.md shows them.

import fs from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Client } from "../../hosts/client/api.ts";
import { connect, createStore } from "../../hosts/entry/node.ts";
import { Chromium, withoutChromium } from "../browser/chromium.ts";
import { Daemon, Program, release, temporaryFolder } from "../host/rig.ts";
import { installed } from "../pack/installed.ts";
import { tool } from "../runtimes/install.ts";
import { openGuestSocket } from "./guest_socket.ts";

const SOURCES = path.resolve("docs/examples");
const READER = "/usr/bin/xenstore-read";

let daemon: Daemon;
let xs: Client;
let copies: string;

beforeAll(async () => {
  const { project } = await installed();
  copies = path.join(project, "examples");
  fs.cpSync(SOURCES, copies, { recursive: true });
  daemon = await new Daemon(temporaryFolder(), ["--internal-db"]).ready();
  xs = await connect(`unix:${daemon.socket}`);
  await xs.write("/local/domain/0/name", "Domain-0");
});

afterAll(async () => {
  await xs?.close();
  await release();
});

/** Starts an example as the second line of its file says. */
async function start(folder: string, name: string, args: string[] = [], socket = daemon.socket) {
  const file = path.join(folder, name);
  const [, program = "", words = ""] =
    /^\/\/ {3}(node|deno) (.*?)\b[\w.]+\.(?:mjs|ts)\b/m.exec(fs.readFileSync(file, "utf8")) ?? [];
  const command = program === "deno" ? (await tool("deno")).path : process.execPath;
  const options = words.split(" ").filter((word) => word !== "");
  return new Program(command as string, [...options, file, ...args], { XENSTORED_PATH: socket });
}

/** A domain as a toolstack makes it, as far as the examples look. */
async function makeDomain(domid: number, name: string): Promise<void> {
  await xs.write(`/local/domain/${domid}/name`, name);
  await xs.write(`/local/domain/${domid}/memory/target`, 512 * 1024);
  await xs.domain(domid).introduce({ gfn: 1, port: domid });
}

async function endDomain(domid: number): Promise<void> {
  await xs.rm(`/local/domain/${domid}`);
  await xs.domain(domid).release();
}

describe.each(["in the checkout", "with the installed package"])("%s", (place) => {
  const folder = () => (place === "in the checkout" ? SOURCES : copies);

  it("the host script names the domains, and says which come and go", async () => {
    await makeDomain(3, "web");
    const script = await start(folder(), "host_script.mjs");
    await script.says(/^\+ +3 {2}web +512 MiB\n/m);
    await makeDomain(4, "mail");
    await script.says(/^\+ +4 {2}mail +512 MiB\n/m);
    await endDomain(3);
    await script.says(/^- +3 {2}web/m);
    await endDomain(4);
    await script.says(/^- +4 {2}mail/m);
    script.signal("SIGINT");
    const { code, out, err } = await script.ended;
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out.trim().split("\n")).toHaveLength(5);
  });

  it("the guest agent answers the host, and clears away behind itself", async () => {
    const store = await createStore();
    const host = store.client;
    await (await store.asDomain(7, { home: "xl" })).close();
    const socket = path.join(temporaryFolder(), "xenbus");
    const close = await openGuestSocket(store, 7, socket);
    const agent = await start(folder(), "guest_agent.mjs", [], socket);
    const data = "/local/domain/7/data/agent";
    await host.waitFor(`${data}/answered`, "");
    expect(await host.read(`${data}/memory/total`, { as: "int" })).toBeGreaterThan(0);
    expect((await host.stat(`${data}/os`)).owner).toBe(7);
    await host.rm(`${data}/os`);
    await host.write(`${data}/ask`, "again");
    await host.waitFor(`${data}/answered`, "again");
    expect(await host.read(`${data}/os`)).toMatch(/^Linux /);
    agent.signal("SIGTERM");
    expect(await agent.ended).toMatchObject({ code: 0, err: "" });
    expect(await host.exists(data)).toBe(false);
    close();
    await store.close();
  });

  it("the toolstack's tests pass", async () => {
    const { code, out } = await (await start(folder(), "toolstack.test.mjs")).ended;
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/# pass 4\n# fail 0/) });
  });

  it("a toolstack that forgets the rights fails its tests", async () => {
    const broken = fs.mkdtempSync(path.join(path.dirname(copies), "broken-"));
    fs.cpSync(SOURCES, broken, { recursive: true });
    const file = path.join(broken, "toolstack.mjs");
    const lines = fs.readFileSync(file, "utf8").split("\n");
    fs.writeFileSync(file, lines.filter((line) => !line.includes("setPerms(back")).join("\n"));
    const { code, out } = await (await start(broken, "toolstack.test.mjs")).ended;
    expect({ code, out }).toEqual({ code: 1, out: expect.stringMatching(/# pass 3\n# fail 1/) });
  });

  it("the Deno script prints a domain as JSON, with the rights it names", async (ctx) => {
    const { missing } = await tool("deno");
    if (missing !== null) return ctx.skip(missing);
    await makeDomain(5, "db");
    const { code, out, err } = await (await start(folder(), "deno_script.ts", ["5"])).ended;
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(JSON.parse(out)).toMatchObject({ children: { name: { value: "db" } } });
    await endDomain(5);
    const gone = await (await start(folder(), "deno_script.ts", ["5"])).ended;
    expect(gone).toEqual({ code: 1, out: "", err: "there is no domain 5\n" });
  });

  it("the page shows what its guest sees of what is typed", async (ctx) => {
    const missing = await withoutChromium();
    if (missing !== null) return ctx.skip(missing);
    const outfile = path.join(temporaryFolder(), "page.js");
    const entryPoints = [path.join(folder(), "page.mjs")];
    await build({ entryPoints, bundle: true, format: "esm", outfile, logLevel: "silent" });
    const pages = { "page.html": path.join(folder(), "page.html"), "page.js": outfile };
    const chromium = await Chromium.start(pages);
    ctx.onTestFinished(() => chromium.close());
    const page = await chromium.open("page.html");
    await page.waitForFunction('document.querySelector("#seen").value === "1"');
    await page.fill("#value", "höst");
    await page.waitForFunction('document.querySelector("#seen").value === "höst"');
    expect(chromium.said).toEqual([]);
  });
});

it("the server's two ways to read say the same, and how long each took", async (ctx) => {
  if (!fs.existsSync(READER)) return ctx.skip("Debian's xenstore-utils are not installed");
  const { code, out, err } = await (await start(copies, "server_compare.mjs")).ended;
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const lines = out.trim().split("\n");
  const figures = lines.map((line) => /: +(\d+(?:\.\d)?) ms$/.exec(line)?.[1]);
  expect(figures).toHaveLength(3);
  expect(figures.every((figure) => Number(figure) > 0)).toBe(true);
  console.log(out.trim());
});
