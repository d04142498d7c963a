// Loss: one conversation, cut behind each of its bytes, in both directions.
// Holds   the conversation, and what must be true of it wherever it breaks.
// Never   takes the client's word: the store is read afterwards.
// Source  the interface of the client, ClientOptions.reconnect; the XenStore protocol, Transactions.

import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  XS_READ,
  XS_RM,
  XS_TRANSACTION_END,
  XS_TRANSACTION_START,
  XS_UNWATCH,
  XS_WATCH,
} from "../../assembly/xs_wire.ts";
import { Connection } from "../../hosts/client/connection.ts";
import { ConnectionLostError, ProtocolError } from "../../hosts/client/errors.ts";
import { decodeText } from "../../hosts/client/text.ts";
import type { Transport } from "../../hosts/client/transport.ts";
import { socketTransport } from "../../hosts/node/client_transport.ts";
import { isXenstoreError } from "../../hosts/shared/errors.ts";
import { type Cut, CutStore } from "./cut.ts";
import { Line, nothing } from "./line.ts";
import { textOf } from "./raw.ts";

/** What became of one request: the node for a WRITE, else the name of its type. */
interface Told {
  readonly what: string;
  readonly error: unknown;
}

/** The conversation: pipelined requests, watches, a transaction, a long value. */
class Conversation {
  readonly told: Told[] = [];
  readonly line = new Line();

  async hold(transport: Transport): Promise<void> {
    this.line.watched = ["/again"];
    this.line.connection = await Connection.open(transport, this.line, {
      reconnect: transport.reconnects && { backoff: () => 0 },
    });
    const { connection } = this.line;
    const { link } = connection;
    await Promise.all([
      this.#write("/one"),
      this.#write("/two"),
      this.#note("WATCH", connection.ask(XS_WATCH, "/one", "token\0", nothing)),
      this.#note("WATCH", connection.ask(XS_WATCH, "/deep", "other\0", nothing)),
      this.#note("READ", connection.ask(XS_READ, "/one", null, decodeText)),
    ]);
    await this.#transaction();
    await Promise.all([
      this.#write("/deep/three", "x".repeat(300)),
      this.#note("READ", connection.ask(XS_READ, "/deep/three", null, decodeText)),
      // The watch went with its link.
      this.#note("UNWATCH", connection.ask(XS_UNWATCH, "/one", "token\0", nothing, { link })),
    ]);
    await this.#write("/last");
    await connection.close();
  }

  async #transaction(): Promise<void> {
    const { connection } = this.line;
    const { link } = connection;
    let txId = 0;
    const began = (bytes: Uint8Array, start: number, end: number) => {
      txId = Number.parseInt(decodeText(bytes, start, end), 10);
    };
    await this.#note("START", connection.ask(XS_TRANSACTION_START, null, "\0", began, { link }));
    if (txId === 0) return;
    const within = { txId, link };
    await Promise.all([
      this.#write("/tx/one", "v", within),
      this.#write("/tx/two", "v", within),
      this.#note("END", connection.ask(XS_TRANSACTION_END, null, "T\0", nothing, within)),
    ]);
  }

  #write(node: string, value = "v", options = {}): Promise<void> {
    return this.#note(node, this.line.write(node, value, options));
  }

  #note(what: string, asked: Promise<unknown>): Promise<void> {
    return asked.then(
      () => void this.told.push({ what, error: null }),
      (error) => void this.told.push({ what, error }),
    );
  }
}

/** Which nodes of the conversation the store has; they are removed. */
async function present(store: CutStore): Promise<Set<string>> {
  const reader = new Line();
  reader.connection = await Connection.open(store.whole(), reader);
  const found = new Set<string>();
  for (const node of ["/one", "/two", "/tx/one", "/tx/two", "/deep/three", "/last"]) {
    await reader.read(node).then(
      () => found.add(node),
      (error) => {
        if (!isXenstoreError(error, "ENOENT")) throw error;
      },
    );
  }
  for (const node of found) await reader.connection.ask(XS_RM, node, null, nothing);
  await reader.connection.close();
  return found;
}

