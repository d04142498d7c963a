// Sockets: a stage for transcripts in front of a daemon behind Unix sockets.
// Holds   a socket for each named connection; what each has received since the last look.
// Never   waits for a time: a question whose answer must come last fences what came before.
// Source  our own.

import { once } from "node:events";
import net from "node:net";
import type { Received } from "./hub.ts";
import { encode, HEADER_SIZE, type Message, Splitter, typeNumber, WATCH_EVENT } from "./message.ts";
import type { Stage } from "./play.ts";
import type { Transcript } from "./transcript.ts";

const FENCE_ID = 0xfe4ce;
const PAYLOAD_MAX = 4096;

type Client = {
  socket: net.Socket;
  splitter: Splitter;
  messages: Message[];
  closed: boolean;
  /** Bytes of the message that was begun and not ended; more than a header that is no good. */
  open: Buffer;
  /** Whole messages sent whose reply has not come. */
  owed: number;
  ending: boolean;
  wake: () => void;
};

/** Can a transcript be played over sockets alone? */
export function isForSockets(transcript: Transcript): boolean {
  return transcript.lines.every((line) => {
    if (line.kind === "host") return /^\S+ (disconnects|closes its writing side)$/.test(line.words);
    return !/^dom[1-9]/.test(line.conn);
  });
}

/** A daemon behind `path`, and behind `path` with "_ro" for connections named ro. */
export class SocketStage implements Stage {
  readonly #path: string;
  #clients = new Map<string, Client>();

  constructor(path: string) {
    this.#path = path;
  }

  async send(name: string, bytes: Uint8Array): Promise<void> {
    const client = await this.#open(name);
    const { rest, count } = follow(client.open, bytes);
    client.open = rest;
    client.owed += count;
    client.socket.write(bytes);
  }

  async host(words: string): Promise<void> {
    const [name, ...rest] = words.split(" ");
    const client = this.#clients.get(name);
    if (client === undefined) throw new Error(`there is no connection ${name}`);
    if (rest[0] === "closes") {
      client.ending = true;
      client.socket.end();
      return;
    }
    this.#clients.delete(name);
    client.socket.destroy();
    await once(client.socket, "close");
  }

  async collect(): Promise<Map<string, Received>> {
    const news = new Map<string, Received>();
    for (const client of this.#clients.values()) await this.#settle(client);
    // What one connection's last request did to another came before its fence; once more for those
    // that were looked at too early.
    for (const client of this.#clients.values()) await this.#settle(client);
    for (const [name, client] of this.#clients) {
      const { messages, closed } = client;
      if (messages.length > 0 || closed) news.set(name, { messages, closed });
      client.messages = [];
      if (closed) this.#clients.delete(name);
    }
    return news;
  }

  close(): void {
    for (const client of this.#clients.values()) client.socket.destroy();
    this.#clients.clear();
  }

  /** Waits until nothing more can come on a connection. */
  async #settle(client: Client): Promise<void> {
    if (client.closed) return;
    if (client.ending || tooLong(client.open)) {
      while (!client.closed) await this.#news(client);
      return;
    }
    // A fence would be taken for the rest of what was begun; the replies can be counted.
    if (client.open.length > 0) {
      while (client.owed > 0 && !client.closed) await this.#news(client);
      return;
    }
    const type = typeNumber("GET_DOMAIN_PATH");
    client.socket.write(encode({ type, reqId: FENCE_ID, txId: 0, payload: "0\0" }));
    for (;;) {
      const at = client.messages.findIndex((message) => message.reqId === FENCE_ID);
      if (at >= 0) {
        client.messages.splice(at, 1);
        return;
      }
      if (client.closed) return;
      await this.#news(client);
    }
  }

  #news(client: Client): Promise<void> {
    return new Promise((resolve) => {
      client.wake = resolve;
    });
  }

  async #open(name: string): Promise<Client> {
    const known = this.#clients.get(name);
    if (known !== undefined) return known;
    const socket = net.connect(name.startsWith("ro") ? `${this.#path}_ro` : this.#path);
    const client: Client = {
      socket,
      splitter: new Splitter(),
      messages: [],
      closed: false,
      open: Buffer.alloc(0),
      owed: 0,
      ending: false,
      wake: () => {},
    };
    socket.on("data", (bytes) => {
      const messages = client.splitter.push(bytes);
      client.messages.push(...messages);
      client.owed -= messages.filter(({ type, reqId }) => {
        return type !== WATCH_EVENT && reqId !== FENCE_ID;
      }).length;
      client.wake();
    });
    const end = () => {
      client.closed = true;
      client.wake();
    };
    socket.on("end", end).on("close", end).on("error", end);
    this.#clients.set(name, client);
    await once(socket, "connect");
    return client;
  }
}

/** What is left of a stream of messages behind its last whole one, and how many came before. */
function follow(open: Buffer, bytes: Uint8Array): { rest: Buffer; count: number } {
  let rest = Buffer.concat([open, bytes]);
  let count = 0;
  while (rest.length >= HEADER_SIZE && !tooLong(rest)) {
    const end = HEADER_SIZE + rest.readUInt32LE(12);
    if (end > rest.length) break;
    rest = rest.subarray(end);
    count += 1;
  }
  return { rest, count };
}

function tooLong(open: Buffer): boolean {
  return open.length >= HEADER_SIZE && open.readUInt32LE(12) > PAYLOAD_MAX;
}
