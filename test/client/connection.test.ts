// Connection: batches, ids, order, limits, what waits, and connections that come and go.
// Holds   one test for each promise of connection.ts that is not one of the other files'.
// Never   looks into the connection.
// Source  our own; the XenStore protocol, Header.

import { afterEach, describe, expect, it } from "vitest";
import { XS_READ, XS_WATCH, XS_WRITE } from "../../assembly/xs_wire.ts";
import { Connection } from "../../hosts/client/connection.ts";
import { ConnectionLostError, InvalidRequestError } from "../../hosts/client/errors.ts";
import { Flight } from "../../hosts/client/flight.ts";
import { Request } from "../../hosts/client/request.ts";
import { decodeText } from "../../hosts/client/text.ts";
import { encodeMessage } from "../../hosts/shared/wire.ts";
import { connect, Line, nothing, outcome } from "./line.ts";
import { type Front, memoryFront, payload, RawStream, textOf } from "./raw.ts";

let front: Front;
afterEach(() => front?.close());

/** A connection to a store in memory whose streams the test holds, too. */
async function open(options = {}) {
  const streams: RawStream[] = [];
  front = memoryFront((stream) => streams.push(stream));
  return { ...(await connect(front, options)), streams };
}

describe("requests", () => {
  it("of one turn leave with one write, in order, with ids of their own", async () => {
    const { line, peer } = await open();
    const asked = [line.read("/a"), line.write("/b", "v"), line.read("/c", { txId: 9 })];
    const requests = await peer.requested(3);
    expect(peer.chunks).toBe(1);
    const seen = requests.map(({ type, txId, payload: p }) => [type, txId, textOf(p)]);
    expect(seen).toEqual([
      [XS_READ, 0, "/a|"],
      [XS_WRITE, 0, "/b|v"],
      [XS_READ, 9, "/c|"],
    ]);
    expect(new Set(requests.map(({ reqId }) => reqId)).size).toBe(3);
    expect(requests.map(({ reqId }) => reqId)).not.toContain(0);
    for (const request of requests) peer.reply(request, "x");
    expect(await Promise.all(asked)).toEqual(["x", undefined, "x"]);
  });

  it("get their own replies, in whatever order those come", async () => {
    const { line, peer } = await open();
    const asked = [...Array(100).keys()].map((i) => line.read(`/${i}`));
    const requests = await peer.requested(100);
    for (const request of [...requests].reverse()) peer.reply(request, textOf(request.payload));
    expect(await Promise.all(asked)).toEqual([...Array(100).keys()].map((i) => `/${i}\0`));
  });

  it("get replies that come in single bytes, and all in one piece", async () => {
    const { line, peer } = await open();
    const asked = [line.read("/a"), line.read("/b"), line.read("/c")];
    const [a, b, c] = await peer.requested(3);
    for (const byte of encodeMessage({ ...a, payload: payload("one") })) {
      peer.send(Uint8Array.of(byte));
    }
    const rest = [b, c].map((one) => encodeMessage({ ...one, payload: new Uint8Array(4096) }));
    peer.send(Uint8Array.from([...rest[0], ...rest[1]]));
    const [one, two, three] = await Promise.all(asked);
    expect([one, two.length, three.length]).toEqual(["one", 4096, 4096]);
  });

  it("carry text as UTF-8 and bytes as they are when asked", async () => {
    const { line, peer } = await open({ maxInFlight: 2 });
    const bytes = Uint8Array.of(0, 255, 10);
    const asked = [
      line.write("/é", "größer"),
      line.write(`/${"x".repeat(100)}`, `${"ü".repeat(100)}`),
      line.write("/bytes", bytes),
    ];
    // The last one waits; what the caller does with his array is no matter.
    bytes.fill(7);
    const requests = await peer.requested(2);
    for (const request of requests.slice()) peer.reply(request, "OK|");
    await peer.requested(3);
    peer.reply(peer.requests[2], "OK|");
    await Promise.all(asked);
    const texts = peer.requests.map((one) => Buffer.from(one.payload));
    expect(texts[0].toString()).toBe("/é\0größer");
    expect(texts[1].toString()).toBe(`/${"x".repeat(100)}\0${"ü".repeat(100)}`);
    expect([...texts[2].subarray(-4)]).toEqual([0, 0, 255, 10]);
  });

  it("that are too long are refused with the number, and nothing is sent", async () => {
    const { line, peer } = await open();
    const error = await outcome(line.write("/a", "v".repeat(4094)));
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error).toMatchObject({ code: "E2BIG", op: "WRITE", path: "/a" });
    expect((error as Error).message).toMatch(/the payload has 4097 bytes, and 4096 is the most/);
    const fits = line.write("/a", "v".repeat(4093));
    const utf8 = await outcome(line.write("/a", "ü".repeat(2047)));
    expect((utf8 as Error).message).toMatch(/has 4097 bytes/);
    const [request] = await peer.requested(1);
    peer.reply(request, "OK|");
    await fits;
    expect(peer.requests).toHaveLength(1);
  });

  it("are measured by what the stream carries, as a kernel's device", async () => {
    front = memoryFront((stream) => {
      stream.payloadMax = 4080;
      stream.passesDepth = false;
    });
    const { line, peer } = await connect(front);
    expect(line.connection).toMatchObject({ payloadMax: 4080, passesDepth: false });
    const error = await outcome(line.write("/a", "v".repeat(4078)));
    expect((error as Error).message).toMatch(/has 4081 bytes, and 4080 is the most/);
    const fits = line.write("/a", "v".repeat(4077));
    peer.reply((await peer.requested(1))[0], "OK|");
    await fits;
  });

  it("reject with what their decoder throws, and the connection goes on", async () => {
    const { line, peer } = await open();
    const fails = outcome(
      line.connection.ask(XS_READ, "/a", null, () => {
        throw new Error("no such value");
      }),
    );
    const fine = line.read("/b");
    for (const request of await peer.requested(2)) peer.reply(request, "v");
    expect(await fails).toMatchObject({ message: "no such value" });
    expect(await fine).toBe("v");
  });

  it("may have no path, an empty tail, and any type", async () => {
    const { line, peer } = await open();
    const { connection } = line;
    const asked = [
      connection.ask(23, null, null, decodeText),
      connection.ask(0, null, "print\0hello\0", decodeText),
      outcome(connection.ask(300, "/x", null, decodeText)),
    ];
    const requests = await peer.requested(3);
    expect(requests.map((one) => textOf(one.payload))).toEqual(["", "print|hello|", "/x|"]);
    peer.reply(requests[0], "3|");
    peer.reply(requests[1], "");
    peer.reply(requests[2], "ENOSYS|", { type: 16 });
    expect(await Promise.all(asked)).toMatchObject(["3\0", "", { code: "ENOSYS", op: "type 300" }]);
  });
});

