// Parts: a long directory, collected from several replies.
// Holds   the offset, the generation, and how often it begins anew.
// Never   puts names of two generations together.
// Source  the XenStore protocol, DIRECTORY_PART.

import { XS_DIRECTORY_PART } from "../../assembly/xs_wire.ts";
import { isXenstoreError, XenstoreError } from "../shared/errors.ts";
import type { AskOptions, Connection } from "./connection.ts";
import * as decode from "./decode.ts";

/** Beginnings after which a directory that keeps changing is given up. */
const BEGINNINGS = 8;
/** Bytes of names that no store has under one node. */
const SIZE_MAX = 1 << 26;

/**
 * The names of all children, of one moment; null if they changed again and again between parts.
 * Errors: E2BIG from a store that knows no parts, and those of DIRECTORY.
 */
export async function listParts(
  connection: Connection,
  path: string,
  asks: AskOptions | undefined,
): Promise<string[] | null> {
  for (let beginning = 0; beginning < BEGINNINGS; beginning++) {
    const found = await listOnce(connection, path, asks);
    if (found !== null) return found;
  }
  return null;
}

/** Null when the generation changed on the way. */
async function listOnce(
  connection: Connection,
  path: string,
  asks: AskOptions | undefined,
): Promise<string[] | null> {
  const found: string[] = [];
  let generation: string | null = null;
  for (let offset = 0; ; ) {
    const part = await askPart(connection, path, offset, asks);
    generation ??= part.generation;
    if (part.generation !== generation) return null;
    for (const name of part.names) found.push(name);
    if (part.last) return found;
    if (part.size === 0 || offset > SIZE_MAX)
      throw new XenstoreError("EPROTO", { op: "DIRECTORY_PART", path });
    offset += part.size;
  }
}

async function askPart(
  connection: Connection,
  path: string,
  offset: number,
  asks: AskOptions | undefined,
): Promise<decode.Part> {
  try {
    return await connection.ask(XS_DIRECTORY_PART, path, `${offset}\0`, decode.part, asks);
  } catch (error) {
    if (!isXenstoreError(error, "ENOSYS", "EINVAL")) throw error;
    throw new XenstoreError("E2BIG", { op: "DIRECTORY", path, cause: error });
  }
}
