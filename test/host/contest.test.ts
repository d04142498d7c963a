// Contest: daemons that are started at the same time on the same folder, or ended while they start.
// Holds   nothing.
// Never   waits for a time.
// Source  the command line, Daemon xenstored.

import fs from "node:fs";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { alone } from "../../hosts/node/holder.ts";
import { Caller, Daemon, release, temporaryFolder } from "./rig.ts";

afterAll(release);

test("what is done alone is done by one after the other", async () => {
  const socket = path.join(temporaryFolder(), "socket");
  const said: string[] = [];
  const work = (name: string) => async () => {
    said.push(`${name} begins`);
    await new Promise((resolve) => setImmediate(resolve));
    said.push(`${name} ends`);
  };
  await Promise.all([alone(socket, work("a")), alone(socket, work("b"))]);
  expect([...said].sort()).toEqual(["a begins", "a ends", "b begins", "b ends"]);
  expect(said[1]).toBe((said[0] as string).replace("begins", "ends"));
  expect(fs.readdirSync(path.dirname(socket))).toEqual([]);
});

test("a link left behind by a daemon that was killed while it started is in nobody's way", async () => {
  const folder = temporaryFolder();
  fs.symlinkSync("4194305", path.join(folder, "socket.lock"));
  const daemon = await new Daemon(folder, []).ready();
  await daemon.stop();
  expect(fs.readdirSync(folder)).toEqual([]);
});

test("of daemons started together where a killed one left its socket, one serves", async () => {
  const folder = temporaryFolder();
  const killed = await new Daemon(folder, []).ready();
  killed.signal("SIGKILL");
  await killed.ended;
  const daemons = [1, 2, 3, 4].map(() => new Daemon(folder, []));
  const outcomes = await Promise.all(
    daemons.map((daemon) =>
      Promise.race([
        daemon.ended,
        daemon.ready().then(
          () => null,
          () => daemon.ended,
        ),
      ]),
    ),
  );
  const refused = outcomes.filter((outcome) => outcome !== null);
  const first = daemons[outcomes.indexOf(null)] as Daemon;
  expect(refused.length).toBe(3);
  for (const { code, err } of refused) {
    expect(code).toBe(1);
    expect(err).toContain(`another daemon is running there: process ${first.pid}\n`);
  }
  const caller = await Caller.open(first.socket);
  expect(await caller.ask("READ", "/tool\0")).toBe("");
  await first.stop();
  expect(fs.readdirSync(folder)).toEqual([]);
});