describe("ids", () => {
  const request = () => new Request(XS_READ, "/a", nothing);

  it("begin again at 1 and pass over those that are taken", () => {
    const flight = new Flight(0xffff_fffd);
    const stuck = request();
    expect(flight.add(stuck)).toBe(0xffff_fffe);
    expect(flight.add(request())).toBe(0xffff_ffff);
    expect(flight.add(request())).toBe(1);
    const around = new Flight(0xffff_ffff);
    const old = request();
    expect(around.add(old)).toBe(1);
    for (let i = 0; i < 1000; i++) {
      const next = request();
      const id = around.add(next);
      expect(id & 63).not.toBe(1);
      around.remove(next);
    }
    expect(around.get(1)).toBe(old);
    expect(around.get(65)).toBeNull();
  });

  it("find their requests however many are under way, oldest first", () => {
    const flight = new Flight(0xffff_ff00);
    const all = [...Array(1000).keys()].map(() => request());
    const ids = all.map((one) => flight.add(one));
    expect(new Set(ids).size).toBe(1000);
    expect(ids.map((id) => flight.get(id))).toEqual(all);
    expect(flight.all()).toEqual(all);
    expect(flight.count).toBe(1000);
    for (const one of all) flight.remove(one);
    expect(flight.count).toBe(0);
    expect(ids.map((id) => flight.get(id)).filter(Boolean)).toEqual([]);
  });
});

describe("limits", () => {
  it("only so many requests are under way, and the others go in order", async () => {
    const { line, peer } = await open({ maxInFlight: 3 });
    const asked = [...Array(10).keys()].map((i) => line.read(`/${i}`));
    await peer.requested(3);
    for (let i = 0; i < 10; i++) {
      const requests = await peer.requested(i + 1);
      expect(requests.length).toBeLessThanOrEqual(i + 3);
      peer.reply(requests[i], "v");
      await asked[i];
    }
    expect(peer.requests.map((one) => textOf(one.payload))).toEqual(
      [...Array(10).keys()].map((i) => `/${i}|`),
    );
  });

  it("only so many wait, and one more is refused with ENOBUFS", async () => {
    const { line, peer } = await open({ maxInFlight: 1, maxWaiting: 2 });
    const asked = [line.read("/1"), line.read("/2"), line.read("/3")];
    const refused = await outcome(line.read("/4"));
    expect(refused).toMatchObject({ code: "ENOBUFS", op: "READ", path: "/4" });
    expect((refused as Error).message).toMatch(/2 requests wait already/);
    for (let i = 0; i < 3; i++) {
      await peer.requested(i + 1);
      peer.reply(peer.requests[i], "v");
    }
    await Promise.all(asked);
    expect(peer.requests).toHaveLength(3);
  });

  it("a stream that is full gets nothing more until it has room", async () => {
    const { line, peer, streams } = await open();
    streams[0].full = true;
    const first = line.read("/1");
    await peer.requested(1);
    const second = line.read("/2");
    peer.reply(peer.requests[0], "v");
    await first;
    expect(peer.requests).toHaveLength(1);
    streams[0].drain();
    await peer.requested(2);
    peer.reply(peer.requests[1], "w");
    expect(await second).toBe("w");
  });

  it("twenty thousand requests at once are served, each once", async () => {
    const { line, peer } = await open({ maxWaiting: 200_000 });
    let done = 0;
    const asked = [...Array(20_000).keys()].map((i) => line.read(`/${i}`).then(() => done++));
    for (let i = 0; i < 20_000; i++) {
      if (i >= peer.requests.length) await peer.requested(i + 1);
      peer.reply(peer.requests[i], "v");
    }
    await Promise.all(asked);
    expect(done).toBe(20_000);
    expect(peer.requests).toHaveLength(20_000);
  });
});

