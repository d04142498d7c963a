// Serve port: a connection to a store, carried over a MessagePort.
// Holds   the connection, and what it sent that the other end does not take yet.
// Never   takes more from the store while that waits, nor more from the port than the store takes.
// Source  our own; the messages are those of hosts/client/port_channel.ts.

import { ownLife } from "../client/life.ts";
import { PortChannel, type PortLike } from "../client/port_channel.ts";
import type { ByteStream, StreamSink } from "../shared/byte_stream.ts";
import { XenstoreError } from "../shared/errors.ts";

export interface ServePortOptions {
  /** The other end is certainly of the same origin (false); see life.ts. */
  readonly sure?: boolean;
  /** The name of the own life, where it is known: then the port is listened to at once. */
  readonly life?: string;
  /** ms after which who has not greeted is given up; never, if not given. */
  readonly greetMs?: number;
}

/**
 * Serves who greets at the other end.
 * @param open  opens a connection to the store; what it throws is told to the other end
 * @returns     hangs up
 */
export function servePort(
  port: PortLike,
  open: () => ByteStream,
  options: ServePortOptions = {},
): () => void {
  let served: ServedPort | null = null;
  let stopped = false;
  const begin = (life: string) => {
    if (stopped) port.close?.();
    else served = new ServedPort(port, open, life, options);
  };
  // A MessagePort keeps what comes until somebody listens.
  if (options.life === undefined) void ownLife().then(begin);
  else begin(options.life);
  return () => {
    stopped = true;
    served?.hangUp();
  };
}

class ServedPort implements StreamSink {
  #channel: PortChannel;
  #open: () => ByteStream;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stream: ByteStream | null = null;
  /** Sent by the store, not taken by the channel. */
  #rest = new Uint8Array(0);
  #over = false;

  constructor(port: PortLike, open: () => ByteStream, life: string, options: ServePortOptions) {
    this.#open = open;
    const { sure = false, greetMs } = options;
    if (greetMs) this.#timer = setTimeout(() => this.hangUp(), greetMs);
    const events = {
      hello: () => this.#begin(),
      data: (bytes: Uint8Array) => this.#requests(bytes),
      room: () => this.#room(),
      end: () => this.#ended(),
    };
    this.#channel = new PortChannel(port, events, {
      role: "store",
      life,
      sure,
    });
  }

  /** Ends the connection from this side. */
  hangUp(code = "", reason = ""): void {
    this.#channel.close(code, reason);
    this.#ended();
  }

  data(bytes: Uint8Array): void {
    if (this.#over) return;
    if (this.#rest.length > 0) {
      const joined = new Uint8Array(this.#rest.length + bytes.length);
      joined.set(this.#rest);
      joined.set(bytes, this.#rest.length);
      this.#rest = joined;
      return;
    }
    const sent = this.#channel.send(bytes, false);
    if (sent === bytes.length) return;
    this.#rest = bytes.slice(sent);
    this.#stream?.pause(true);
  }

  drain(): void {
    this.#channel.pause(false);
  }

  end(error?: XenstoreError): void {
    this.hangUp(error?.code, error?.message);
  }

  #begin(): void {
    clearTimeout(this.#timer);
    try {
      this.#stream = this.#open();
    } catch (error) {
      if (!(error instanceof XenstoreError)) throw error;
      this.hangUp(error.code, error.message);
      return;
    }
    this.#channel.greet();
    this.#stream.start(this);
  }

  #requests(bytes: Uint8Array): number {
    const stream = this.#stream;
    if (!stream) return bytes.length;
    const own = stream.borrows || bytes.length === bytes.buffer.byteLength;
    if (!stream.write(own ? bytes : bytes.slice())) this.#channel.pause(true);
    return bytes.length;
  }

  #room(): void {
    const sent = this.#channel.send(this.#rest, false);
    this.#rest = this.#rest.slice(sent);
    if (this.#rest.length === 0) this.#stream?.pause(false);
  }

  #ended(): void {
    if (this.#over) return;
    this.#over = true;
    this.#rest = new Uint8Array(0);
    this.#stream?.close();
    clearTimeout(this.#timer);
  }
}
