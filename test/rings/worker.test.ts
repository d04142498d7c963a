// Worker: a guest in another thread, with shared memory for its page and its event channel.
// Holds   the store's thread; the guest is worker.ts.
// Never   copies a byte between the threads but through the page.
// Source  our own.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { Worker } from "node:worker_threads";
import * as esbuild from "esbuild";
import { expect, it } from "vitest";
import { AtomicsChannel, CHANNEL_SIZE } from "../../hosts/shared/atomics_channel.ts";
import { Client } from "../../hosts/shared/client.ts";
import { Core } from "../../hosts/shared/core.ts";
import { LocalStream } from "../../hosts/shared/local_stream.ts";
import { LocalMachine } from "../../hosts/shared/machine_local.ts";
import { Server } from "../../hosts/shared/server.ts";
import { strings } from "../../hosts/shared/wire.ts";
import { WASM_PATH } from "../core.ts";

const XS_INTRODUCE = 8;

it("a guest in a worker is served through shared memory alone", async () => {
  const core = new Core(new WebAssembly.Module(readFileSync(WASM_PATH)), new Uint32Array(2));
  const clock = {
    nowMs: () => performance.now(),
    after: (ms: number, call: () => void) => void setTimeout(call, ms).unref(),
  };
  const server = new Server(core, clock, { records: () => {} });
  const machine = new LocalMachine();
  const soon = (work: () => boolean) => void setImmediate(() => work() && soon(work));
  server.attach(machine, soon).start(0);
  const host = new Client(new LocalStream(server));

  const buffer = new SharedArrayBuffer(4096 + CHANNEL_SIZE);
  const channel = new AtomicsChannel(buffer, 4096, 0);
  const domain = machine.domain(7, buffer);
  domain.onEvent = () => channel.notify();
  void channel.listen(() => domain.notify());
  await host.request(XS_INTRODUCE, strings("7", "1", "5"));
  await host.mkdir("/local/domain/7");
  await host.setPerms("/local/domain/7", [{ access: "n", domid: 7 }]);

  const built = await esbuild.build({
    entryPoints: [path.resolve("test/rings/worker.ts")],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
  });
  const code = built.outputFiles[0].text;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
    workerData: buffer,
  });
  // Rejects when the worker fails.
  const exited = once(worker, "exit");
  const [written] = await once(worker, "message");
  expect(written).toBe("written");
  expect(Buffer.from(await host.read("/local/domain/7/count")).toString()).toBe("499");
  const answer = once(worker, "message");
  await host.write("/local/domain/7/from-host", "hello");
  expect(await answer).toEqual(["hello"]);
  await exited;
  channel.close();
  host.close();
});
