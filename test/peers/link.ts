// Links: one end of a conversation with a running daemon, over its socket or a ring.
// Holds   the messages that came in and were not taken yet, and who waits for more.
// Never   interprets a payload, and never gives up waiting: a lost peer ends the wait.
// Source  the XenStore protocol, header; test/message.ts codes it.

import net from "node:net";
import { encode, type Message, Splitter, WATCH_EVENT } from "../message.ts";

/** What was told to a link when its other end went away. */
export class LinkClosed extends Error {}

/** A conversation. Subclasses move bytes; this class keeps what came in. */
export abstract class Link {
  #splitter = new Splitter();
  #inbox: Message[] = [];
  #closed = false;
  #wake: (() => void) | null = null;

  abstract write(bytes: Uint8Array): void;
  /** Lets go of everything; the peer sees the end of the conversation. */
  abstract close(): void;

  send(message: Message, len?: number): void {
    this.write(encode(message, len));
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Takes everything that has come in so far. */
  take(): Message[] {
    const taken = this.#inbox;
    this.#inbox = [];
    return taken;
  }

  /**
   * Waits for the reply with this request id and takes it with all that came before it.
   * @returns messages in order of arrival, the reply last
   * @throws  LinkClosed when the peer hangs up first; what came before that stays in the inbox
   */
  async until(reqId: number): Promise<Message[]> {
    for (let at = 0; ; ) {
      for (; at < this.#inbox.length; at++) {
        const message = this.#inbox[at];
        if (message.type === WATCH_EVENT || message.reqId !== reqId) continue;
        return this.#inbox.splice(0, at + 1);
      }
      if (this.#closed) throw new LinkClosed("the peer hung up");
      await this.#more();
    }
  }

  /** Waits until the peer hangs up and takes what came before. */
  async untilClosed(): Promise<Message[]> {
    while (!this.#closed) await this.#more();
    return this.take();
  }

  protected came(bytes: Uint8Array): void {
    const messages = this.#splitter.push(bytes);
    if (messages.length === 0) return;
    this.#inbox.push(...messages);
    this.#wake?.();
  }

  protected ended(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** Forgets half a message: the peer has begun anew. */
  protected restarted(): void {
    this.#splitter = new Splitter();
  }

  #more(): Promise<void> {
    return new Promise((done) => {
      this.#wake = () => {
        this.#wake = null;
        done();
      };
    });
  }
}

/** A link over a Unix socket: the caller is the domain that the daemon runs in. */
export class SocketLink extends Link {
  readonly #socket: net.Socket;

  constructor(socket: net.Socket) {
    super();
    this.#socket = socket;
    socket.on("data", (bytes) => this.came(bytes));
    socket.on("error", () => this.ended());
    socket.on("close", () => this.ended());
  }

  static open(path: string): Promise<SocketLink> {
    return new Promise((done, fail) => {
      const socket = net.connect(path);
      socket.once("error", fail);
      socket.once("connect", () => {
        socket.off("error", fail);
        done(new SocketLink(socket));
      });
    });
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Closes the writing side only. */
  endInput(): void {
    this.#socket.end();
  }

  close(): void {
    this.#socket.destroy();
  }
}
