// Floor: a server without a store that gives every request the same answer.
// Holds   an epoll loop over the system calls, one process.
// Never   looks at a path: what it costs is what any daemon must pay.
// Source  the XenStore protocol, Header.

import process from "node:process";
import { XS_HEADER_SIZE, XS_READ } from "../../assembly/xs_wire.ts";
import type { Memory, System } from "./system.ts";

const IN_SIZE = 65536 + 8192;
const OUT_SIZE = 1 << 20;

/** Serves the socket `path` until the process is ended. */
export function serveFixedAnswers(system: System, path: string): never {
  const listener = system.listener(path);
  const poller = system.poller();
  const rest = new Map<number, Buffer>();
  const input = system.memory(IN_SIZE);
  const output = system.memory(OUT_SIZE);
  poller.add(listener);
  process.stdout.write("listening\n");
  for (;;) {
    const count = poller.wait(-1);
    for (let i = 0; i < count; i++) {
      const fd = poller.ready(i);
      if (fd === listener) poller.add(system.accept(listener));
      else if (!serve(system, fd, input, output, rest)) system.close(fd);
    }
  }
}

/** Answers what came in on one socket. @returns false when it was closed */
function serve(
  system: System,
  fd: number,
  input: Memory,
  output: Memory,
  rest: Map<number, Buffer>,
): boolean {
  const before = rest.get(fd)?.copy(input.bytes) ?? 0;
  if (before) rest.delete(fd);
  const came = system.recv(fd, input.address + before, IN_SIZE - before, 0);
  if (came <= 0) return false;
  const end = before + came;
  let at = 0;
  let out = 0;
  while (end - at >= XS_HEADER_SIZE) {
    const len = input.view.getUint32(at + 12, true);
    if (end - at < XS_HEADER_SIZE + len) break;
    for (let i = 0; i < 12; i += 4) {
      output.view.setUint32(out + i, input.view.getUint32(at + i, true), true);
    }
    out += answer(output, out, input.view.getUint32(at, true));
    at += XS_HEADER_SIZE + len;
  }
  if (at < end) rest.set(fd, Buffer.from(input.bytes.subarray(at, end)));
  if (out) system.send(fd, output.address, out);
  return true;
}

/** Puts length and payload behind the header at `at`. @returns bytes of the whole answer */
function answer({ bytes, view }: Memory, at: number, type: number): number {
  const payload = at + XS_HEADER_SIZE;
  if (type === XS_READ) {
    view.setUint32(at + 12, 16, true);
    for (let i = 0; i < 16; i++) bytes[payload + i] = 97 + i;
    return XS_HEADER_SIZE + 16;
  }
  view.setUint32(at + 12, 3, true);
  bytes[payload] = 79;
  bytes[payload + 1] = 75;
  bytes[payload + 2] = 0;
  return XS_HEADER_SIZE + 3;
}
