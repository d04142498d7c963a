// Crossing: a database is written by the daemon on one runtime, and read by it on the other.
// Holds   nothing.
// Never   runs two daemons on one folder at the same time.
// Source  our own.

import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { Caller, DAEMON, Daemon, Program, release, temporaryFolder } from "../host/rig.ts";
import { tool } from "../runtimes/install.ts";

const deno = await tool("deno");
const left = deno.missing === null ? "" : ` (left out: ${deno.missing.replace(/[()]/g, "")})`;

afterAll(release);

test.skipIf(left !== "")(
  `what Node's daemon kept is there on Deno, and back again${left}`,
  async () => {
    const folder = temporaryFolder();
    const onNode = await new Daemon(folder, []).ready();
    await ask(onNode.socket, "WRITE", "/from\0node");
    onNode.signal("SIGKILL");
    await onNode.ended;

    const args = ["run", "--allow-all", DAEMON, "--no-fork", "--output-pid"];
    const onDeno = new Program(deno.path as string, args, { XENSTORED_RUNDIR: folder });
    await onDeno.says(/^\d+\n/);
    const socket = path.join(folder, "socket");
    expect(await ask(socket, "READ", "/from\0")).toBe("node");
    await ask(socket, "WRITE", "/from\0deno");
    onDeno.signal("SIGKILL");
    await onDeno.ended;

    const again = await new Daemon(folder, []).ready();
    expect(await ask(again.socket, "READ", "/from\0")).toBe("deno");
    await again.stop();
    expect(again.err).toBe("");
  },
);

async function ask(socket: string, type: string, payload: string): Promise<string> {
  const caller = await Caller.open(socket);
  const reply = await caller.ask(type, payload);
  caller.close();
  return reply;
}
