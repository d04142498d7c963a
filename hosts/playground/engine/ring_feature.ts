// Ring feature: a look into the page of a domain's ring, and a hand that moves it.
// Holds   nothing: what was done by hand is kept with the domain.
// Never   moves a ring that its kernel uses, but for single words.
// Source  the XenStore protocol, ring.

import type { Guest } from "../../entry/browser.ts";
import {
  encodeMessage,
  strings,
  XENSTORE_RING_RSP,
  XENSTORE_RING_SIZE,
  XENSTORE_SERVER_FEATURE_RECONNECTION,
  XS_READ,
  XS_WATCH_EVENT,
  XS_WRITE,
} from "../../entry/wire.ts";
import type { Ops, RingFault, RingInfo, RingWords } from "../model/protocol.ts";
import {
  connectRing,
  type DomainEntry,
  DomainError,
  guestEntryOf,
  guestOf,
  leaveRing,
} from "./domain_entry.ts";
import type { Context } from "./engine.ts";
import type { Feature } from "./feature.ts";
import { compose } from "./ring_compose.ts";
import { type Count, RingHand } from "./ring_hand.ts";

type Compose = Parameters<Ops["ring.compose"]>[0];

const NO_RING = "it has no ring here";
const WORDS: readonly (keyof RingWords)[] = [
  "reqCons",
  "reqProd",
  "rspCons",
  "rspProd",
  "features",
  "connection",
  "error",
];
const U32_MAX = 0xffff_ffff;
/** A payload that no message may have, and a type that there is not. */
const OVERSIZE = 5000;
const NO_TYPE = 99;
const BEYOND = 2000;

export function ringFeature(context: Context): Feature {
  const rings = new RingsByHand(context);
  return {
    ops: {
      "ring.hold": ({ domid }) => rings.hold(domid),
      "ring.compose": (wanted) => rings.compose(wanted),
      "ring.put": ({ domid, count }) => rings.put(domid, count),
      "ring.take": ({ domid, count }) => rings.take(domid, count),
      "ring.poke": ({ domid, word, value }) => rings.poke(domid, word, value),
      "ring.notify": ({ domid }) => rings.notify(domid),
      "ring.break": ({ domid, how }) => rings.break(domid, how),
      "ring.reconnect": ({ domid }) => rings.reconnect(domid),
    },
    sections: [
      {
        name: "ring",
        stamp: ({ ring }) => (ring === undefined ? null : rings.stamp(ring)),
        make: ({ ring }) =>
          ring === undefined || context.session.closed ? undefined : rings.info(ring),
      },
    ],
  };
}

class RingsByHand {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  stamp(domid: number): string {
    const { session } = this.#context;
    const entry = session.domains.get(domid);
    const place = `${session.id} ${domid}`;
    if (!entry?.guest || entry.state === "dead") return `${place} ${entry?.state}`;
    const words = Object.values(entry.guest.words()).join(" ");
    const { held, introduced, hand } = entry;
    return `${place} ${words} ${held} ${introduced} ${hand?.version ?? 0}`;
  }

  async info(domid: number): Promise<RingInfo | null> {
    const { session } = this.#context;
    const entry = session.domains.get(domid);
    if (!entry || domid === 0 || entry.state === "dead") return null;
    if (!entry.guest && !entry.introduced) return null;
    const guest = await guestOf(session, entry);
    const { held, hand } = entry;
    return {
      domid,
      held,
      words: guest.words(),
      requests: new Uint8Array(guest.page.slice(0, XENSTORE_RING_SIZE)),
      replies: new Uint8Array(
        guest.page.slice(XENSTORE_RING_RSP, XENSTORE_RING_RSP + XENSTORE_RING_SIZE),
      ),
      waiting: hand?.waiting ?? new Uint8Array(0),
      taken: hand?.taken.slice() ?? new Uint8Array(0),
      log: hand?.log ?? [],
    };
  }

  async hold(domid: number): Promise<void> {
    const entry = this.#served(domid);
    if (entry.held) return;
    // From now on no command may use it; those that do are ended.
    entry.held = true;
    await leaveRing(entry, "its ring is moved by hand now");
    const { hand } = await this.#hand(entry);
    this.#context.session.byHand(domid, { kind: "open", note: "moved by hand" });
    hand.renewed("Took the ring from the domain's kernel.");
  }

  async compose({ domid, type, path, value, txId = 0 }: Compose): Promise<void> {
    const { hand } = await this.#hand(this.#served(domid));
    const reqId = hand.nextId();
    const message = compose({ type, path, value, reqId, txId });
    hand.add(message, `${type.toUpperCase()}${path === "" ? "" : ` ${path}`}, req_id ${reqId}`);
  }

  async put(domid: number, count: Count): Promise<void> {
    const { hand } = await this.#hand(this.#held(domid));
    hand.put(count);
    await hand.notify();
  }

