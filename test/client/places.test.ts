// Places: where a client looks for the store of this machine.
// Holds   sockets in a folder of its own.
// Never   looks at the machine's own store.
// Source  the XenStore protocol, Clients, Behaviour.

import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openClient } from "../../hosts/client/client.ts";
import { storeTransport } from "../../hosts/node/client_transport.ts";
import { ScriptedStore, serve } from "../tools/scripted.ts";
import { failure } from "./script.ts";

it("the store is looked for where libxenstore looks for it", async () => {
  const dir = mkdtempSync(join(tmpdir(), "xs-places-"));
  const server = await serve(join(dir, "socket"), () => new ScriptedStore({ READ: "here" }));
  try {
    symlinkSync(join(dir, "socket"), join(dir, "other"));
    const places = [
      { env: { XENSTORED_PATH: join(dir, "other") }, target: `unix:${join(dir, "other")}` },
      { env: { XENSTORED_RUNDIR: dir }, target: `unix:${join(dir, "socket")}` },
      {
        env: { XENSTORED_PATH: join(dir, "other"), XENSTORED_RUNDIR: "/nowhere" },
        target: `unix:${join(dir, "other")}`,
      },
    ];
    for (const { env, target } of places) {
      const client = await openClient(storeTransport(env));
      expect(await client.read("/a")).toBe("here");
      expect(client.target).toBe(target);
      await client.close();
    }
    const nowhere = storeTransport({ XENSTORED_PATH: join(dir, "none") });
    const error = await failure(openClient(nowhere));
    expect(error).toMatchObject({ name: "ConnectError", code: "ENOENT" });
    expect(error?.message).toContain(join(dir, "none"));
  } finally {
    server.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
