// Event buffer: compared with a plain list that does the same slowly.
// Holds   generated pushes and shifts.
// Never   knows how the buffer keeps its events.
// Source  our own.

import fc from "fast-check";
import { expect, it } from "vitest";
import type { WatchEvent } from "../../hosts/client/api.ts";
import { EventBuffer } from "../../hosts/client/event_buffer.ts";

const event = (name: number, initial: boolean): WatchEvent => ({
  path: `/${name}`,
  token: "t",
  initial,
  replayed: initial,
});

/** Puts `one` into `list` as the buffer should; false: there is no room. */
function put(list: WatchEvent[], one: WatchEvent, limit: number, coalesce: boolean): boolean {
  const at = coalesce ? list.findIndex(({ path }) => path === one.path) : -1;
  if (at >= 0) {
    if (one.initial) list[at] = one;
    return true;
  }
  if (list.length >= limit && !coalesce) return false;
  if (list.length >= limit) list.shift();
  list.push(one);
  return true;
}

const step = fc.oneof(
  fc.record({ name: fc.nat(12), initial: fc.boolean() }),
  fc.record({ name: fc.nat(12), initial: fc.boolean() }),
  fc.constant("take" as const),
  fc.constant("clear" as const),
);

it("a buffer keeps what it should, in order, and never more than it may", () => {
  const steps = fc.array(step, { maxLength: 2000, size: "max" });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 9 }), fc.boolean(), (all, limit, coalesce) => {
      const buffer = new EventBuffer(limit, coalesce);
      const list: WatchEvent[] = [];
      let cleared = 0;
      for (const one of all) {
        if (one === "take") expect(buffer.shift()).toEqual(list.shift());
        else if (one === "clear" && cleared++ % 5 === 0) {
          buffer.clear();
          list.length = 0;
        } else if (one !== "clear") {
          const made = event(one.name, one.initial);
          expect(buffer.push(made)).toBe(put(list, made, limit, coalesce));
        }
        expect(buffer.size).toBe(list.length);
      }
      while (list.length > 0) expect(buffer.shift()).toEqual(list.shift());
      expect(buffer.shift()).toBe(undefined);
    }),
    { numRuns: 100 },
  );
});
