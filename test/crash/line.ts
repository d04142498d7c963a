// Line: messages to a store and back, over a socket or a ring.
// Holds   the types, and the line of a socket.
// Never   knows what a message means, and never connects again.
// Source  our own.

import { once } from "node:events";
import net from "node:net";
import { type Message, Splitter } from "../message.ts";

export interface Line {
  send(bytes: Uint8Array): void;
  /** Begins to tell what comes. `lost`: nothing comes any more; a ring never says so. */
  listen(came: (message: Message) => void, lost: () => void): void;
  close(): void;
}

export class SocketLine implements Line {
  #socket: net.Socket;
  #splitter = new Splitter();

  private constructor(socket: net.Socket) {
    this.#socket = socket;
  }

  /** Connects; rejects with the system's error. */
  static async open(path: string): Promise<SocketLine> {
    const socket = net.connect(path);
    await once(socket, "connect");
    return new SocketLine(socket);
  }

  listen(came: (message: Message) => void, lost: () => void): void {
    this.#socket.on("error", () => {});
    this.#socket.on("close", lost);
    this.#socket.on("data", (bytes) => {
      for (const message of this.#splitter.push(bytes)) came(message);
    });
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  close(): void {
    this.#socket.destroy();
  }
}
