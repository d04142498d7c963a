// Serve: lets others use a store over a MessagePort or a WebSocket.
// Holds   nothing: each connection holds itself until either end is gone.
// Never   trusts the other end: it may do what its domain may, and what it sends is checked.
// Source  our own.

import type { PortLike } from "../client/port_channel.ts";
import type { SocketLike } from "../client/socket_like.ts";
import type { ByteStream } from "../shared/byte_stream.ts";
import { servePort } from "./serve_port.ts";
import { serveSocket } from "./serve_socket.ts";

/** Whose connection it is. */
export interface ServeOptions {
  /** The domain whose rights and limits it has (0: everything is allowed); the store knows it. */
  readonly domid?: number | undefined;
  /** It may not change anything: EROFS (false). */
  readonly readOnly?: boolean | undefined;
}

/** What opens connections: a Store of `createStore`. */
export interface Streams {
  stream(options: ServeOptions): ByteStream;
}

/**
 * Serves one client at the other end of a port: the end of `portTransport` or `webSocketTransport`.
 * Who has the other end may do everything that `options` allow, so a port that strangers can reach
 * needs a domain, or `readOnly`; a WebSocket server also has to look at the request's Origin.
 *
 *     new WebSocketServer({ port, verifyClient }).on("connection", (socket) => {
 *       serve(store, socket, { domid: 7 });          // Node, with the package ws
 *     });
 *     const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "xenstore" });
 *     serve(store, socket, { readOnly: true });      // Deno
 *
 * @param port  a MessagePort, a dedicated Worker or its scope, a BroadcastChannel that only two
 *              use; or a WebSocket, open or about to be, that nobody else listens to. A port that
 *              can be closed is closed with the connection.
 * @returns     hangs up
 */
export function serve(
  store: Streams,
  port: PortLike | SocketLike,
  options: ServeOptions = {},
): () => void {
  const open = () => store.stream(options);
  return "postMessage" in port ? servePort(port, open) : serveSocket(port, open);
}
