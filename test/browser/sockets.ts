// Sockets: a store of Node behind a WebSocket, for pages.
// Holds   the server, the store, the sockets that are open.
// Never   leaves the machine: it listens on loopback.
// Source  our own; the package ws.

import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { SocketLike } from "../../hosts/client/socket_like.ts";
import { serve } from "../../hosts/embed/serve.ts";
import { createStore } from "../../hosts/embed/store.ts";
import { wasmModule } from "../core.ts";
import { importTool } from "../runtimes/install.ts";

interface WsModule {
  readonly WebSocketServer: new (
    options: object,
  ) => {
    handleUpgrade(
      request: http.IncomingMessage,
      socket: Duplex,
      head: Buffer,
      call: (socket: SocketLike) => void,
    ): void;
  };
}

/** Serves a store; `?domid=7` in the address stands for a domain. */
export async function serveOverWebSocket(): Promise<{ url: string; close(): Promise<void> }> {
  const { WebSocketServer } = await importTool<WsModule>("ws");
  const store = await createStore({ module: wasmModule() });
  const sockets = new WebSocketServer({ noServer: true });
  const server = http.createServer();
  server.on("upgrade", async (request, socket, head) => {
    const domid = Number(new URL(request.url as string, "http://x").searchParams.get("domid"));
    if (domid !== 0) await (await store.asDomain(domid)).close();
    sockets.handleUpgrade(request, socket, head, (opened) => serve(store, opened, { domid }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    await store.close();
    server.closeAllConnections();
    server.close();
  };
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/store`, close };
}
