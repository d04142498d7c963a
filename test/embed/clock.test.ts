// Clock: time that stands until it is told to go on, and what follows from that.
// Holds   nothing.
// Never   waits for real time.
// Source  our own.

import { describe, expect, it } from "vitest";
import { XS_WATCH, XS_WATCH_EVENT } from "../../assembly/xs_wire.ts";
import type { Guest } from "../../hosts/embed/api.ts";
import { ManualClock } from "../../hosts/embed/clock.ts";
import { encodeMessage, type Message, MessageReader, strings } from "../../hosts/shared/wire.ts";
import { runOperations } from "../client/operations.ts";
import { open } from "./open.ts";

describe("a clock that is held", () => {
  it("calls what is due in the order of the times, with the time it was due at", () => {
    const clock = new ManualClock(1000);
    const calls: string[] = [];
    const note = (name: string) => () => calls.push(`${name}@${clock.nowMs()}`);
    clock.after(20, note("b"));
    clock.after(10, note("a"));
    clock.after(20, note("c"));
    clock.after(25, () => clock.after(0, note("d")));
    clock.after(1000, note("late"));
    expect(clock.nextMs).toBe(10);
    clock.advance(0);
    expect(calls).toEqual([]);
    clock.advance(30);
    expect(calls).toEqual(["a@1010", "b@1020", "c@1020", "d@1025"]);
    expect(clock.nowMs()).toBe(1030);
    expect(clock.waiting).toBe(1);
  });

  it("does not call within the call that asks for it, and never goes back", () => {
    const clock = new ManualClock();
    let called = false;
    clock.after(-5, () => {
      called = true;
    });
    expect(called).toBe(false);
    clock.advance(0);
    expect(called).toBe(true);
    expect(() => clock.advance(-1)).toThrow(RangeError);
    expect(() => clock.advance(Number.NaN)).toThrow(RangeError);
  });

  it("drops what a guest does not take in time, when that time has passed", async () => {
    const CHANGES = 100;
    for (const [ms, all] of [
      [1000, true],
      [60_000, false],
    ] as const) {
      const clock = new ManualClock();
      const store = await open({ clock });
      const guest = await store.guest(7, { connect: false });
      const payload = strings("/watched", "token");
      const request = encodeMessage({ type: XS_WATCH, reqId: 1, txId: 0, payload });
      new Uint8Array(guest.page).set(request);
      await store.client.mkdir("/watched");
      await store.client.setPerms("/watched", "r0");
      guest.poke("reqProd", request.length);
      guest.notify();
      // The guest reads nothing of this: the queue holds some of it, the store the rest.
      for (let n = 0; n < CHANGES; n++) await store.client.write(`/watched/${n}`, "");
      clock.advance(ms);
      const events = (await takeAll(guest)).filter(({ type }) => type === XS_WATCH_EVENT);
      if (all) expect(events.length).toBe(CHANGES + 1);
      else expect(events.length).toBeLessThan(CHANGES / 2);
    }
  });
});

/** Takes replies and events out of the queue until no more come. */
async function takeAll(guest: Guest): Promise<Message[]> {
  const reader = new MessageReader();
  const all: Message[] = [];
  for (let idle = 0; idle < 3; idle++) {
    const bytes = guest.queue("replies");
    if (bytes.length > 0) idle = 0;
    all.push(...reader.push(bytes));
    guest.poke("rspCons", guest.words().rspProd);
    guest.notify();
    for (let turn = 0; turn < 4; turn++) await null;
  }
  return all;
}

describe("the same seed, clock and calls", () => {
  it("give the same state, byte for byte", async () => {
    const states: Uint8Array[] = [];
    for (let run = 0; run < 2; run++) {
      const clock = new ManualClock();
      const store = await open({ seed: 42, clock });
      await runOperations(store, 2000, 9);
      clock.advance(5000);
      const guest = await store.guest(9);
      await guest.client.write("data", "x");
      states.push(await store.dump());
    }
    expect(Buffer.compare(states[0] as Uint8Array, states[1] as Uint8Array)).toBe(0);
  });
});
