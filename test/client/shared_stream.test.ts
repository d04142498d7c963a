// Shared stream: programs that share the connection of a client, byte by byte and on a store.
// Holds   what goes over the wire for them, what comes back, and in which order.
// Never   waits for a time.
// Source  hosts/client/shared_stream.ts; Linux, xenbus_dev_frontend.

import { describe, expect, it } from "vitest";
import * as xs from "../../assembly/xs_wire.ts";
import type { Client, ClientOptions } from "../../hosts/client/api.ts";
import { openClient } from "../../hosts/client/client.ts";
import { ConnectionLostError } from "../../hosts/client/errors.ts";
import { operationName } from "../../hosts/client/operations.ts";
import { clientStream } from "../../hosts/client/shared_stream.ts";
import type { ByteStream } from "../../hosts/shared/byte_stream.ts";
import type { XenstoreError } from "../../hosts/shared/errors.ts";
import { concat, encodeMessage, type Message, MessageReader } from "../../hosts/shared/wire.ts";
import { open } from "../embed/open.ts";
import { memoryFront, type Peer, payload, textOf } from "./raw.ts";

/** A program on a stream, which speaks the protocol by hand. */
class Program {
  /** What came, such as `READ 1 value`. */
  readonly heard: string[] = [];
  /** Pairs of a tx id and a message, for those who look closer. */
  readonly messages: Message[] = [];
  end: { error: XenstoreError | undefined } | null = null;
  drained = 0;
  readonly stream: ByteStream;
  #reader = new MessageReader();
  #news: (() => void)[] = [];
  #lastId = 0;

  constructor(client: Client) {
    this.stream = clientStream(client);
    this.stream.start({
      data: (bytes) => this.#take(bytes),
      drain: () => {
        this.drained += 1;
        this.#tell();
      },
      end: (error) => {
        this.end = { error };
        this.#tell();
      },
    });
  }

