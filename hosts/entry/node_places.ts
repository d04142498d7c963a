// Node places: how Node, Bun and Deno reach a store outside of the program.
// Holds   which transport goes with which address.
// Never   opens anything.
// Source  our own.

import {
  deviceTransport,
  pathTransport,
  socketTransport,
  storeTransport,
} from "../node/client_transport.ts";
import type { Places } from "./connect.ts";

const TRANSPORTS = { unix: socketTransport, device: deviceTransport };

export const node: Places = {
  machine: () => storeTransport(),
  file: (path, kind) => (kind === null ? pathTransport(path) : TRANSPORTS[kind](path)),
};
