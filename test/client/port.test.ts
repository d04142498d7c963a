// Port: clients of a store at the other end of a MessagePort, and what breaks between them.
// Holds   nothing.
// Never   needs a browser: Node's ports are used, and test/browser has those of a browser.
// Source  our own; hosts/client/port_channel.ts.

import { once } from "node:events";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import { XS_READ } from "../../assembly/xs_wire.ts";
import type { Client, ClientOptions, Status } from "../../hosts/client/api.ts";
import { openClient } from "../../hosts/client/client.ts";
import { PORT_WINDOW, type PortLike } from "../../hosts/client/port_channel.ts";
import { portTransport } from "../../hosts/client/port_stream.ts";
import type { Store } from "../../hosts/embed/api.ts";
import { type ServeOptions, serve } from "../../hosts/embed/serve.ts";
import { createStore } from "../../hosts/embed/store.ts";
import { coreModule } from "../../hosts/entry/wasm_file.ts";
import { encodeMessage, strings } from "../../hosts/shared/wire.ts";

const toClose: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of toClose.splice(0).reverse()) await one.close();
});

const like = (port: MessagePort) => port as unknown as PortLike;

async function makeStore(): Promise<Store> {
  const store = await createStore({ module: await coreModule() });
  toClose.push(store);
  return store;
}

/** A client at the other end of a port of the store's. */
async function join(
  store: Store,
  options: ServeOptions = {},
  client: ClientOptions = {},
): Promise<Client> {
  const { port1, port2 } = new MessageChannel();
  serve(store, like(port1), options);
  const opened = await openClient(portTransport(like(port2)), client);
  toClose.push(opened);
  return opened;
}

/** The next message of a port. */
async function next(port: MessagePort): Promise<unknown> {
  const [message] = await once(port, "message");
  return message;
}

/** A store's end made by hand: it has greeted, and the client's greeting was taken. */
async function greetByHand(): Promise<{ port: MessagePort; client: Promise<Client> }> {
  const { port1, port2 } = new MessageChannel();
  const client = openClient(portTransport(like(port2)));
  client.catch(() => {});
  const greeting = await next(port1);
  expect(greeting).toMatchObject({ xenstore: "open", version: 1 });
  toClose.push(port1);
  return { port: port1, client };
}

