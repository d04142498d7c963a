// Hostile: stores that lie; each ends the connection with words for what came.
// Holds   every lie, over a stream in memory and over a Unix socket.
// Never   waits for a time of its own: limits are the client's.
// Source  the XenStore protocol, Header; Clients, Behaviour.

import { afterEach, describe, expect, it, vi } from "vitest";
import { ConnectionLostError, ProtocolError } from "../../hosts/client/errors.ts";
import { encodeMessage } from "../../hosts/shared/wire.ts";
import { connect, outcome } from "./line.ts";
import { type Front, memoryFront, type Peer, payload, socketFront } from "./raw.ts";

let front: Front;
afterEach(() => front.close());

const READ = 2;
const WRITE = 11;
const EVENT = 15;
const ERROR = 16;

/** A header with any words in it, and bytes behind it. */
function raw(type: number, reqId: number, txId: number, len: number, text = ""): Uint8Array {
  const bytes = new Uint8Array(16 + text.length);
  new Uint32Array(bytes.buffer, 0, 4).set([type, reqId, txId, len]);
  bytes.set(payload(text), 16);
  return bytes;
}

/** What the store does with the first of two requests, and what the error must tell. */
const LIES: readonly [lie: string, tell: (peer: Peer) => void, told: RegExp][] = [
  [
    "an id that nobody asked with",
    (peer) => peer.reply(peer.requests[0], "v", { reqId: 77 }),
    /a reply to no request of ours \(type 2 READ, req_id 77, tx_id 0, length 1, payload 76\)/,
  ],
  [
    "the id of the next request, which has not been made yet",
    (peer) => peer.reply(peer.requests[0], "v", { reqId: peer.requests[1].reqId + 1 }),
    /a reply to no request of ours/,
  ],
  [
    "the same reply twice",
    (peer) => {
      peer.reply(peer.requests[0], "v");
      peer.reply(peer.requests[0], "v");
    },
    /a reply to no request of ours/,
  ],
  [
    "the id 0",
    (peer) => peer.reply(peer.requests[0], "v", { reqId: 0 }),
    /a reply to no request of ours/,
  ],
  [
    "a reply of another type",
    (peer) => peer.reply(peer.requests[0], "OK|", { type: WRITE }),
    /a reply of another type to READ \/a \(type 11 WRITE, req_id 1, .* payload 4f 4b 00\)/,
  ],
  [
    "a length above 4096",
    (peer) => peer.send(raw(READ, 1, 0, 4097, "abc")),
    /a message of 4097 bytes, above the most of 4096 \(type 2 READ, req_id 1/,
  ],
  [
    "the greatest length there is",
    (peer) => peer.send(raw(READ, 1, 0, 0xffff_ffff)),
    /a message of 4294967295 bytes/,
  ],
  [
    "a type that does not exist",
    (peer) => peer.send(raw(27, 1, 0, 0)),
    /a message of the unknown type 27/,
  ],
  [
    "a type with bits far above",
    (peer) => peer.send(raw(0x0200_0002, 1, 0, 0)),
    /a message of the unknown type 33554434/,
  ],
  [
    "text that is no message",
    (peer) => peer.send(payload("HTTP/1.1 400 Bad Request, go away")),
    /a message of .* \(type 1347703880, req_id /,
  ],
  [
    "an ERROR that is no name",
    (peer) => peer.reply(peer.requests[0], "\x01\x02|", { type: ERROR }),
    /an ERROR whose payload is no error name \(type 16 ERROR, .* payload 01 02 00\)/,
  ],
  [
    "an ERROR without a payload",
    (peer) => peer.reply(peer.requests[0], "", { type: ERROR }),
    /an ERROR whose payload is no error name \(.* payload empty\)/,
  ],
  [
    "an event of one string",
    (peer) => peer.event("/a|"),
    /a WATCH_EVENT that is not two strings \(type 15 WATCH_EVENT.* payload 2f 61 00\)/,
  ],
  ["an event of three strings", (peer) => peer.event("/a|t|3|"), /not two strings/],
  ["an event without its last NUL", (peer) => peer.event("/a|t"), /not two strings/],
  ["an event without a NUL", (peer) => peer.event("/a"), /not two strings/],
  ["an empty event", (peer) => peer.event(""), /not two strings/],
  [
    "half a header, and the end",
    (peer) => {
      peer.send(raw(READ, 1, 0, 1).subarray(0, 7));
      peer.hangUp();
    },
    /hung up behind 7 bytes of a header \(02 00 00 00 01 00 00\)/,
  ],
  [
    "half a message, and the end",
    (peer) => {
      peer.send(raw(READ, 1, 0, 10, "abc"));
      peer.hangUp();
    },
    /hung up behind 19 of the 26 bytes of a message \(type 2 READ, .* payload 61 62 63\)/,
  ],
  [
    "half a message, and then nothing",
    (peer) => peer.send(raw(EVENT, 0, 0, 10, "abc")),
    /19 of the 26 bytes of a message/,
  ],
];

const FRONTS: [string, () => Front | Promise<Front>][] = [
  ["in memory", memoryFront],
  ["over a Unix socket", socketFront],
];

describe.each(FRONTS)("a store that lies, %s", (_where, open) => {
  it.each(LIES)("ends the connection with words for %s", async (_lie, tell, told) => {
    front = await open();
    const { line, peer } = await connect(front, { reconnect: false, requestTimeout: 200 });
    const asked = [outcome(line.read("/a")), outcome(line.write("/b", "v"))];
    await peer.requested(2);
    tell(peer);
    const error = await line.connection.closed;
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect(error?.message).toMatch(told);
    const results = await Promise.all(asked);
    for (const result of results.slice(results[0] === "v" ? 1 : 0)) {
      expect(result).toBeInstanceOf(ConnectionLostError);
      expect(result).toMatchObject({ sent: true });
      expect((result as Error).message).toMatch(told);
    }
    expect(results[1]).toMatchObject({ op: "WRITE", path: "/b" });
    expect(line.ends).toEqual([error]);
    await peer.hungUp();
    await expect(line.read("/a")).rejects.toMatchObject({
      sent: false,
      code: expect.stringMatching(/^(EPROTO|ETIMEDOUT)$/),
    });
  });

  it("ends the connection when it is silent for too long", async () => {
    front = await open();
    const { line, peer } = await connect(front, { reconnect: false, requestTimeout: 50 });
    await expect(line.read("/a")).rejects.toMatchObject({ code: "ETIMEDOUT", sent: true });
    const error = await line.connection.closed;
    expect(error).toMatchObject({ code: "ETIMEDOUT" });
    expect(error?.message).toMatch(/no reply to READ \/a came from .* within 50 ms/);
    await peer.hungUp();
  });

  it("ends the connection when it is silent for half a minute, if nothing else was asked for", async () => {
    // The socket's own machinery needs the real clock; in memory there is none.
    if (open !== memoryFront) return;
    front = await open();
    const { line, peer } = await connect(front, { reconnect: false });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    try {
      await vi.advanceTimersByTimeAsync(1);
      const asked = outcome(line.read("/a"));
      await peer.requested(1);
      await vi.advanceTimersByTimeAsync(29_000);
      expect(line.connection.state).toBe("connected");
      await vi.advanceTimersByTimeAsync(2_000);
      expect(await asked).toMatchObject({ code: "ETIMEDOUT", sent: true });
    } finally {
      vi.useRealTimers();
    }
  });

  it("is not believed to the last byte of an acknowledgement, nor to an unknown error", async () => {
    front = await open();
    const { line, peer } = await connect(front);
    const asked = [
      outcome(line.write("/a", "v")),
      outcome(line.read("/b")),
      outcome(line.read("/c")),
    ];
    const [write, unknown, bare] = await peer.requested(3);
    peer.reply(write, "OK|\xde\xad\xbe\xef\x01");
    peer.reply(unknown, "ENOTHINGLIKETHAT|", { type: ERROR });
    peer.reply(bare, "ENOENT", { type: ERROR });
    expect(await asked[0]).toBeUndefined();
    expect(await asked[1]).toMatchObject({ code: "EINVAL", op: "READ", path: "/b" });
    expect(await asked[2]).toMatchObject({ code: "ENOENT", op: "READ", path: "/c" });
    expect(line.connection.state).toBe("connected");
    await line.connection.close();
  });

  it("does not disturb those that were answered before, in the same piece", async () => {
    front = await open();
    const { line, peer } = await connect(front, { reconnect: false });
    const asked = [line.read("/a"), outcome(line.read("/b"))];
    const [first, second] = await peer.requested(2);
    const good = encodeMessage({ ...first, payload: payload("fine") });
    const bad = encodeMessage({ ...second, type: WRITE, payload: payload("OK|") });
    const both = new Uint8Array(good.length + bad.length);
    both.set(good);
    both.set(bad, good.length);
    peer.send(both);
    expect(await asked[0]).toBe("fine");
    expect(await asked[1]).toBeInstanceOf(ProtocolError);
  });

  it("is left for another link where connections are made again", async () => {
    front = await open();
    const { line, peer } = await connect(front, { reconnect: { backoff: () => 0 } });
    const asked = outcome(line.read("/a"));
    await peer.requested(1);
    peer.send(raw(99, 0, 0, 0));
    expect(await asked).toBeInstanceOf(ProtocolError);
    const next = await front.accept();
    const again = line.read("/a");
    const [request] = await next.requested(1);
    next.reply(request, "v");
    expect(await again).toBe("v");
    await line.connection.close();
  });
});

it("whatever bytes come, the connection ends or goes on, and nothing hangs", async () => {
  front = memoryFront();
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (seed >>> 8) % below;
  };
  let ended = 0;
  for (let run = 0; run < 300; run++) {
    const { line, peer } = await connect(front, { reconnect: false });
    const asked = [outcome(line.read("/a")), outcome(line.write("/b", "v"))];
    const [first] = await peer.requested(2);
    const bytes = encodeMessage({ ...first, payload: payload("value") });
    const many = random(3) + 1;
    for (let i = 0; i < many; i++) bytes[random(bytes.length)] = random(256);
    const at = random(bytes.length);
    peer.send(bytes.subarray(0, at));
    peer.send(bytes.subarray(at));
    peer.hangUp();
    const results = await Promise.all(asked);
    for (const result of results) {
      if (typeof result !== "string") expect(result).toHaveProperty("code");
    }
    const error = await line.connection.closed;
    expect(error).toBeInstanceOf(ConnectionLostError);
    if (error instanceof ProtocolError) ended++;
  }
  expect(ended).toBeGreaterThan(100);
});
