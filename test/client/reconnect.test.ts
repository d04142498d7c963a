// Reconnect: connections that are lost and made again, and what is said of it.
// Holds   what waits, what is lost, what goes first; the end of all attempts.
// Never   waits longer than a backoff of its own.
// Source  the interface of the client, ClientOptions.reconnect and Status.

import { afterEach, describe, expect, it } from "vitest";
import type { Status } from "../../hosts/client/api.ts";
import { ConnectionLostError } from "../../hosts/client/errors.ts";
import { connect, outcome, until } from "./line.ts";
import { type Front, memoryFront, type RawStream, socketFront, textOf } from "./raw.ts";

let front: Front;
afterEach(() => front.close());

const AT_ONCE = { reconnect: { backoff: () => 0 } };

describe.each([
  ["in memory", memoryFront],
  ["over a Unix socket", socketFront],
] as [string, () => Front | Promise<Front>][])("a lost connection, %s", (_where, open) => {
  it("is made again: what was sent is lost, what was not goes later, and it is said", async () => {
    front = await open();
    const { line, peer } = await connect(front, { ...AT_ONCE, maxInFlight: 2 });
    const statuses = line.connection.status();
    expect(line.connection.link).toBe(1);
    const asked = ["/1", "/2", "/3", "/4"].map((path) => outcome(line.read(path)));
    await peer.requested(2);
    line.watched = ["/w"];
    peer.hangUp();
    for (const [index, path] of ["/1", "/2"].entries()) {
      const error = (await asked[index]) as ConnectionLostError;
      expect(error).toBeInstanceOf(ConnectionLostError);
      expect(error).toMatchObject({ code: "ECONNRESET", sent: true, op: "READ", path });
      expect(error.message).toMatch(/was lost: the store hung up; the request had been sent/);
    }
    const next = await front.accept();
    const [watch] = await next.requested(1);
    expect(textOf(watch.payload)).toBe("/w|again|");
    expect(next.requests).toHaveLength(1);
    next.reply(watch, "OK|");
    const requests = await next.requested(3);
    expect(requests.slice(1).map((one) => textOf(one.payload))).toEqual(["/3|", "/4|"]);
    for (const request of requests.slice(1)) next.reply(request, "v");
    expect(await Promise.all(asked.slice(2))).toEqual(["v", "v"]);
    expect(line.connection.link).toBe(2);
    expect(line.connection.state).toBe("reconnected");
    await line.connection.close();
    const seen: Status[] = [];
    for await (const status of statuses) seen.push(status);
    expect(seen).toEqual([
      { state: "disconnected", error: expect.any(ConnectionLostError) },
      { state: "connecting", attempt: 1 },
      { state: "reconnected", watches: 1, lost: 2 },
      { state: "closed", error: null },
    ]);
    expect(line.ends).toEqual([null]);
  });

  it("is closed when it is not to be made again, and nothing hangs", async () => {
    front = await open();
    const { line, peer } = await connect(front, { reconnect: false, maxInFlight: 1 });
    const asked = [outcome(line.read("/1")), outcome(line.read("/2"))];
    await peer.requested(1);
    peer.hangUp();
    expect(await asked[0]).toMatchObject({ code: "ECONNRESET", sent: true, path: "/1" });
    expect(await asked[1]).toMatchObject({ code: "ECONNRESET", sent: false, path: "/2" });
    const error = await line.connection.closed;
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect(line.ends).toEqual([error]);
    expect(await outcome(line.read("/3"))).toMatchObject({ sent: false, path: "/3" });
  });

  it("is given up after so many attempts in a row, each after its wait", async () => {
    front = await open();
    const waits: number[] = [];
    const backoff = (attempt: number) => {
      waits.push(attempt);
      return 0;
    };
    const { line, peer } = await connect(front, { reconnect: { attempts: 3, backoff } });
    const statuses = line.connection.status();
    await front.refuse(true);
    peer.hangUp();
    await until(statuses, "disconnected");
    const waiting = outcome(line.read("/a"));
    const error = await line.connection.closed;
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect(error?.message).toMatch(/was lost, and not made again in 3 attempts: /);
    expect(await waiting).toMatchObject({ sent: false, path: "/a" });
    expect(waits).toEqual([2, 3, 4]);
    const seen: string[] = [];
    for await (const status of statuses) seen.push(status.state);
    const attempt = ["connecting", "disconnected"];
    expect(seen).toEqual([...attempt, ...attempt, ...attempt, "closed"]);
    await front.refuse(false);
  });
});

