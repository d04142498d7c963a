// By hand: a state of the C daemon that is only a file, without the process that wrote it.
// Holds   a daemon in a folder of its own, with the example of the stream's format in it.
// Never   waits for a time.
// Source  the XenStore protocol, live-update and migration stream.

import fs from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Caller, Daemon, release, TRANSPORTS, temporaryFolder } from "../host/rig.ts";
import { testUnless } from "../peers/unless.ts";
import { exampleStream } from "../tools/streams.ts";

afterAll(release);

/** A folder with this file as what a daemon before has left. */
function withState(bytes: Uint8Array): string {
  const folder = temporaryFolder();
  fs.writeFileSync(path.join(folder, "state_dump"), bytes);
  return folder;
}

describe.each(TRANSPORTS)("a state without its process, over %s", (transport, missing) => {
  const start = (folder: string) => new Daemon(folder, ["-U", "--transport", transport]);

  testUnless(missing || null, "is loaded, and served at sockets made anew", async () => {
    const folder = withState(exampleStream());
    const daemon = await start(folder).ready();
    const caller = await Caller.open(daemon.socket);
    expect(await caller.ask("READ", "/tool/v\0")).toBe("hello");
    expect(await caller.ask("GET_PERMS", "/tool/v\0")).toBe("n0\0r3\0");
    expect(await caller.ask("CONTROL", "watches\0")).not.toContain("tok1");
    expect(fs.existsSync(path.join(folder, "state_dump"))).toBe(false);
    await daemon.stop();
    const again = await new Daemon(folder, ["--transport", transport]).ready();
    expect(await (await Caller.open(again.socket)).ask("READ", "/tool/v\0")).toBe("hello");
  });

  testUnless(missing || null, "that is cut short is refused, and stays where it is", async () => {
    const whole = exampleStream();
    const folder = withState(whole.subarray(0, whole.length - 40));
    const { code, err } = await start(folder).ended;
    expect(code).toBe(1);
    expect(err).toContain("state_dump");
    expect(fs.existsSync(path.join(folder, "state_dump"))).toBe(true);
  });
});

it("a state that is not there is named", async () => {
  const { code, err } = await new Daemon(temporaryFolder(), ["-U"]).ended;
  expect(code).toBe(1);
  expect(err).toContain("state_dump");
});