describe("a client behind a port", () => {
  test("reads, writes and watches", async () => {
    const store = await makeStore();
    const client = await join(store);
    await client.write("/a", "1");
    expect(await store.client.read("/a")).toBe("1");
    const watch = client.watch("/a");
    await watch.ready;
    expect((await watch.next()).value).toMatchObject({ path: "/a", initial: true });
    await store.client.write("/a", "2");
    expect((await watch.next()).value).toMatchObject({ path: "/a", initial: false });
    expect(client.target).toBe("port");
  });

  test("has the rights of its domain, or none to write", async () => {
    const store = await makeStore();
    await (await store.asDomain(7)).close();
    const guest = await join(store, { domid: 7 });
    await guest.write("key", "1");
    expect(await store.client.read("/local/domain/7/key")).toBe("1");
    await expect(guest.write("/a", "1")).rejects.toMatchObject({ code: "EACCES" });
    const reader = await join(store, { readOnly: true });
    await expect(reader.write("/a", "1")).rejects.toMatchObject({ code: "EROFS" });
  });

  test("may have more under way than fits into the port's window, both ways", async () => {
    const store = await makeStore();
    const client = await join(store);
    const text = "x".repeat(4000);
    const names = Array.from({ length: 4 * Math.ceil(PORT_WINDOW / 4000) }, (_, n) => `/n/${n}`);
    await Promise.all(names.map((name) => client.write(name, `${text}${name}`.slice(-4000))));
    const values = await Promise.all(names.map((name) => client.read(name)));
    expect(values.every((value, n) => value.endsWith(names[n] as string))).toBe(true);
  });

  test("closes what it leaves behind when it says good-bye", async () => {
    const store = await makeStore();
    const before = store.stats().connections;
    const client = await join(store);
    await client.watch("/a").ready;
    expect(store.stats()).toMatchObject({ connections: before + 1, watches: 1 });
    await client.close();
    await store.client.read("/");
    while (store.stats().connections > before) await new Promise((done) => setImmediate(done));
    expect(store.stats().watches).toBe(0);
  });

  test("hears that the store ended, and why", async () => {
    const store = await makeStore();
    const client = await join(store);
    const waiting = client.waitFor("/never", "1");
    waiting.catch(() => {});
    await store.close();
    expect(await client.closed).toMatchObject({ code: "ECONNRESET" });
    await expect(waiting).rejects.toThrow();
    await expect(client.read("/")).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  test("hears that it was hung up on", async () => {
    const store = await makeStore();
    const { port1, port2 } = new MessageChannel();
    const hangUp = serve(store, like(port1));
    const client = await openClient(portTransport(like(port2)));
    hangUp();
    expect(await client.closed).toMatchObject({
      code: "ECONNRESET",
      message: expect.stringContaining("the store hung up"),
    });
  });

  test("is told when its domain is not there", async () => {
    const store = await makeStore();
    await expect(join(store, { domid: 9 })).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  test("finds another port and sets its watches again, if it can", async () => {
    const store = await makeStore();
    const hangUps: (() => void)[] = [];
    const source = () => {
      const { port1, port2 } = new MessageChannel();
      hangUps.push(serve(store, like(port1)));
      return like(port2);
    };
    const client = await openClient(portTransport(source, { name: "worker" }));
    toClose.push(client);
    const watch = client.watch("/a");
    await watch.next();
    const states: Status[] = [];
    const seen = (async () => {
      for await (const status of client.status()) {
        states.push(status);
        if (status.state === "reconnected") return;
      }
    })();
    hangUps[0]?.();
    await seen;
    expect(states.at(-1)).toEqual({ state: "reconnected", watches: 1, lost: 0 });
    expect((await watch.next()).value).toMatchObject({ path: "/a", replayed: true });
    expect(hangUps.length).toBe(2);
  });

  test("can't use one port twice", async () => {
    const store = await makeStore();
    const { port1, port2 } = new MessageChannel();
    serve(store, like(port1));
    const transport = portTransport(like(port2));
    toClose.push(await openClient(transport));
    await expect(openClient(transport)).rejects.toThrow(/a port carries one connection/);
  });

  test("gives up where nobody serves", async () => {
    const { port1, port2 } = new MessageChannel();
    toClose.push(port1);
    const opening = openClient(portTransport(like(port2)), { connectTimeout: 20 });
    await expect(opening).rejects.toMatchObject({ code: "ETIMEDOUT" });
  });

  test("is noticed by the store when the thread at the other end is ended", async () => {
    const store = await makeStore();
    const before = store.stats().connections;
    const { port1, port2 } = new MessageChannel();
    const script = `
      const { workerData, parentPort } = require("node:worker_threads");
      workerData.on("message", (message) => parentPort.postMessage(message));
      workerData.postMessage({ xenstore: "open", version: 1, life: "" });`;
    const worker = new Worker(script, { eval: true, workerData: port2, transferList: [port2] });
    serve(store, like(port1));
    const [message] = await once(worker, "message");
    expect(message).toMatchObject({ xenstore: "opened" });
    expect(store.stats().connections).toBe(before + 1);
    await worker.terminate();
    while (store.stats().connections > before) await new Promise((done) => setImmediate(done));
  });

  test("notices the end of the thread that has the store", async () => {
    const { port1, port2 } = new MessageChannel();
    const script = `
      const { workerData, parentPort } = require("node:worker_threads");
      workerData.once("message", () => {
        workerData.postMessage({ xenstore: "opened", version: 1, life: "" });
        workerData.on("message", () => parentPort.postMessage("asked"));
      });`;
    const worker = new Worker(script, { eval: true, workerData: port1, transferList: [port1] });
    const client = await openClient(portTransport(like(port2)));
    const read = client.read("/");
    read.catch(() => {});
    await once(worker, "message");
    await worker.terminate();
    await expect(read).rejects.toMatchObject({ code: "ECONNRESET", sent: true });
    expect(await client.closed).toMatchObject({
      message: expect.stringContaining("the other end of the port is gone"),
    });
  });

  test("a worker of Node that has the store is reached by itself, until it is ended", async () => {
    const script = `
      const { parentPort } = require("node:worker_threads");
      parentPort.on("message", ({ xenstore }) => {
        if (xenstore === "open") parentPort.postMessage({ xenstore: "opened", version: 1, life: "" });
      });`;
    const worker = new Worker(script, { eval: true });
    const client = await openClient(portTransport(worker));
    const read = client.read("/");
    read.catch(() => {});
    await worker.terminate();
    await expect(read).rejects.toMatchObject({ code: "ECONNRESET", sent: true });
    expect(worker.listenerCount("message")).toBe(0);
  });
});

/** What a hostile or broken store may post instead of bytes, and what the client says of it. */
const GARBAGE: readonly (readonly [string, unknown, RegExp])[] = [
  ["text", "hello", /none of this protocol \("hello"\)/],
  ["nothing", null, /none of this protocol \(null\)/],
  ["an object", { a: 1 }, /none of this protocol \(Object\)/],
  ["a view", new Uint8Array(16), /none of this protocol \(Uint8Array\)/],
  ["an empty buffer", new ArrayBuffer(0), /an empty message/],
  ["a second greeting", { xenstore: "opened", version: 1, life: "" }, /a second greeting/],
  ["a client's greeting", { xenstore: "open", version: 1, life: "" }, /both ends are clients/],
  ["leave for too much", { xenstore: "more", bytes: PORT_WINDOW }, /to send 262144 bytes more/],
  ["leave for less", { xenstore: "more", bytes: -1 }, /leave to send -1 bytes more/],
  ["leave for a text", { xenstore: "more", bytes: "1" }, /leave to send "1" bytes more/],
  ["too much at once", new ArrayBuffer(PORT_WINDOW + 1), /262145 bytes at once/],
  ["a wrong header", new ArrayBuffer(16), /a reply to no request of ours/],
];

describe("a store's end that breaks the rules", () => {
  test.each(GARBAGE)("by %s ends the connection with EPROTO", async (_what, message, text) => {
    const { port, client } = await greetByHand();
    port.postMessage({ xenstore: "opened", version: 1, life: "" });
    const opened = await client;
    const read = opened.read("/");
    read.catch(() => {});
    await next(port);
    port.postMessage(message);
    await expect(read).rejects.toMatchObject({
      code: "EPROTO",
      message: expect.stringMatching(text),
    });
    expect(await opened.closed).toMatchObject({ code: "EPROTO" });
  });

  test.each([
    ["an unknown version", { xenstore: "opened", version: 2, life: "" }, /version 2 of the port/],
    ["bytes before a greeting", new ArrayBuffer(16), /16 bytes before its greeting/],
    ["a refusal", { xenstore: "close", code: "EACCES", reason: "not you" }, /not you/],
    ["a good-bye", { xenstore: "close", code: "", reason: "" }, /was closed by the other end/],
  ])("by %s is not connected to", async (_what, message, text) => {
    const { port, client } = await greetByHand();
    port.postMessage(message);
    await expect(client).rejects.toMatchObject({
      code: "ECONNREFUSED",
      message: expect.stringMatching(text),
    });
  });

  test("by ending in the middle of a message is told from one that ends behind it", async () => {
    const { port, client } = await greetByHand();
    port.postMessage({ xenstore: "opened", version: 1, life: "" });
    const opened = await client;
    const read = opened.read("/");
    read.catch(() => {});
    await next(port);
    const reply = encodeMessage({ type: XS_READ, reqId: 1, txId: 0, payload: strings("x") });
    const part = reply.slice(0, 17).buffer;
    port.postMessage(part, [part]);
    port.postMessage({ xenstore: "close", code: "", reason: "" });
    await expect(read).rejects.toMatchObject({ code: "EPROTO" });
  });
});

describe("a client's end that breaks the rules", () => {
  test.each(GARBAGE.slice(0, 5))("by %s is hung up on", async (_what, message, text) => {
    const store = await makeStore();
    const before = store.stats().connections;
    const { port1, port2 } = new MessageChannel();
    serve(store, like(port1));
    port2.postMessage({ xenstore: "open", version: 1, life: "" });
    expect(await next(port2)).toMatchObject({ xenstore: "opened" });
    port2.postMessage(message);
    const good = (await next(port2)) as { reason: string };
    expect(good).toMatchObject({ xenstore: "close", code: "EPROTO" });
    expect(good.reason).toMatch(text);
    expect(store.stats().connections).toBe(before);
  });

  test("by never reading is not served on and on", async () => {
    const store = await makeStore();
    await store.client.write("/big", "x".repeat(4000));
    const { port1, port2 } = new MessageChannel();
    serve(store, like(port1));
    port2.postMessage({ xenstore: "open", version: 1, life: "" });
    expect(await next(port2)).toMatchObject({ xenstore: "opened" });
    const got: unknown[] = [];
    port2.on("message", (message) => got.push(message));
    // It asks for far more than it gives leave to send, and stays within its own leave.
    const ask = encodeMessage({ type: XS_READ, reqId: 1, txId: 0, payload: strings("/big") });
    const many = new Uint8Array(Math.floor(PORT_WINDOW / ask.length) * ask.length);
    for (let at = 0; at < many.length; at += ask.length) many.set(ask, at);
    port2.postMessage(many.buffer, [many.buffer]);
    const sum = () =>
      got.reduce<number>((all, one) => all + (one instanceof ArrayBuffer ? one.byteLength : 0), 0);
    while (sum() < PORT_WINDOW) await new Promise((done) => setImmediate(done));
    for (let n = 0; n < 50; n++) {
      await store.client.read("/big");
      await new Promise((done) => setImmediate(done));
    }
    expect(sum()).toBe(PORT_WINDOW);
    // Others are served meanwhile, and it is when it reads.
    port2.postMessage({ xenstore: "more", bytes: PORT_WINDOW });
    while (sum() < 2 * PORT_WINDOW) await new Promise((done) => setImmediate(done));
    port2.close();
  });
});
