// Serve: what tests take of serve.mjs, for the compiler.
// Holds   a declaration.
// Never   says more than the tests need.
// Source  serve.mjs.

import type { Server } from "node:http";

/** A server of the folder's files; it does not listen yet. */
export function serverOf(folder: string): Server;