  /** Sends requests with one write, such as `[XS_READ, "/a|"]`; ids count from 1. */
  send(...requests: (readonly [type: number, text: string, txId?: number])[]): boolean {
    const messages = requests.map(([type, text, txId = 0]) =>
      encodeMessage({ type, reqId: ++this.#lastId, txId, payload: payload(text) }),
    );
    return this.stream.write(concat(messages));
  }

  /** Resolves with all that was heard when it is so much. */
  async hears(count: number): Promise<string[]> {
    await this.until(() => this.heard.length >= count);
    return this.heard;
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => this.#news.push(resolve));
  }

  #take(bytes: Uint8Array): void {
    for (const message of this.#reader.push(bytes.slice())) {
      this.messages.push(message);
      const { type, reqId, payload: body } = message;
      this.heard.push(`${operationName(type)} ${reqId} ${textOf(body)}`);
    }
    this.#tell();
  }

  #tell(): void {
    for (const tell of this.#news.splice(0)) tell();
  }
}

/** A client whose store is the test, and programs on it. */
async function shared(options: ClientOptions = {}) {
  const front = memoryFront();
  const [client, peer] = await Promise.all([openClient(front.transport, options), front.accept()]);
  return { front, client, peer, one: new Program(client), other: new Program(client) };
}

const texts = (peer: Peer) =>
  peer.requests.map(({ type, txId, payload: body }) => {
    return `${operationName(type)}${txId ? ` tx ${txId}` : ""} ${textOf(body)}`;
  });
const turn = () => new Promise((done) => setTimeout(done));

describe("requests of programs that share a client", () => {
  it("get their replies in their order, under their own ids", async () => {
    const { peer, one, other, client } = await shared();
    one.send([xs.XS_READ, "/1|"], [xs.XS_DIRECTORY, "/2|"]);
    other.send([xs.XS_READ, "/3|"]);
    const own = client.read("/4");
    const [first, second, third, fourth] = await peer.requested(4);
    expect(texts(peer)).toEqual(["READ /1|", "DIRECTORY /2|", "READ /3|", "READ /4|"]);
    peer.reply(third, "c");
    peer.reply(fourth, "d");
    peer.reply(second, "b|");
    expect(await other.hears(1)).toEqual(["READ 1 c"]);
    expect(await own).toBe("d");
    expect(one.heard).toEqual([]);
    peer.reply(first, "a");
    expect(await one.hears(2)).toEqual(["READ 1 a", "DIRECTORY 2 b|"]);
  });

  it("that fail are answered with the store's error, or with that of the client", async () => {
    const { peer, one } = await shared();
    one.send([xs.XS_READ, "/1|"], [xs.XS_WATCH, "/a//b|t|"], [99, ""]);
    const [first] = await peer.requested(1);
    peer.reply(first, "ENOENT|", { type: xs.XS_ERROR });
    const [, last] = await peer.requested(2);
    expect(texts(peer)[1]).toBe("type 99 ");
    peer.reply(last, "ENOSYS|", { type: xs.XS_ERROR });
    expect(await one.hears(3)).toEqual(["ERROR 1 ENOENT|", "ERROR 2 EINVAL|", "ERROR 3 ENOSYS|"]);
  });

  it("wait when there are very many, and the program is told when it may go on", async () => {
    const { peer, one } = await shared();
    const many = Array.from({ length: 300 }, (_, n) => [xs.XS_READ, `/${n}|`] as const);
    expect(one.send(...many)).toBe(false);
    await peer.requested(256);
    expect(one.drained).toBe(0);
    for (let n = 0; n < 300; n++) {
      const request = (await peer.requested(n + 1))[n] as Message;
      peer.reply(request, textOf(request.payload));
    }
    expect((await one.hears(300)).at(-1)).toBe("READ 300 /299|");
    await one.until(() => one.drained === 1);
    expect(one.send([xs.XS_READ, "/again|"])).toBe(true);
  });

  it("that are no messages end the stream, and no other one", async () => {
    const { peer, one, other } = await shared();
    one.stream.write(new Uint8Array(16).fill(255));
    await one.until(() => one.end !== null);
    expect(one.end?.error).toMatchObject({ code: "EPROTO" });
    other.send([xs.XS_READ, "/1|"]);
    await peer.requested(1);
  });
});

describe("watches of programs that share a client", () => {
  /** Answers the next request, which is the `count`th, with OK and an event of its own token. */
  async function confirm(peer: Peer, count: number): Promise<string> {
    const request = (await peer.requested(count))[count - 1] as Message;
    peer.reply(request, "OK|");
    const text = textOf(request.payload);
    const [path, token] = text.split("|");
    if (request.type === xs.XS_WATCH) peer.event(`${path}|${token}|`);
    return text;
  }

  it("have their own tokens, whatever goes over the wire", async () => {
    const { peer, one, other } = await shared();
    one.send([xs.XS_WATCH, "/a|t|"]);
    expect(await confirm(peer, 1)).toBe("/a|t|");
    other.send([xs.XS_WATCH, "/a|t|"], [xs.XS_WATCH, "/b|t|"]);
    expect(await confirm(peer, 2)).toBe("/a|t~2|");
    expect(await confirm(peer, 3)).toBe("/b|t~3|");
    peer.event("/a/x|t|");
    peer.event("/b/y|t~3|");
    expect(await one.hears(3)).toEqual([
      "WATCH 1 OK|",
      "WATCH_EVENT 0 /a|t|",
      "WATCH_EVENT 0 /a/x|t|",
    ]);
    expect((await other.hears(5)).slice().sort()).toEqual([
      "WATCH 1 OK|",
      "WATCH 2 OK|",
      "WATCH_EVENT 0 /a|t|",
      "WATCH_EVENT 0 /b/y|t|",
      "WATCH_EVENT 0 /b|t|",
    ]);
    other.send([xs.XS_UNWATCH, "/a|t|"], [xs.XS_UNWATCH, "/a|t|"], [xs.XS_READ, "/a|"]);
    expect(await confirm(peer, 4)).toBe("/a|t~2|");
    await confirm(peer, 5);
    const heard = await other.hears(8);
    expect(heard.slice(5)).toEqual(["UNWATCH 3 OK|", "ERROR 4 ENOENT|", "READ 5 OK|"]);
  });

  it("take any token: bytes that are no text, and one that leaves no room", async () => {
    const { peer, one, other } = await shared();
    one.send([xs.XS_WATCH, "/a|\xff\x01|"]);
    const wire = await confirm(peer, 1);
    expect(wire).not.toContain("\xff");
    expect(await one.hears(2)).toEqual(["WATCH 1 OK|", "WATCH_EVENT 0 /a|\xff\x01|"]);
    const long = "t".repeat(4096 - 4);
    one.send([xs.XS_WATCH, `/a|${long}|`]);
    expect(await confirm(peer, 2)).toBe(`/a|${long}|`);
    other.send([xs.XS_WATCH, `/a|${long}|`]);
    expect((await confirm(peer, 3)).length).toBeLessThan(20);
    expect((await other.hears(2))[1]).toBe(`WATCH_EVENT 0 /a|${long}|`);
  });

  it("are refused where the store would refuse them", async () => {
    const { peer, one } = await shared();
    one.send([xs.XS_WATCH, "/a|t|"]);
    await confirm(peer, 1);
    one.send([xs.XS_WATCH, "/a|t|"], [xs.XS_WATCH, "/a|t"], [xs.XS_WATCH, "/a|t|x|"]);
    one.send([xs.XS_UNWATCH, "/a|"], [xs.XS_UNWATCH, "/a|u|"], [xs.XS_WATCH, "/b|t|", 5]);
    const heard = await one.hears(8);
    expect(heard.filter((line) => line.startsWith("ERROR"))).toEqual([
      "ERROR 2 EEXIST|",
      "ERROR 3 EINVAL|",
      "ERROR 4 EINVAL|",
      "ERROR 5 EINVAL|",
      "ERROR 6 ENOENT|",
      "ERROR 7 ENOENT|",
    ]);
    expect(peer.requests).toHaveLength(1);
  });

  it("with a depth go out with it, where the store offers that", async () => {
    const { peer, one } = await shared();
    one.send([xs.XS_WATCH, "/a|t|2|"], [xs.XS_READ, "/behind|"]);
    // A harmless request follows it, for the OCaml daemon's sake.
    const [features] = await peer.requested(2);
    expect(features.type).toBe(xs.XS_GET_FEATURE);
    peer.reply(features, `${xs.XENSTORE_SERVER_FEATURE_WATCHDEPTH}|`);
    expect(await confirm(peer, 3)).toBe("/a|t|2|");
    await confirm(peer, 4);
    expect(texts(peer)[3]).toBe("READ /behind|");
  });

  it("tell what the store sent before a reply before it, in the store's order", async () => {
    const { peer, one } = await shared();
    one.send([xs.XS_WATCH, "/a|t|"]);
    await confirm(peer, 1);
    one.send([xs.XS_WATCH, "/b|u|"]);
    await confirm(peer, 2);
    await one.hears(4);
    one.send([xs.XS_READ, "/x|"]);
    const [, , read] = await peer.requested(3);
    const event = (text: string) =>
      encodeMessage({ type: xs.XS_WATCH_EVENT, reqId: 0, txId: 0, payload: payload(text) });
    const few = Array.from({ length: 20 }, (_, n) => (n % 2 ? `/a/${n}|t|` : `/b/${n}|u|`));
    const many = Array.from({ length: 500 }, (_, n) => `/a/${n}|t|`);
    const reply = encodeMessage({ ...read, payload: payload("v") });
    peer.send(concat([...few.map(event), ...many.map(event), reply]));
    const heard = (await one.hears(525)).slice(4);
    expect(heard.at(-1)).toBe("READ 3 v");
    expect(heard.slice(0, 20)).toEqual(few.map((text) => `WATCH_EVENT 0 ${text}`));
    expect(heard.slice(20, -1)).toEqual(many.map((text) => `WATCH_EVENT 0 ${text}`));
  });

  it("wait while the program wants nothing, and come in order when it does", async () => {
    const { peer, one } = await shared();
    one.send([xs.XS_WATCH, "/a|t|"], [xs.XS_READ, "/x|"]);
    await confirm(peer, 1);
    const [, read] = await peer.requested(2);
    await one.hears(2);
    one.stream.pause(true);
    for (let n = 0; n < 100; n++) peer.event(`/a/${n}|t|`);
    peer.reply(read, "v");
    await turn();
    expect(one.heard).toHaveLength(2);
    one.stream.pause(false);
    const heard = await one.hears(103);
    expect(heard.slice(2, -1)).toEqual(
      heard.slice(2, -1).map((_, n) => `WATCH_EVENT 0 /a/${n}|t|`),
    );
    expect(heard.at(-1)).toBe("READ 2 v");
  });

  it("of one program only are removed by its RESET_WATCHES, with its transactions", async () => {
    const store = await open();
    const [one, other] = [new Program(store.client), new Program(store.client)];
    one.send([xs.XS_WATCH, "/a|t|"], [xs.XS_TRANSACTION_START, "|"]);
    other.send([xs.XS_WATCH, "/a|t|"], [xs.XS_TRANSACTION_START, "|"]);
    await Promise.all([one.hears(3), other.hears(3)]);
    expect(store.stats()).toMatchObject({ watches: 2, transactions: 2 });
    one.send([xs.XS_RESET_WATCHES, "|"]);
    expect((await one.hears(4))[3]).toBe("RESET_WATCHES 3 OK|");
    expect(store.stats()).toMatchObject({ watches: 1, transactions: 1 });
    await store.client.write("/a/x", 1);
    expect((await other.hears(4))[3]).toBe("WATCH_EVENT 0 /a/x|t|");
    expect(one.heard).toHaveLength(4);
    one.send([xs.XS_WATCH, "/a|t|"]);
    expect((await one.hears(5))[4]).toBe("WATCH 4 OK|");
  });

  it("that the client's owner removes are gone", async () => {
    const store = await open();
    const one = new Program(store.client);
    one.send([xs.XS_WATCH, "/a|t|"]);
    await one.hears(2);
    await store.client.resetWatches();
    await turn();
    one.send([xs.XS_UNWATCH, "/a|t|"], [xs.XS_WATCH, "/a|t|"]);
    expect((await one.hears(4)).slice(2, 4)).toEqual(["ERROR 2 ENOENT|", "WATCH 3 OK|"]);
  });
});

describe("transactions of programs that share a client", () => {
  it("belong to who began them", async () => {
    const store = await open();
    const [one, other] = [new Program(store.client), new Program(store.client)];
    one.send([xs.XS_TRANSACTION_START, "|"]);
    await one.hears(1);
    const id = Number.parseInt(one.heard[0]?.split(" ")[2] ?? "", 10);
    one.send([xs.XS_WRITE, "/a|1", id], [xs.XS_READ, "/a|", id]);
    other.send([xs.XS_WRITE, "/a|2", id], [xs.XS_TRANSACTION_END, "T|", id]);
    expect(await other.hears(2)).toEqual(["ERROR 1 ENOENT|", "ERROR 2 ENOENT|"]);
    expect((await one.hears(3))[2]).toBe("READ 3 1");
    expect(one.messages[2]?.txId).toBe(id);
    one.send([xs.XS_TRANSACTION_END, "X|", id], [xs.XS_TRANSACTION_END, "T|", id]);
    one.send([xs.XS_READ, "/a|", id]);
    expect((await one.hears(6)).slice(3)).toEqual([
      "ERROR 4 EINVAL|",
      "TRANSACTION_END 5 OK|",
      "ERROR 6 ENOENT|",
    ]);
    expect(await store.client.read("/a")).toBe("1");
  });

  it("end with the stream, with its watches, also those that are just beginning", async () => {
    const store = await open();
    const one = new Program(store.client);
    one.send([xs.XS_TRANSACTION_START, "|"], [xs.XS_WATCH, "/a|t|"]);
    await one.hears(3);
    expect(store.stats()).toMatchObject({ watches: 1, transactions: 1 });
    one.send([xs.XS_TRANSACTION_START, "|"], [xs.XS_WATCH, "/b|t|"]);
    one.stream.close();
    one.stream.close();
    await turn();
    expect(store.stats()).toMatchObject({ watches: 0, transactions: 0 });
    expect(one.end).toBe(null);
    expect(one.heard).toHaveLength(3);
  });
});

describe("a client that is lost", () => {
  it("ends its streams with the error, also if it comes back", async () => {
    const { front, client, peer, one, other } = await shared({ reconnect: { backoff: () => 0 } });
    one.send([xs.XS_TRANSACTION_START, "|"], [xs.XS_WATCH, "/a|t|"], [xs.XS_READ, "/a|"]);
    const [start, watch] = await peer.requested(2);
    peer.reply(start, "5|");
    peer.reply(watch, "OK|");
    await one.hears(2);
    peer.hangUp();
    await one.until(() => one.end !== null);
    expect(one.end?.error).toBeInstanceOf(ConnectionLostError);
    await other.until(() => other.end !== null);
    const again = await front.accept();
    const read = client.read("/own");
    const [request] = await again.requested(1);
    expect(textOf(request.payload)).toBe("/own|");
    again.reply(request, "v");
    expect(await read).toBe("v");
    await turn();
    // Neither its watches nor its transactions are spoken of there.
    expect(texts(again)).toEqual(["READ /own|"]);
  });

  it("that was closed ends them without one, and takes no new ones", async () => {
    const { client, one } = await shared();
    await client.close();
    await one.until(() => one.end !== null);
    expect(one.end?.error).toBe(undefined);
    const late = new Program(client);
    late.send([xs.XS_READ, "/a|"]);
    await late.until(() => late.end !== null);
  });

  it("is no more than a stream to other clients", async () => {
    const store = await open();
    const guest = await store.guest(7);
    const transport = {
      name: "shared",
      reconnects: false,
      open: async () => clientStream(guest.client),
    };
    const inner = await openClient(transport);
    const watch = inner.watch("data");
    await watch.next();
    await inner.transaction((tx) => tx.write("data/a", 1));
    expect((await watch.next()).value).toMatchObject({ path: "data/a" });
    await inner.close();
    expect(store.stats()).toMatchObject({ watches: 0, transactions: 0 });
    expect(await guest.client.read("data/a")).toBe("1");
  });
});
