// Bytes: the same input in other pieces, and any input at all.
// Holds   cuts of a stream at every byte, two instances side by side, and random messages.
// Never   looks at what a reply means: only at when it comes and that it is the same.
// Source  the XenStore protocol, Malformed input; security, Other abuse.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Core } from "./core.ts";
import { Hub, type Received } from "./hub.ts";
import { storeProblems } from "./invariants.ts";
import { ERROR, encode, type Message, WATCH_EVENT } from "./message.ts";
import { unquote } from "./transcript.ts";

const CONVERSATION: readonly (readonly [number, string])[] = [
  [11, "/a/b|hello"],
  [4, "/a|tok|"],
  [11, "/a/b|again"],
  [11, "/a/c|more"],
  [2, "/a/b|"],
  [2, "/nope|"],
  [1, "/|"],
  [99, "junk"],
  [23, ""],
  [6, "|"],
  [13, "/tool/xenstored|"],
  [14, "/tool|n0|r3|"],
  [11, '/big|"x"*4000'],
  [2, "/big|"],
  [2, "no NUL"],
  [5, "/a|tok|"],
  [21, "|"],
];

function conversation(): Uint8Array {
  const parts = CONVERSATION.map(([type, payload], index) =>
    encode({ type, reqId: index + 1, txId: 0, payload: unquote(payload) }),
  );
  return Buffer.concat(parts);
}

function raw(core: Core, pieces: readonly Uint8Array[]): string {
  const conn = core.connect(1, 0);
  const out: Uint8Array[] = [];
  for (const piece of pieces) {
    core.receive(conn, piece);
    out.push(core.take(conn));
  }
  return Buffer.concat(out).toString("hex");
}

describe("the bytes of a stream", () => {
  const whole = conversation();
  // No event occurs twice: waiting ones that are the same would be merged in some cuts.
  const byMessage: Uint8Array[] = [];
  for (let at = 0; at < whole.length; ) {
    const end = at + 16 + Buffer.from(whole).readUInt32LE(at + 12);
    byMessage.push(whole.subarray(at, end));
    at = end;
  }
  const wanted = raw(new Core(), byMessage);

  it("give the same answer one by one", () => {
    const single = Array.from(whole, (_byte, index) => whole.subarray(index, index + 1));
    expect(raw(new Core(), single)).toBe(wanted);
  });

  it("give the same answer cut in two at every place", () => {
    for (let at = 1; at < 500; at += 1) {
      const core = new Core();
      const conn = core.connect(1, 0);
      core.receive(conn, whole.subarray(0, at));
      core.receive(conn, whole.subarray(at));
      expect(Buffer.from(core.take(conn)).toString("hex")).toBe(wanted);
    }
  });

  it("give the same answer in any pieces", () => {
    const cuts = fc.array(fc.integer({ min: 1, max: whole.length - 1 }), { maxLength: 12 });
    fc.assert(
      fc.property(cuts, (places) => {
        const sorted = [0, ...[...places].sort((a, b) => a - b), whole.length];
        const pieces = sorted.slice(1).map((end, index) => whole.subarray(sorted[index], end));
        expect(raw(new Core(), pieces)).toBe(wanted);
      }),
      { numRuns: 200, seed: 42 },
    );
  });

  it("notice a changed byte", () => {
    const changed = Buffer.from(whole);
    changed[16 + 3] ^= 2;
    expect(raw(new Core(), [changed])).not.toBe(wanted);
  });
});

/** Random numbers from a seed, so that a failing run can be repeated. */
function dice(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const WORDS = ["/", "/a", "/a/b", "a", "@releaseDomain", "/a//b", "T", "F", "n3", "r0", "3", "0"];

function randomPayload(roll: (below: number) => number): string {
  const kind = roll(4);
  let text = "";
  if (kind === 0) {
    for (let n = roll(60); n > 0; n -= 1) text += String.fromCharCode(roll(256));
    return text;
  }
  for (let n = roll(5); n > 0; n -= 1) text += WORDS[roll(WORDS.length)] + (roll(8) ? "\0" : "");
  if (kind === 1) text += "x".repeat(roll(4097 - text.length));
  return text;
}

function randomMessage(roll: (below: number) => number): Message {
  const type = roll(20) ? roll(28) : roll(2 ** 31) * 2;
  const txId = roll(3) ? 0 : roll(4);
  return { type, reqId: roll(2 ** 31), txId, payload: randomPayload(roll) };
}

const NAMES = ["dom0", "dom0b", "dom3", "dom5", "ro"];

/** Sends random messages and returns a digest of all that came back. */
function fuzz(count: number, seed: number): string {
  const roll = dice(seed);
  const hub = new Hub();
  for (const domid of ["3", "5"]) {
    hub.send("dom0", encode({ type: 8, reqId: 0, txId: 0, payload: `${domid}\x000\x005\0` }));
  }
  hub.collect();
  const sent = new Map<string, Message[]>();
  let digest = 0;
  for (let n = 0; n < count; n += 1) {
    const name = NAMES[roll(NAMES.length)];
    if (!hub.names().includes(name) && !hub.tryOpen(name)) continue;
    const message = randomMessage(roll);
    const tooLong = roll(500) === 0;
    const payload = tooLong ? "" : message.payload;
    hub.send(name, encode({ ...message, payload }, tooLong ? 4097 + roll(2 ** 31) : undefined));
    sent.set(name, [...(sent.get(name) ?? []), message]);
    hub.pass(100);
    digest = check(hub, sent, digest);
  }
  expect(storeProblems(hub)).toEqual([]);
  return digest.toString(16);
}

function check(hub: Hub, sent: Map<string, Message[]>, digest: number): number {
  let sum = digest;
  for (const [name, received] of hub.collect()) {
    for (const message of received.messages) checkReply(name, message, sent);
    for (const byte of Buffer.from(JSON.stringify(received))) sum = (sum * 31 + byte) >>> 0;
    if (received.closed) sent.delete(name);
  }
  return sum;
}

function checkReply(name: string, message: Message, sent: Map<string, Message[]>): void {
  if (message.type === WATCH_EVENT) return;
  const request = sent.get(name)?.shift();
  const got = `${name}: ${JSON.stringify(message)} for ${JSON.stringify(request)}`;
  if (request === undefined) throw new Error(`a reply without a request, ${got}`);
  if (request.reqId !== message.reqId || request.txId !== message.txId) throw new Error(got);
  if (message.type !== ERROR && message.type !== request.type) throw new Error(got);
}

describe("random messages", () => {
  const count = Number(process.env.FUZZ_MESSAGES ?? 100_000);
  const seed = Number(process.env.FUZZ_SEED ?? 42);

  it(`never end the core (${count} from seed ${seed})`, () => {
    expect(fuzz(count, seed)).not.toBe("0");
  });

  it("are answered the same by two instances", () => {
    expect(fuzz(3000, 7)).toBe(fuzz(3000, 7));
    expect(fuzz(3000, 7)).not.toBe(fuzz(3000, 8));
  });

  it("of a broken client do not reach the others", () => {
    const hub = new Hub();
    hub.open("dom0b");
    const roll = dice(5);
    for (let n = 0; n < 500; n += 1) {
      const bytes = Uint8Array.from({ length: roll(80) }, () => roll(256));
      hub.send("dom0", bytes);
      hub.send("dom0b", encode({ type: 10, reqId: n, txId: 0, payload: "3\0" }));
      const news: Received | undefined = hub.collect().get("dom0b");
      expect(news?.messages.at(-1)?.payload).toBe("/local/domain/3\0");
    }
  });
});
