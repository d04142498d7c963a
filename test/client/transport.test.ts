// Transport: where Node's client looks for a store, and what it says when there is none.
// Holds   each way in which a place can be wrong.
// Never   touches the places of a real daemon.
// Source  the XenStore protocol, Clients, Behaviour.

import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, expect, it } from "vitest";
import { ConnectError } from "../../hosts/client/errors.ts";
import type { Transport } from "../../hosts/client/transport.ts";
import {
  deviceTransport,
  pathTransport,
  socketTransport,
  storeTransport,
} from "../../hosts/node/client_transport.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "xenstore-transport-"));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => path.join(folder, name);
const never = new AbortController().signal;
const failure = (transport: Transport): Promise<ConnectError> =>
  transport.open(never).then(
    () => {
      throw new Error("it was opened");
    },
    (error) => error,
  );

async function listening(place: string): Promise<net.Server> {
  const server = net.createServer();
  await new Promise<void>((ready) => server.listen(place, ready));
  return server;
}

it("names the place and what to do when no file is there", async () => {
  for (const transport of [socketTransport(at("none")), pathTransport(at("none"))]) {
    const error = await failure(transport);
    expect(error).toBeInstanceOf(ConnectError);
    expect(error).toMatchObject({ code: "ENOENT", path: at("none") });
    expect(error.message).toMatch(/none: no XenStore daemon listens there.*XENSTORED_PATH/);
  }
  expect(await failure(deviceTransport(at("none")))).toMatchObject({ code: "ENOENT" });
});

it("says that nobody listens any more", async () => {
  const server = await listening(at("old"));
  fs.renameSync(at("old"), at("left"));
  await new Promise((done) => server.close(done));
  const error = await failure(storeTransport({ XENSTORED_PATH: at("left") }));
  expect(error).toMatchObject({ code: "ECONNREFUSED" });
  expect(error.message).toMatch(/left: no XenStore daemon listens there any more; start one/);
});

it("says whose rights are missing", async (ctx) => {
  if (process.getuid?.() === 0) ctx.skip("root may open everything");
  const server = await listening(at("closed"));
  fs.chmodSync(at("closed"), 0);
  const error = await failure(pathTransport(at("closed")));
  expect(error.code).toBe("EACCES");
  expect(error.message).toMatch(/closed: this user may not open it; try as root/);
  await new Promise((done) => server.close(done));
});

it("writes to no ordinary file, and knows a path that is too long", async () => {
  fs.writeFileSync(at("file"), "mine");
  const error = await failure(pathTransport(at("file")));
  expect(error.code).toBe("ENOTSOCK");
  expect(error.message).toMatch(/neither a socket nor a device/);
  expect(fs.readFileSync(at("file"), "utf8")).toBe("mine");
  const long = await failure(socketTransport(at("x".repeat(200))));
  expect(long.code).toBe("EINVAL");
  expect(long.message).toMatch(/107 bytes at most/);
});

it("is named by where it leads", async () => {
  expect(socketTransport("/a/b").name).toBe("unix:/a/b");
  expect(deviceTransport("/dev/x")).toMatchObject({ name: "device:/dev/x", reconnects: false });
  const place = storeTransport({ XENSTORED_RUNDIR: folder });
  expect(place).toMatchObject({ name: `unix:${at("socket")}`, reconnects: true });
  expect(pathTransport("/dev/null")).toMatchObject({ name: "device:/dev/null", reconnects: false });
});

it("opens what is there, gives up when told to, and leaves nothing open", async () => {
  const server = await listening(at("socket"));
  const gone = new Promise<void>((done) => {
    server.once("connection", (socket) => socket.once("close", () => done()));
  });
  const stream = await storeTransport({ XENSTORED_RUNDIR: folder }).open(never);
  expect(stream).toMatchObject({ payloadMax: 4096, passesDepth: true });
  stream.close();
  stream.close();
  await gone;
  const reason = new Error("enough");
  const opening = pathTransport(at("socket")).open(AbortSignal.abort(reason));
  await expect(opening).rejects.toBe(reason);
  await new Promise((done) => server.close(done));
});