/** What must be true wherever the conversation was cut. */
async function judge(conversation: Conversation, store: CutStore, at: string): Promise<void> {
  const found = await present(store);
  const { told } = conversation;
  for (const { what, error } of told) {
    if (error !== null) expect(isKnown(error), `${at}: ${what} ended with ${error}`).toBe(true);
    // What is written in a transaction is there as soon as its END was done.
    if (what.startsWith("/tx/") || !(what.startsWith("/") || what === "END")) continue;
    const node = what === "END" ? "/tx/one" : what;
    if (error === null) expect(found, `${at}: ${what} was acknowledged`).toContain(node);
    else if (!(error as ConnectionLostError).sent) {
      expect(found, `${at}: ${what} was not sent`).not.toContain(node);
    }
  }
  expect(found.has("/tx/one"), `${at}: all of the transaction or nothing`).toBe(
    found.has("/tx/two"),
  );
  onlyOnce(store, at);
}

/** Lost with its connection, in the middle of a message or between two. */
function isKnown(error: unknown): boolean {
  return error instanceof ConnectionLostError && (error.code === "ECONNRESET" || isHalf(error));
}

const isHalf = (error: Error) =>
  error instanceof ProtocolError && /hung up behind/.test(error.message);

/** No request but the watches that are set again was written twice, to whatever link. */
function onlyOnce(store: CutStore, at: string): void {
  const all = store.written.flat().map(({ type, payload }) => `${type} ${textOf(payload)}`);
  const once = all.filter((one) => one !== `${XS_WATCH} /again|again|`);
  expect(new Set(once).size, `${at}: written ${once.join(", ")}`).toBe(once.length);
}

async function play(cut: Cut, reconnects: boolean, at: string): Promise<Conversation> {
  const store = new CutStore(cut);
  const conversation = new Conversation();
  await conversation.hold(store.transport(reconnects));
  await judge(conversation, store, at);
  return conversation;
}

/** Bytes that the whole conversation takes each way. */
async function length(): Promise<{ toStore: number; toClient: number }> {
  const store = new CutStore({});
  const conversation = new Conversation();
  await conversation.hold(store.transport(false));
  expect(conversation.told.filter(({ error }) => error !== null)).toEqual([]);
  expect(conversation.told).toHaveLength(13);
  expect((await present(store)).size).toBe(6);
  return store;
}

describe.each([
  ["without a connection that is made again", false],
  ["with a connection that is made again", true],
])("cut in memory, %s,", (_how, reconnects) => {
  it.each(["toStore", "toClient"] as const)("each byte %s: all settles", async (way) => {
    const whole = (await length())[way];
    expect(whole).toBeGreaterThan(400);
    let failed = 0;
    for (let at = 0; at < whole; at++) {
      const { told, line } = await play({ [way]: at }, reconnects, `${way} ${at}`);
      const errors = told.filter(({ error }) => error !== null);
      if (errors.length > 0) failed++;
      if (reconnects) {
        // Nothing that had not been sent was lost with the link, but what belonged to the link.
        const unsent = errors.filter(({ error }) => !(error as ConnectionLostError).sent);
        expect(
          unsent.filter(({ what }) => what.startsWith("/") && !what.startsWith("/tx")),
        ).toEqual([]);
        expect(line.ends).toEqual([null]);
      } else {
        expect(line.ends).toHaveLength(1);
      }
    }
    expect(failed).toBeGreaterThan(whole / 2);
  });
});

describe("cut on a Unix socket", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "xenstore-loss-"));
  const place = path.join(folder, "socket");
  let store: CutStore;
  const server = net.createServer((socket) => {
    const stream = store.stream();
    socket.on("error", () => {});
    socket.on("close", () => stream.close());
    socket.on("data", (bytes) => stream.write(bytes));
    stream.start({
      data: (bytes) => socket.write(bytes.slice()),
      drain: () => {},
      end: () => socket.destroy(),
    });
  });
  beforeAll(() => new Promise<void>((ready) => server.listen(place, ready)));
  afterAll(() => {
    server.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    ["toStore", false],
    ["toStore", true],
    ["toClient", false],
    ["toClient", true],
  ] as const)("%s at every fifth byte, made again: %s", async (way, reconnects) => {
    const whole = (await length())[way];
    for (let at = 0; at < whole; at += 5) {
      store = new CutStore({ [way]: at });
      const conversation = new Conversation();
      await conversation.hold({ ...socketTransport(place), reconnects });
      await judge(conversation, store, `${way} ${at}`);
    }
  });
});
