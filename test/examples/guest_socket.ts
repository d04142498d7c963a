// Guest socket: a Unix socket behind which one speaks as a guest, as at /dev/xen/xenbus in it.
// Holds   the connections there are.
// Never   looks into what goes through.
// Source  our own; the XenStore protocol, Clients, Device files.

import net from "node:net";
import type { Store } from "../../hosts/embed/api.ts";

/** Opens one. The domain must be known to the store. Returns what closes it. */
export async function openGuestSocket(
  store: Store,
  domid: number,
  path: string,
): Promise<() => void> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    const stream = store.stream({ domid });
    sockets.add(socket);
    stream.start({
      data: (bytes) => void socket.write(bytes.slice()),
      drain() {},
      end: () => socket.destroy(),
    });
    socket.on("data", (bytes) => stream.write(Uint8Array.from(bytes)));
    socket.on("close", () => {
      sockets.delete(socket);
      stream.close();
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
}
