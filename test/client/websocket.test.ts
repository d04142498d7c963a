// WebSocket: clients of a store behind a WebSocket, and what breaks between them.
// Holds   the server of each test.
// Never   leaves the machine: it listens on loopback.
// Source  our own; hosts/client/socket_stream.ts, hosts/embed/serve_socket.ts.

import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { XS_READ } from "../../assembly/xs_wire.ts";
import type { Client, ClientOptions, Status } from "../../hosts/client/api.ts";
import { openClient } from "../../hosts/client/client.ts";
import type { SocketLike } from "../../hosts/client/socket_like.ts";
import { webSocketTransport } from "../../hosts/client/socket_stream.ts";
import type { Store } from "../../hosts/embed/api.ts";
import { type ServeOptions, serve } from "../../hosts/embed/serve.ts";
import { createStore } from "../../hosts/embed/store.ts";
import { coreModule } from "../../hosts/entry/wasm_file.ts";
import { encodeMessage, strings } from "../../hosts/shared/wire.ts";
import { importTool, tool } from "../runtimes/install.ts";

/** A WebSocket of the package ws, as far as it is used here. */
interface Ws extends SocketLike {
  terminate(): void;
  on(event: string, listener: (data: Uint8Array, isBinary: boolean) => void): void;
  send(data: Uint8Array | string): void;
}

interface WsModule {
  readonly WebSocket: new (url: string, protocol?: string) => Ws;
  readonly WebSocketServer: new (
    options: object,
  ) => {
    handleUpgrade(
      request: http.IncomingMessage,
      socket: Duplex,
      head: Buffer,
      call: (socket: Ws) => void,
    ): void;
  };
}

const found = await tool("ws");
let ws: WsModule;
const toClose: (() => unknown)[] = [];

beforeAll(async () => {
  if (found.missing === null) ws = await importTool<WsModule>("ws");
});

beforeEach((ctx) => {
  if (found.missing !== null) ctx.skip(found.missing);
});

afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

async function makeStore(): Promise<Store> {
  const store = await createStore({ module: await coreModule() });
  toClose.push(() => store.close());
  return store;
}

/** A server of WebSockets; returns its address. */
async function listen(onSocket: (socket: Ws) => void): Promise<string> {
  const sockets = new ws.WebSocketServer({ noServer: true });
  const server = http.createServer();
  server.on("upgrade", (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (opened) => {
      toClose.push(() => opened.terminate());
      onSocket(opened);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  toClose.push(() => server.close());
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/store`;
}

/** A client of an address, over a WebSocket of the package: Node has one from version 22 on. */
async function join(url: string, options: ClientOptions = {}): Promise<Client> {
  const make = () => new ws.WebSocket(url, "xenstore");
  const client = await openClient(webSocketTransport(make), options);
  toClose.push(() => client.close());
  return client;
}

/** A store, and the address at which it is served. */
async function serveStore(options: ServeOptions = {}): Promise<{ store: Store; url: string }> {
  const store = await makeStore();
  return { store, url: await listen((socket) => serve(store, socket, options)) };
}

describe("a client behind a WebSocket", () => {
  test("reads, writes and watches", async () => {
    const { store, url } = await serveStore();
    const client = await join(url);
    await client.write("/a", "1");
    expect(await store.client.read("/a")).toBe("1");
    const watch = client.watch("/a");
    expect((await watch.next()).value).toMatchObject({ path: "/a", initial: true });
    await store.client.write("/a", "2");
    expect((await watch.next()).value).toMatchObject({ path: "/a", initial: false });
  });

  const own = "WebSocket" in globalThis ? "" : " (left out: Node has it from version 22 on)";
  test.skipIf(own !== "")(`uses the runtime's own for an address${own}`, async () => {
    const { url } = await serveStore();
    const client = await openClient(webSocketTransport(url));
    await client.write("/a", "1");
    expect(client.target).toBe(url);
    await client.close();
  });

  const none = "WebSocket" in globalThis ? " (left out: this Node has one)" : "";
  test.skipIf(none !== "")(`is told what to do where there is none${none}`, async () => {
    await expect(openClient(webSocketTransport("ws://x/"), { reconnect: false })).rejects.toThrow(
      /^ws:\/\/x\/: this runtime has no WebSocket; give a function that makes one/,
    );
  });

  test("may be given one that is about to open", async () => {
    const { url } = await serveStore();
    const transport = webSocketTransport(new ws.WebSocket(url, "xenstore"));
    const client = await openClient(transport);
    expect(client.target).toBe(url);
    await client.write("/a", "1");
    await client.close();
    await expect(openClient(transport)).rejects.toThrow(/was used before; give its address/);
  });

  test("has the rights of its domain, or none to write", async () => {
    const { url } = await serveStore({ readOnly: true });
    const client = await join(url);
    await expect(client.write("/a", "1")).rejects.toMatchObject({ code: "EROFS" });
    const store = await makeStore();
    await (await store.asDomain(7)).close();
    const guest = await join(await listen((socket) => serve(store, socket, { domid: 7 })));
    await guest.write("key", "1");
    await expect(guest.write("/a", "1")).rejects.toMatchObject({ code: "EACCES" });
  });

  test("may have megabytes under way, both ways", async () => {
    const { url } = await serveStore();
    const client = await join(url, { maxInFlight: 2000 });
    const names = Array.from({ length: 1500 }, (_, n) => `/n/${n}`);
    const value = (name: string) => `${"x".repeat(4000)}${name}`.slice(-4000);
    await Promise.all(names.map((name) => client.write(name, value(name))));
    const values = await Promise.all(names.map((name) => client.read(name)));
    expect(values).toEqual(names.map(value));
  });

  test("connects again when it is cut off, and sets its watches again", async () => {
    const store = await makeStore();
    const sockets: Ws[] = [];
    const url = await listen((socket) => {
      sockets.push(socket);
      serve(store, socket);
    });
    const client = await join(url);
    const watch = client.watch("/a");
    await watch.next();
    const states: Status[] = [];
    const seen = (async () => {
      for await (const status of client.status()) {
        states.push(status);
        if (status.state === "reconnected") return;
      }
    })();
    sockets[0]?.terminate();
    await seen;
    expect(states.at(-1)).toEqual({ state: "reconnected", watches: 1, lost: 0 });
    expect((await watch.next()).value).toMatchObject({ path: "/a", replayed: true });
  });

  test("hears that the store ended, and why", async () => {
    const { store, url } = await serveStore();
    const client = await join(url, { reconnect: false });
    await store.close();
    const error = await client.closed;
    expect(error).toMatchObject({ code: "ECONNRESET" });
    expect(error?.message).toMatch(/the WebSocket was closed: .*closed/);
  });

  test("is told that nobody listens", async () => {
    const url = await listen(() => {});
    const closed = url.replace(/:\d+/, ":1");
    await expect(join(closed, { reconnect: false })).rejects.toMatchObject({
      code: "ECONNREFUSED",
      message: expect.stringMatching(/is the address right, and does somebody serve it\?/),
    });
  });

  test("leaves nothing behind in the store", async () => {
    const { store, url } = await serveStore();
    const before = store.stats().connections;
    const client = await join(url);
    await client.watch("/a").ready;
    expect(store.stats()).toMatchObject({ connections: before + 1, watches: 1 });
    await client.close();
    while (store.stats().connections > before) await new Promise((done) => setImmediate(done));
    expect(store.stats().watches).toBe(0);
  });
});

