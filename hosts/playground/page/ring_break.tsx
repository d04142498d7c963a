// Ring break: what a hostile or broken guest could do to its ring, and how it gets it back.
// Holds   a button for each way, with what it is meant to achieve and what comes of it.
// Never   says that something is harmless: it says what the store does.
// Source  the XenStore protocol, ring (Bad input, Reconnection).

import { FAULTS, RECONNECTION } from "../model/ring_texts.ts";
import { act, past } from "./state.ts";

export function BreakRing({ domid }: { readonly domid: number }) {
  return (
    <>
      <section class="ring-part" aria-label="Break it on purpose">
        <h2>Break it on purpose</h2>
        <ul class="ring-faults">
          {FAULTS.map(({ how, label, guest, store }) => (
            <li key={how}>
              <button
                type="button"
                data-testid={`ring-break-${how}`}
                disabled={past.value}
                aria-describedby={`ring-fault-${how}`}
                onClick={() => void act("ring.break", { domid, how })}
              >
                {label}
              </button>
              <p id={`ring-fault-${how}`}>
                {guest} <span class="dim">{store}</span>
              </p>
            </li>
          ))}
        </ul>
      </section>
      <section class="ring-part" aria-label="How reconnection works">
        <h2>How reconnection works</h2>
        <ol class="ring-reconnection">
          {RECONNECTION.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
      </section>
    </>
  );
}
