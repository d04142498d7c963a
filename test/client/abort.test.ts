// Abort: requests that are given up, before and after they were sent.
// Holds   each moment at which a signal may speak.
// Never   waits for a time.
// Source  the interface of the client, CallOptions.

import { afterEach, describe, expect, it } from "vitest";
import { connect, outcome } from "./line.ts";
import { type Front, memoryFront, type RawStream, socketFront, textOf } from "./raw.ts";

let front: Front;
afterEach(() => front.close());

const turn = () => new Promise((done) => setTimeout(done));

describe.each([
  ["in memory", memoryFront],
  ["over a Unix socket", socketFront],
] as [string, () => Front | Promise<Front>][])("a request that is given up, %s", (_where, open) => {
  it("is not sent when the signal has spoken before", async () => {
    front = await open();
    const { line, peer } = await connect(front);
    const reason = new Error("enough");
    await expect(line.read("/a", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const read = line.read("/b");
    const [request] = await peer.requested(1);
    expect(textOf(request.payload)).toBe("/b|");
    peer.reply(request, "v");
    expect(await read).toBe("v");
  });

  it("is not sent when the signal speaks in the same turn", async () => {
    front = await open();
    const { line, peer } = await connect(front);
    const stop = new AbortController();
    const before = line.read("/before");
    const given = outcome(line.read("/given-up", { signal: stop.signal }));
    const behind = [line.read("/behind"), line.write("/last", "value")];
    stop.abort(new Error("enough"));
    expect(await given).toMatchObject({ message: "enough" });
    const requests = await peer.requested(3);
    expect(requests.map((one) => textOf(one.payload))).toEqual([
      "/before|",
      "/behind|",
      "/last|value",
    ]);
    for (const one of requests) peer.reply(one, textOf(one.payload));
    expect(await before).toBe("/before\0");
    expect(await behind[0]).toBe("/behind\0");
    await behind[1];
  });

  it("is taken out of the queue while it waits", async () => {
    front = await open();
    const { line, peer } = await connect(front, { maxInFlight: 1 });
    const stop = new AbortController();
    const first = line.read("/first");
    const given = outcome(line.read("/given-up", { signal: stop.signal }));
    const last = line.read("/last");
    await peer.requested(1);
    stop.abort();
    expect(await given).toMatchObject({ name: "AbortError" });
    peer.reply(peer.requests[0], "1");
    expect(await first).toBe("1");
    const requests = await peer.requested(2);
    expect(textOf(requests[1].payload)).toBe("/last|");
    peer.reply(requests[1], "2");
    expect(await last).toBe("2");
  });

  it("keeps its id until the reply comes, which is thrown away", async () => {
    front = await open();
    const { line, peer } = await connect(front, { maxInFlight: 2 });
    const stop = new AbortController();
    const given = outcome(line.read("/given-up", { signal: stop.signal }));
    const [request] = await peer.requested(1);
    stop.abort();
    expect(await given).toMatchObject({ name: "AbortError" });
    // It counts among those under way: of the next two only one may go.
    const others = [line.read("/b"), line.read("/c")];
    const [, b] = await peer.requested(2);
    peer.reply(b, "b");
    expect(await others[0]).toBe("b");
    const [, , c] = await peer.requested(3);
    expect([b.reqId, c.reqId]).not.toContain(request.reqId);
    peer.reply(request, "late");
    peer.reply(c, "c");
    expect(await others[1]).toBe("c");
    expect(line.connection.state).toBe("connected");
  });

  it("hears nothing of a signal that speaks after the reply", async () => {
    front = await open();
    const { line, peer } = await connect(front);
    const stop = new AbortController();
    const read = line.read("/a", { signal: stop.signal });
    const [request] = await peer.requested(1);
    peer.reply(request, "v");
    expect(await read).toBe("v");
    stop.abort();
    const again = line.read("/b");
    const [, next] = await peer.requested(2);
    peer.reply(next, "w");
    expect(await again).toBe("w");
  });
});

it("one signal gives up many requests, and the rest goes on", async () => {
  front = memoryFront();
  const { line, peer } = await connect(front, { maxInFlight: 8 });
  const stop = new AbortController();
  const given = [...Array(5000).keys()].map((i) => {
    return outcome(line.read(`/given/${i}`, i % 2 ? { signal: stop.signal } : undefined));
  });
  await peer.requested(8);
  stop.abort(new Error("enough"));
  for (let i = 0; i < 4 + 2500; i++) {
    await peer.requested(i + 1);
    peer.reply(peer.requests[i], String(i));
  }
  const results = await Promise.all(given);
  expect(results.filter((one) => one instanceof Error)).toHaveLength(2500);
  expect(peer.requests).toHaveLength(4 + 2500);
});

it("a request that waited for room goes when one before it is taken back in time", async () => {
  front = memoryFront();
  const { line, peer } = await connect(front, { maxInFlight: 1 });
  const stop = new AbortController();
  const given = outcome(line.read("/given-up", { signal: stop.signal }));
  const next = line.read("/next");
  stop.abort();
  expect(await given).toMatchObject({ name: "AbortError" });
  const [request] = await peer.requested(1);
  expect(textOf(request.payload)).toBe("/next|");
  peer.reply(request, "v");
  expect(await next).toBe("v");
});

it("requests that are given up while there is no connection are never sent", async () => {
  front = memoryFront();
  const { line, peer } = await connect(front, { reconnect: { backoff: () => 0 } });
  await front.refuse(true);
  peer.hangUp();
  await peer.hungUp();
  const stop = new AbortController();
  const given = outcome(line.read("/given-up", { signal: stop.signal }));
  const kept = line.read("/kept");
  stop.abort();
  expect(await given).toMatchObject({ name: "AbortError" });
  await front.refuse(false);
  const next = await front.accept();
  const [request] = await next.requested(1);
  expect(textOf(request.payload)).toBe("/kept|");
  next.reply(request, "v");
  expect(await kept).toBe("v");
});

it("a request that was given up after it was sent does not reject twice when the link is lost", async () => {
  front = memoryFront();
  const { line, peer } = await connect(front);
  const stop = new AbortController();
  const given = outcome(line.read("/a", { signal: stop.signal }));
  await peer.requested(1);
  stop.abort(new Error("enough"));
  peer.hangUp();
  expect(await given).toMatchObject({ message: "enough" });
  expect(await line.connection.closed).toMatchObject({ code: "ECONNRESET" });
});

it("a batch that was emptied is not written", async () => {
  const streams: RawStream[] = [];
  front = memoryFront((stream) => streams.push(stream));
  const { line, peer } = await connect(front);
  const stop = new AbortController();
  const given = outcome(line.read("/a", { signal: stop.signal }));
  stop.abort();
  await given;
  await turn();
  expect(peer.chunks).toBe(0);
});