describe("a server that breaks the rules", () => {
  test.each([
    ["text", "hello", "EPROTO", /the store sent the text "hello"/],
    ["a reply to nothing", new Uint8Array(16), "EPROTO", /a reply to no request of ours/],
    ["a length of 4 GiB", new Uint8Array(16).fill(255), "EPROTO", /a message of 4294967295 bytes/],
  ])("by %s ends the connection, and nothing hangs", async (_what, answer, code, text) => {
    const url = await listen((socket) => socket.on("message", () => socket.send(answer)));
    const client = await join(url, { reconnect: false });
    const read = client.read("/");
    read.catch(() => {});
    await expect(read).rejects.toMatchObject({ code, message: expect.stringMatching(text) });
    expect(await client.closed).toMatchObject({ code });
  });

  test("by hanging up within a message is told from one that does so behind it", async () => {
    const reply = encodeMessage({ type: XS_READ, reqId: 1, txId: 0, payload: strings("x") });
    const url = await listen((socket) => {
      socket.on("message", () => {
        socket.send(reply.subarray(0, 17));
        socket.close();
      });
    });
    const client = await join(url, { reconnect: false });
    await expect(client.read("/")).rejects.toMatchObject({ code: "EPROTO" });
  });
});

describe("a client that breaks the rules", () => {
  /** A WebSocket to a served store, without a client behind it. */
  async function raw(): Promise<{ socket: Ws; store: Store }> {
    const { store, url } = await serveStore();
    const socket = new ws.WebSocket(url, "xenstore");
    await once(socket as never, "open");
    return { socket, store };
  }

  test.each([
    ["text", "hello", 1003],
    ["a length of 4 GiB", new Uint8Array(16).fill(255), 1000],
  ])("by %s is hung up on", async (_what, message, code) => {
    const { socket } = await raw();
    socket.send(message);
    const [closed] = await once(socket as never, "close");
    expect(closed).toBe(code);
  });

  test("by never reading does not keep others waiting, nor fill the store", async () => {
    const { socket, store } = await raw();
    await store.client.write("/big", "x".repeat(4000));
    socket.pause?.();
    const ask = encodeMessage({ type: XS_READ, reqId: 1, txId: 0, payload: strings("/big") });
    const many = new Uint8Array(ask.length * 20_000);
    for (let at = 0; at < many.length; at += ask.length) many.set(ask, at);
    const before = store.stats().bytesUsed;
    socket.send(many);
    for (let n = 0; n < 50; n++) {
      await store.client.read("/big");
      await new Promise((done) => setImmediate(done));
    }
    // 80 MB of replies are not made ahead.
    expect(store.stats().bytesUsed - before).toBeLessThan(2_000_000);
    let got = 0;
    const all = new Promise<void>((done) => {
      socket.on("message", (data) => {
        got += data.length;
        if (got === 20_000 * 4016) done();
      });
    });
    socket.resume?.();
    await all;
  });
});
