// Domain load: requests made all the time, to see the store under way.
// Holds   the rates to choose from.
// Never   makes a request itself: the engine does.
// Source  our own.

import { act, past, seen } from "./state.ts";

const RATES = [0, 10, 100, 1000, 10_000];
const NUMBER = new Intl.NumberFormat("en");

/** Chooses how many operations a second several domains make. */
export function Load() {
  const now = seen.session.value?.load ?? 0;
  const rates = RATES.includes(now) ? RATES : [...RATES, now].sort((a, b) => a - b);
  return (
    <label class="domains-load" title="Reads and writes below data/load of several domains">
      Load
      <select
        data-testid="load"
        disabled={past.value}
        value={`${now}`}
        onChange={({ currentTarget }) =>
          void act("load.set", { rate: Number(currentTarget.value) })
        }
      >
        {rates.map((rate) => (
          <option key={rate} value={`${rate}`}>
            {rate === 0 ? "none" : `${NUMBER.format(rate)} ops/s`}
          </option>
        ))}
      </select>
    </label>
  );
}
