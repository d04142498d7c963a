// Port stream: a client's way to a store behind a MessagePort.
// Holds   what waits until the other end takes it.
// Never   knows who is behind the port: a worker, another page, the same one.
// Source  our own; the messages are those of port_channel.ts.

import { XENSTORE_PAYLOAD_MAX } from "../../assembly/xs_wire.ts";
import type { ByteStream, StreamSink } from "../shared/byte_stream.ts";
import type { XenstoreError } from "../shared/errors.ts";
import { ConnectError } from "./errors.ts";
import { ownLife } from "./life.ts";
import { PortChannel, type PortLike, type PortOptions } from "./port_channel.ts";
import type { Transport } from "./transport.ts";

export type { PortLike } from "./port_channel.ts";

/** Finds or makes a port for each connection. Rejects when there can be none. */
export type PortSource = (signal: AbortSignal) => PortLike | Promise<PortLike>;

export interface PortTransportOptions {
  /** Where it leads, for people (`port`). */
  readonly name?: string | undefined;
  /**
   * The other end is certainly a page or worker of the same origin, as behind a BroadcastChannel:
   * then its end is noticed even if that came before this end could look (false).
   */
  readonly sameOrigin?: boolean | undefined;
}

/**
 * A transport over a port whose other end was given to `serve`. A port carries one connection and
 * is closed with it; with a function, which finds a port for each connection, a client that lost
 * its connection makes it again.
 * @throws (when it is opened) ConnectError: the port was used before, or nobody serves it
 */
export function portTransport(
  port: PortLike | PortSource,
  options: PortTransportOptions = {},
): Transport {
  const again = typeof port === "function";
  const source = again ? port : once(port);
  const name = options.name ?? "port";
  return {
    name,
    reconnects: again,
    open: async (signal) => {
      const life = await ownLife();
      const found = await source(signal);
      if (signal.aborted) {
        found.close?.();
        throw signal.reason;
      }
      const sure = options.sameOrigin === true;
      return openPort(found, { role: "client", life, sure }, name, signal);
    },
  };
}

function once(port: PortLike): PortSource {
  let used = false;
  return () => {
    if (used) {
      throw new ConnectError("ENXIO", "a port carries one connection; send another one");
    }
    used = true;
    return port;
  };
}

/** Greets the other end and waits until it answers. */
function openPort(
  port: PortLike,
  options: PortOptions,
  name: string,
  signal: AbortSignal,
): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    const stream = new PortStream(port, options);
    const settle = () => signal.removeEventListener("abort", abort);
    const abort = () => {
      stream.close();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort);
    stream.greet(
      () => {
        settle();
        resolve(stream);
      },
      (error) => {
        settle();
        const why = error ? `${name}: ${error.message}` : `${name}: was closed by the other end`;
        reject(new ConnectError("ECONNREFUSED", why, { op: "connect", cause: error }));
      },
    );
  });
}

class PortStream implements ByteStream {
  readonly payloadMax = XENSTORE_PAYLOAD_MAX;
  readonly passesDepth = true;
  #channel: PortChannel;
  #sink: StreamSink | null = null;
  /** Runs of messages of which the first has not left, or not as a whole. */
  #waiting: Uint8Array[] = [];
  #opened = () => {};
  #failed: (error?: XenstoreError) => void = () => {};
  /** It ended before anybody listened. */
  #ended: { error: XenstoreError | undefined } | null = null;

  constructor(port: PortLike, options: PortOptions) {
    const events = {
      hello: () => this.#opened(),
      data: (bytes: Uint8Array) => this.#data(bytes),
      room: () => this.#room(),
      end: (error?: XenstoreError) => this.#end(error),
    };
    this.#channel = new PortChannel(port, events, options);
    // Whatever comes before `start` waits.
    this.#channel.pause(true);
  }

  /** Calls one of the two, once. */
  greet(opened: () => void, failed: (error?: XenstoreError) => void): void {
    this.#opened = opened;
    this.#failed = failed;
    this.#channel.greet();
  }

  start(sink: StreamSink): void {
    this.#sink = sink;
    this.#channel.pause(false);
    const ended = this.#ended;
    if (ended) queueMicrotask(() => this.#sink?.end(ended.error));
  }

  write(messages: Uint8Array): boolean {
    this.#waiting.push(messages);
    return this.#waiting.length === 1 && this.#sendAll();
  }

  pause(paused: boolean): void {
    this.#channel.pause(paused);
  }

  close(): void {
    this.#sink = null;
    this.#waiting = [];
    this.#channel.close();
  }

  #data(bytes: Uint8Array): number {
    this.#sink?.data(bytes);
    return bytes.length;
  }

  #room(): void {
    if (this.#sendAll()) this.#sink?.drain();
  }

  /** Sends what waits, as far as the other end takes it. */
  #sendAll(): boolean {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      // What was sent as a whole is gone: it was handed over.
      const { length } = next;
      const sent = this.#channel.send(next, true);
      if (sent < length) {
        this.#waiting[0] = next.subarray(sent);
        return false;
      }
      this.#waiting.shift();
    }
    return true;
  }

  #end(error?: XenstoreError): void {
    this.#waiting = [];
    this.#ended = { error };
    if (this.#sink) this.#sink.end(error);
    else this.#failed(error);
  }
}