  async take(domid: number, count: Count): Promise<void> {
    const { hand } = await this.#hand(this.#held(domid));
    hand.take(count);
    await hand.notify();
  }

  async poke(domid: number, word: keyof RingWords, value: number): Promise<void> {
    if (!WORDS.includes(word)) throw new Error(`The page of a ring has no word "${word}".`);
    if (!Number.isInteger(value) || value < 0 || value > U32_MAX) {
      throw new Error(`A word of the page is an integer from 0 to ${U32_MAX}, not ${value}.`);
    }
    const { hand } = await this.#hand(this.#served(domid));
    hand.poke(word, value);
  }

  async notify(domid: number): Promise<void> {
    const { hand } = await this.#hand(this.#served(domid));
    hand.say("Raised the store's event.");
    await hand.notify();
  }

  async break(domid: number, how: RingFault): Promise<void> {
    await this.hold(domid);
    const { hand, guest } = await this.#hand(this.#served(domid));
    const fault = FAULTS[how];
    if (!fault) throw new Error(`There is no way "${how}" to break a ring.`);
    fault(hand, guest);
    await hand.notify();
  }

  async reconnect(domid: number): Promise<void> {
    const entry = this.#served(domid);
    const { hand, guest } = await this.#hand(entry);
    if (!(guest.words().features & XENSTORE_SERVER_FEATURE_RECONNECTION)) {
      throw new Error(
        "The word server_features does not offer a reconnection: write 15 into it again, or " +
          "release the domain and introduce it.",
      );
    }
    hand.say("Wrote 1 into connection, to begin anew, and raised the store's event.");
    await leaveRing(entry, "its ring is connected anew");
    if (entry.held) this.#context.session.byHand(domid, { kind: "close", note: "by hand no more" });
    await connectRing(this.#context.session, entry);
    entry.held = false;
    hand.renewed("The store has reset the page: the ring is the kernel's again.");
  }

  /** A domain whose ring the store knows. */
  #served(domid: number): DomainEntry {
    const entry = guestEntryOf(this.#context.session, domid, NO_RING);
    if (entry.state === "dead") {
      throw new DomainError(`Domain ${domid} has ended, and its ring with it. Reboot it first.`);
    }
    if (entry.introduced) return entry;
    throw new DomainError(`The store does not serve domain ${domid}: introduce it first.`);
  }

  #held(domid: number): DomainEntry {
    const entry = this.#served(domid);
    if (entry.held) return entry;
    throw new DomainError(`The kernel of domain ${domid} uses its ring: take it by hand first.`);
  }

  async #hand(entry: DomainEntry): Promise<{ hand: RingHand; guest: Guest }> {
    const { session } = this.#context;
    const guest = await guestOf(session, entry);
    entry.hand ??= new RingHand(guest, {
      changed: () => this.#context.changed(),
      message: (sent, message) => {
        const answer = message.type === XS_WATCH_EVENT ? "event" : "reply";
        session.byHand(entry.domid, { kind: sent ? "request" : answer, ...message });
      },
    });
    const { hand } = entry;
    guest.onEvent = () => {
      if (entry.held) hand.observe();
      this.#context.changed();
    };
    return { hand, guest };
  }
}

const FAULTS: Readonly<Record<RingFault, (hand: RingHand, guest: Guest) => void>> = {
  "req-index": (hand, guest) => {
    const value = (guest.words().reqCons + BEYOND) >>> 0;
    hand.poke("reqProd", value);
    hand.say(`So ${BEYOND} bytes of requests would wait, in a queue of ${XENSTORE_RING_SIZE}.`);
  },
  "rsp-index": (hand, guest) => {
    hand.poke("rspCons", (guest.words().rspProd + 1) >>> 0);
    hand.say("So a byte would have been taken that the store has not put there yet.");
  },
  oversize: (hand) => {
    const header = encodeMessage({
      type: XS_READ,
      reqId: hand.nextId(),
      txId: 0,
      payload: new Uint8Array(0),
    });
    new DataView(header.buffer).setUint32(12, OVERSIZE, true);
    hand.putRaw(header, `a header that announces ${OVERSIZE} bytes, where 4096 are allowed`);
  },
  "unknown-type": (hand) => {
    const payload = strings("/");
    const message = encodeMessage({ type: NO_TYPE, reqId: hand.nextId(), txId: 0, payload });
    hand.putRaw(message, `a message of type ${NO_TYPE}, which there is not`);
    hand.say("That breaks nothing: the message is whole, so the store answers with an error.");
  },
  "no-nul": (hand) => {
    const payload = new TextEncoder().encode("data");
    const message = encodeMessage({ type: XS_WRITE, reqId: hand.nextId(), txId: 0, payload });
    hand.putRaw(message, "a WRITE without the NUL that ends its path");
    hand.say("That breaks nothing: the message is whole, so the store answers with an error.");
  },
};
