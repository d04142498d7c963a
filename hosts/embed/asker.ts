// Asker: a conversation with a store in the same process in which each reply is there at once.
// Holds   one connection, and the replies of the call that is under way.
// Never   asks what takes the host longer than a call: such a request has no reply here.
// Source  the XenStore protocol, Header.

import { CONN_SOCKET } from "../../assembly/abi.ts";
import { XS_ERROR, XS_HEADER_SIZE } from "../../assembly/xs_wire.ts";
import { nameOnTheWire, XenstoreError } from "../shared/errors.ts";
import type { Server } from "../shared/server.ts";
import { encodeMessage, firstString, type Message, MessageReader, toText } from "../shared/wire.ts";

export class Asker {
  #server: Server;
  #conn: number;
  #reader = new MessageReader();
  #reply: Message | null = null;

  /** Connects as a privileged program. Throws ENOMEM when the core has no room. */
  constructor(server: Server) {
    this.#server = server;
    const send = (bytes: Uint8Array) => this.#send(bytes);
    this.#conn = server.connect({ send, pause() {}, close() {} }, CONN_SOCKET);
    if (!this.#conn) throw new XenstoreError("ENOMEM", { op: "connect" });
  }

  /**
   * Sends one request; must not be called by what the server calls itself.
   * @returns the payload of the reply, a copy
   * @throws  XenstoreError, with the store's code
   */
  ask(type: number, payload: Uint8Array, place: { op: string; path?: string }): Uint8Array {
    const server = this.#server;
    const bytes = encodeMessage({ type, reqId: 1, txId: 0, payload });
    this.#reply = null;
    server.begin();
    server.core.input(XS_HEADER_SIZE + payload.length).set(bytes);
    server.received(this.#conn, bytes.length);
    server.settle();
    // Read behind a call that has set it.
    const reply = this.#reply as Message | null;
    if (!reply) throw new XenstoreError("EBUSY", place);
    if (reply.type === XS_ERROR) {
      throw new XenstoreError(nameOnTheWire(toText(firstString(reply.payload))), place);
    }
    return reply.payload;
  }

  close(): void {
    this.#server.closed(this.#conn);
  }

  #send(bytes: Uint8Array): number {
    for (const message of this.#reader.push(bytes.slice())) this.#reply = message;
    return bytes.length;
  }
}
