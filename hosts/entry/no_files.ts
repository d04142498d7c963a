// No files: what needs sockets, devices or folders, by name, where there are none.
// Holds   what to use instead.
// Never   does anything else than to say so.
// Source  our own.

import { ConnectError } from "../client/errors.ts";
import type { Storage } from "../shared/storage.ts";
import type { Places } from "./connect.ts";

/** See the entry for Node. */
export async function fileStorage(_folder: string): Promise<Storage> {
  throw new Error("fileStorage: a page has no folders; use opfsStorage or a MemoryStorage here");
}

export const page: Places = {
  machine() {
    const why = "a page has no store of its own; give it a port, a WebSocket or its address";
    throw new ConnectError("ENXIO", why, { op: "connect" });
  },
  file(path) {
    const why = "a page opens no sockets and devices; give it a port, a WebSocket or its address";
    throw new ConnectError("EOPNOTSUPP", why, { op: "connect", path });
  },
};