describe("events", () => {
  it("are heard in wire order with the replies, each before what comes behind it", async () => {
    const { line, peer } = await open();
    const decoded: string[] = [];
    const note = (bytes: Uint8Array, start: number, end: number) => {
      decoded.push(decodeText(bytes, start, end));
      line.heard.push(`reply ${decodeText(bytes, start, end)}`);
    };
    const asked = [
      line.connection.ask(XS_WATCH, "/w", "t\0", note),
      line.connection.ask(XS_READ, "/w", null, note),
    ];
    const [watch, read] = await peer.requested(2);
    peer.event("/w|t|");
    peer.reply(watch, "OK|");
    peer.event("/w/ü|token with blanks|".replace("ü", "\xc3\xbc"));
    peer.reply(read, "v");
    peer.event("@releaseDomain||");
    await Promise.all(asked);
    expect(line.heard).toEqual([
      "/w t",
      "reply OK\0",
      "/w/ü token with blanks",
      "reply v",
      "@releaseDomain ",
    ]);
  });

  it("end with a listener that hangs up among them", async () => {
    const { line, peer } = await open();
    const asked = outcome(line.read("/a"));
    const [request] = await peer.requested(1);
    line.onEvent = () => void line.connection.close();
    const event = encodeMessage({ type: 15, reqId: 0, txId: 0, payload: payload("/a|t|") });
    const reply = encodeMessage({ ...request, payload: payload("v") });
    peer.send(Uint8Array.from([...event, ...event, ...reply]));
    expect(await asked).toBeInstanceOf(ConnectionLostError);
    expect(line.heard).toEqual(["/a t"]);
  });
});

describe("opening", () => {
  it("gives up after the time allowed, and closes what comes too late", async () => {
    let late: (stream: RawStream) => void = () => {};
    const transport = {
      name: "nowhere",
      reconnects: false,
      open: () => new Promise<RawStream>((resolve) => (late = resolve)),
    };
    const error = await outcome(Connection.open(transport, new Line(), { connectTimeout: 5 }));
    expect(error).toMatchObject({ code: "ETIMEDOUT" });
    expect((error as Error).message).toMatch(/no connection to nowhere .* within 5 ms/);
    const stream = new RawStream();
    late(stream);
    await stream.peer.hungUp();
  });

  it("ends with the signal's reason, at once or while it lasts", async () => {
    const reason = new Error("enough");
    const stop = new AbortController();
    const transport = {
      name: "nowhere",
      reconnects: false,
      open: () => new Promise<RawStream>(() => {}),
    };
    const early = { signal: AbortSignal.abort(reason) };
    await expect(Connection.open(transport, new Line(), early)).rejects.toBe(reason);
    const opening = outcome(Connection.open(transport, new Line(), { signal: stop.signal }));
    stop.abort(reason);
    expect(await opening).toBe(reason);
  });

  it("closes the connection when the signal speaks later", async () => {
    const stop = new AbortController();
    const { line, peer } = await open({ signal: stop.signal, reconnect: true });
    const asked = outcome(line.read("/a"));
    await peer.requested(1);
    const reason = new Error("enough");
    stop.abort(reason);
    expect(await asked).toMatchObject({ code: "ECONNRESET", sent: true });
    expect(await line.connection.closed).toBe(reason);
    await peer.hungUp();
  });
});

describe("closing", () => {
  it("rejects all that waits, tells the listener once, and may be repeated", async () => {
    const { line, peer, streams } = await open({ maxInFlight: 1 });
    const asked = [outcome(line.read("/a")), outcome(line.read("/b"))];
    await peer.requested(1);
    streams[0].close = () => {
      throw new Error("it is broken");
    };
    const statuses = line.connection.status();
    await Promise.all([line.connection.close(), line.connection.close()]);
    await line.connection.close();
    expect(await asked[0]).toMatchObject({ code: "ECONNRESET", sent: true, path: "/a" });
    expect(await asked[1]).toMatchObject({ code: "ECONNRESET", sent: false, path: "/b" });
    expect(await line.connection.closed).toBeNull();
    expect(line.ends).toEqual([null]);
    expect(line.connection.state).toBe("closed");
    expect(await statuses.next()).toEqual({ done: false, value: { state: "closed", error: null } });
    expect(await statuses.next()).toEqual({ done: true, value: undefined });
    expect(await outcome(line.read("/c"))).toMatchObject({ sent: false, path: "/c" });
  });

  it("does not send what was asked for in the same turn", async () => {
    const { line, peer } = await open();
    const asked = outcome(line.write("/a", "v"));
    await line.connection.close();
    expect(await asked).toMatchObject({ sent: false });
    expect(peer.requests).toEqual([]);
  });
});
