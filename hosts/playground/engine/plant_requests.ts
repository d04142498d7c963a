// Plant requests: the requests that make a new store hold what a mirror has.
// Holds   what every store begins with.
// Never   asks for what would change nothing: permissions are inherited where they are alike.
// Source  the XenStore protocol, WRITE and SET_PERMS.

import { strings, XS_SET_PERMS, XS_WRITE } from "../../entry/wire.ts";
import type { Mirror } from "./mirror.ts";

export interface PlantRequest {
  readonly type: number;
  readonly path: string;
  readonly payload: Uint8Array;
}

/** Nodes that are there, without a value. */
const THERE: readonly string[] = ["/", "/tool", "/tool/xenstored"];

/** In their order, parents first. */
export function* plantRequests(mirror: Mirror): Generator<PlantRequest> {
  for (const [path, perms] of mirror.special) yield setPerms(path, perms);
  for (const node of mirror.walk()) {
    const path = node.path();
    if (node.value.length > 0 || !THERE.includes(path)) {
      yield { type: XS_WRITE, path, payload: writePayload(path, node.value) };
    }
    // A node that domain 0 makes has its parent's permissions.
    if (node.perms !== (node.parent?.perms ?? "n0")) yield setPerms(path, node.perms);
  }
}

/** The payload of a WRITE: what follows the path is the value, to the end. */
export function writePayload(path: string, value: Uint8Array): Uint8Array {
  const head = strings(path);
  const payload = new Uint8Array(head.length + value.length);
  payload.set(head);
  payload.set(value, head.length);
  return payload;
}

function setPerms(path: string, perms: string): PlantRequest {
  return { type: XS_SET_PERMS, path, payload: strings(path, ...perms.split(" ")) };
}