it("requests that had not left in the turn of the loss are not lost with it", async () => {
  const streams: RawStream[] = [];
  front = memoryFront((stream) => streams.push(stream));
  const { line, peer } = await connect(front, AT_ONCE);
  const first = outcome(line.read("/sent"));
  await peer.requested(1);
  // The loss comes between the question and the flush.
  peer.hangUp();
  const second = line.read("/kept");
  queueMicrotask(() => {});
  expect(await first).toMatchObject({ sent: true });
  const next = await front.accept();
  const [request] = await next.requested(1);
  expect(textOf(request.payload)).toBe("/kept|");
  next.reply(request, "v");
  expect(await second).toBe("v");
  expect(peer.requests).toHaveLength(1);
});

it("what belongs to one link does not go over another", async () => {
  front = memoryFront();
  const { line, peer } = await connect(front, { ...AT_ONCE, maxInFlight: 1 });
  const { link } = line.connection;
  const asked = [outcome(line.read("/sent", { link })), outcome(line.read("/waits", { link }))];
  const free = line.read("/free");
  await peer.requested(1);
  peer.hangUp();
  expect(await asked[0]).toMatchObject({ sent: true });
  expect(await asked[1]).toMatchObject({ sent: false, path: "/waits" });
  const next = await front.accept();
  const [request] = await next.requested(1);
  expect(textOf(request.payload)).toBe("/free|");
  next.reply(request, "v");
  await free;
  expect(await outcome(line.read("/late", { link }))).toMatchObject({ sent: false });
  const fresh = line.read("/fresh", { link: line.connection.link });
  next.reply((await next.requested(2))[1], "w");
  expect(await fresh).toBe("w");
});

it("what goes first passes those that wait", async () => {
  front = memoryFront();
  const { line, peer } = await connect(front, { maxInFlight: 1, maxWaiting: 1 });
  const asked = [line.read("/1"), line.read("/2"), line.read("/urgent", { first: true })];
  for (let i = 0; i < 3; i++) {
    await peer.requested(i + 1);
    peer.reply(peer.requests[i], "v");
  }
  await Promise.all(asked);
  expect(peer.requests.map((one) => textOf(one.payload))).toEqual(["/1|", "/urgent|", "/2|"]);
});

it("a link that is lost while watches are set again is followed by the next", async () => {
  front = memoryFront();
  const { line, peer } = await connect(front, AT_ONCE);
  const statuses = line.connection.status();
  line.watched = ["/w"];
  peer.hangUp();
  const kept = line.read("/kept");
  const second = await front.accept();
  await second.requested(1);
  second.hangUp();
  const third = await front.accept();
  const [watch] = await third.requested(1);
  expect(textOf(watch.payload)).toBe("/w|again|");
  third.reply(watch, "OK|");
  third.reply((await third.requested(2))[1], "v");
  expect(await kept).toBe("v");
  expect(await until(statuses, "reconnected")).toEqual({
    state: "reconnected",
    watches: 1,
    lost: 1,
  });
  expect(line.connection.link).toBe(3);
});

it("a link on which the watches can't be set again is given up, and tried anew", async () => {
  front = memoryFront();
  const { line, peer } = await connect(front, AT_ONCE);
  const statuses = line.connection.status();
  line.onRelinked = (link) => {
    if (link === 2) throw new Error("no watches today");
  };
  peer.hangUp();
  const second = await front.accept();
  await second.hungUp();
  await front.accept();
  await until(statuses, "reconnected");
  expect(line.connection.link).toBe(3);
});

it("closing ends a reconnection at once, whatever it waits for", async () => {
  front = memoryFront();
  const { line, peer } = await connect(front, { reconnect: { backoff: () => 1e9 } });
  peer.hangUp();
  await peer.hungUp();
  const kept = outcome(line.read("/kept"));
  await line.connection.close();
  expect(await kept).toMatchObject({ sent: false });
  expect(line.ends).toEqual([null]);
});

it("a backoff that throws ends the connection with what it threw", async () => {
  front = memoryFront();
  const backoff = () => {
    throw new Error("no more");
  };
  const { line, peer } = await connect(front, { reconnect: { backoff } });
  peer.hangUp();
  expect((await line.connection.closed)?.message).toMatch(/no more/);
});

it("whoever listens late hears the end, and who leaves hears nothing", async () => {
  front = memoryFront();
  const { line, peer } = await connect(front, { reconnect: false });
  const left = line.connection.status();
  const waiting = left.next();
  await left.return?.();
  expect(await waiting).toEqual({ done: true, value: undefined });
  peer.hangUp();
  const error = await line.connection.closed;
  const late = line.connection.status();
  expect(await late.next()).toEqual({ done: false, value: { state: "closed", error } });
  expect(await late.next()).toEqual({ done: true, value: undefined });
  expect(await left.next()).toEqual({ done: true, value: undefined });
});
