// Breaking: a transport whose connection can be broken, as a store that goes away breaks it.
// Holds   how to break the stream that was opened last.
// Never   changes what goes through.
// Source  our own.

import type { Transport } from "../../hosts/client/transport.ts";
import type { ByteStream, StreamSink } from "../../hosts/shared/byte_stream.ts";

/** A transport around another one; `cut` ends the stream that was opened last. */
export class BreakingTransport implements Transport {
  readonly name: string;
  readonly reconnects: boolean;
  readonly #inner: Transport;
  #break: () => void = () => {};

  constructor(inner: Transport) {
    this.#inner = inner;
    this.name = inner.name;
    this.reconnects = inner.reconnects;
  }

  async open(signal: AbortSignal): Promise<ByteStream> {
    const stream = await this.#inner.open(signal);
    let sink: StreamSink | null = null;
    this.#break = () => {
      stream.close();
      sink?.end();
    };
    return {
      payloadMax: stream.payloadMax,
      passesDepth: stream.passesDepth,
      borrows: stream.borrows ?? false,
      start: (given) => {
        sink = given;
        stream.start(given);
      },
      write: (messages) => stream.write(messages),
      pause: (paused) => stream.pause(paused),
      close: () => stream.close(),
    };
  }

  cut(): void {
    this.#break();
  }
}
