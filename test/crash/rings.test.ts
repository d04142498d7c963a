// Rings: what lies in a guest's page, or waits for room in it, when the store is killed.
// Holds   one site for each test, with two guests that do nothing by themselves.
// Never   waits for a time: the control domain asks until the page says what it must.
// Source  the XenStore protocol, ring.

import { afterAll, describe, expect, it } from "vitest";
import { release } from "../host/rig.ts";
import { encode, type Message, typeNumber } from "../message.ts";
import { type Guest, NEWS_PATH } from "./guest.ts";
import type { Reader } from "./reader.ts";
import { ask, listen, onTwo, restart } from "./two.ts";

afterAll(release);

/** More events than a page has room for. */
const MANY = 120;

function write(reqId: number, path: string, value: string): Uint8Array {
  return encode({ type: typeNumber("WRITE"), reqId, txId: 0, payload: `${path}\0${value}` });
}

/** Lets the store work until the guest's requests are out of its page. */
async function taken(guest: Guest, dom0: Reader): Promise<void> {
  while (!guest.ring.taken) await dom0.ask("GET_DOMAIN_PATH", "1\0");
}

/** Takes over what comes for a guest. */
function messagesOf(guest: Guest): Message[] {
  const all: Message[] = [];
  guest.ring.listen((message) => all.push(message));
  return all;
}

describe("a guest that was not there when the store was killed", () => {
  it("is told of all that happened before, once and in order", () =>
    onTwo(async (site, dom0) => {
      const [one, two] = site.guests as [Guest, Guest];
      one.ring.hold(true);
      const names = Array.from({ length: MANY }, (_, index) => `${NEWS_PATH}/x${index}`);
      for (const name of names) await dom0.ask("WRITE", `${name}\0x`);
      const heard = listen(one);
      const first = await restart(site);
      first.close();
      const second = await restart(site);
      expect(heard).toEqual([]);
      one.ring.hold(false);
      await ask(site, one, "GET_DOMAIN_PATH", "1\0");
      expect(heard).toEqual(names.map((name) => `${name} news`));
      await ask(site, two, "GET_DOMAIN_PATH", "2\0");
      second.close();
    }));

  it("finds each answer once, although there was no room for all of them", () =>
    onTwo(async (site, dom0) => {
      const [one] = site.guests as [Guest, Guest];
      const value = "v".repeat(1000);
      expect(await ask(site, one, "WRITE", `data/a\0${value}`)).toBe("OK\0");
      const all = messagesOf(one);
      const read = (reqId: number) =>
        encode({ type: typeNumber("READ"), reqId, txId: 0, payload: "data/a\0" });
      one.ring.send(Buffer.concat([...Array(8).keys()].map((reqId) => read(1000 + reqId))));
      one.ring.send(write(1008, "data/b", "x"));
      one.ring.hold(true);
      await dom0.ask("GET_DOMAIN_PATH", "1\0");
      const after = await restart(site);
      one.ring.hold(false);
      one.ring.send(write(1009, "data/c", "x"));
      while (all.at(-1)?.reqId !== 1009) await after.ask("GET_DOMAIN_PATH", "1\0");
      const replies = all.filter(({ type }) => type !== typeNumber("WATCH_EVENT"));
      expect(replies.map(({ reqId }) => reqId)).toEqual([...Array(10).keys()].map((n) => n + 1000));
      expect(replies.slice(0, 8).every(({ payload }) => payload === value)).toBe(true);
      after.close();
    }));
});

describe("a request of which a part was sent when the store was killed", () => {
  it.each([1, 15, 16, 40])("is served when the rest comes: %i bytes before", (before) =>
    onTwo(async (site, dom0) => {
      const [one] = site.guests as [Guest, Guest];
      const all = messagesOf(one);
      const bytes = write(1000, "data/half", "whole");
      one.ring.send(bytes.subarray(0, before));
      await taken(one, dom0);
      const after = await restart(site);
      one.ring.send(bytes.subarray(before));
      one.ring.send(write(1001, "data/next", "x"));
      while (all.at(-1)?.reqId !== 1001) await after.ask("GET_DOMAIN_PATH", "1\0");
      const replies = all.filter(({ type }) => type !== typeNumber("WATCH_EVENT"));
      expect(replies.map(({ reqId, payload }) => `${reqId} ${payload}`)).toEqual([
        "1000 OK\0",
        "1001 OK\0",
      ]);
      expect(await after.ask("READ", "/local/domain/1/data/half\0")).toBe("whole");
      after.close();
    }),
  );
});
