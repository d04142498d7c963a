// Rings: a domain's ring: both queues as bytes, the words of its page, and its use by hand.
// Holds   the choice of the domain, the order of the parts.
// Never   draws more than ten times a second, however busy the ring is.
// Source  the XenStore protocol, ring.

import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import type { DomainInfo, RingInfo } from "../model/protocol.ts";
import { errorWords } from "../model/ring_texts.ts";
import { BreakRing } from "./ring_break.tsx";
import { ComposeRequest, HandLog, TakeReplies, TakeRing } from "./ring_hand.tsx";
import { QueueView } from "./ring_queue.tsx";
import { useQueues } from "./ring_queues.ts";
import { RingWordsTable } from "./ring_words.tsx";
import { act, domClass, domLabel, focused, link, past, seen } from "./state.ts";

/** Milliseconds from one drawing to the next. */
const PACE_MS = 100;

export function Rings() {
  const domid = focused.value;
  // Who comes here wants to see a ring, and domain 0 has none.
  useLayoutEffect(() => {
    const guest = seen.domains.peek()?.find((one) => one.domid !== 0 && one.state === "running");
    if (focused.peek() === 0 && guest) focused.value = guest.domid;
  }, []);
  useEffect(() => link.look({ ring: domid }), [domid]);
  useEffect(() => () => link.look({ ring: undefined }), []);
  const info = usePaced(seen.ring.value);
  const domain = seen.domains.value?.find((one) => one.domid === domid);
  return (
    <div class="ring-frame">
      <div class="ring" data-testid="ring" data-domid={domid}>
        <RingHead domid={domid} />
        {domid === 0 && <NoRing />}
        {domid !== 0 && info === null && <Missing domain={domain} />}
        {domid !== 0 && info === undefined && <p class="dim ring-note">The ring is being read.</p>}
        {domid !== 0 && info?.domid === domid && <Ring key={domid} info={info} domain={domain} />}
      </div>
    </div>
  );
}

/** The newest of what is given, at most so often. */
function usePaced<T>(newest: T): T {
  const [shown, setShown] = useState({ value: newest, at: 0 });
  useEffect(() => {
    const wait = shown.at + PACE_MS - performance.now();
    const show = () => setShown({ value: newest, at: performance.now() });
    if (wait <= 0) {
      show();
      return;
    }
    const timer = setTimeout(show, wait);
    return () => clearTimeout(timer);
  }, [newest]);
  return shown.value;
}

function RingHead({ domid }: { readonly domid: number }) {
  return (
    <div class="ring-head">
      <label>
        Ring of{" "}
        <select
          data-testid="ring-domain"
          value={domid}
          onChange={(event) => {
            focused.value = Number(event.currentTarget.value);
          }}
        >
          {(seen.domains.value ?? []).map((one) => (
            <option key={one.domid} value={one.domid}>
              {domLabel(one.domid)}
              {one.held ? " (by hand)" : ""}
            </option>
          ))}
        </select>
      </label>
      <span class="dim">one page of 4096 bytes that the guest and the store share</span>
    </div>
  );
}

function NoRing() {
  const guest = seen.domains.value?.find(({ domid }) => domid !== 0);
  return (
    <div class="ring-note">
      <p>
        <strong class={domClass(0)}>Domain 0</strong> has no ring here: its tools speak with the
        store over a socket. The same messages travel on it, without queues of 1024 bytes.
      </p>
      {guest ? (
        <button
          type="button"
          onClick={() => {
            focused.value = guest.domid;
          }}
        >
          Show the ring of {domLabel(guest.domid)}
        </button>
      ) : (
        <p>Add a domain to see a ring.</p>
      )}
    </div>
  );
}

function Missing({ domain }: { readonly domain: DomainInfo | undefined }) {
  return (
    <p class="ring-note">
      {domain?.state === "dead"
        ? "This domain is dead: its page is gone with it."
        : "The store has not mapped a ring of this domain. Introduce it in the list of domains."}
    </p>
  );
}

interface RingProps {
  readonly info: RingInfo;
  readonly domain: DomainInfo | undefined;
}

function Ring({ info, domain }: RingProps) {
  const { requests, replies } = useQueues(info);
  const { domid, words, held } = info;
  return (
    <>
      <RingState info={info} domain={domain} />
      <QueueView
        which="requests"
        queue={requests}
        writer={domLabel(domid)}
        reader="the store"
        colour={domClass(domid)}
      >
        {held && <ComposeRequest info={info} queue={requests} />}
      </QueueView>
      <QueueView
        which="replies"
        queue={replies}
        writer="the store"
        reader={domLabel(domid)}
        colour={domClass(domid)}
      >
        {held && <TakeReplies info={info} queue={replies} />}
      </QueueView>
      {held && <HandLog log={info.log} />}
      <RingWordsTable domid={domid} words={words} />
      <BreakRing domid={domid} />
    </>
  );
}

/** Whether the ring is served and by whom it is moved, and what can be done about it. */
function RingState({ info, domain }: RingProps) {
  const { domid, words, held } = info;
  const broken = words.error !== 0;
  if (domain?.introduced === false) {
    return (
      <p class="ring-state ring-broken" role="status" data-testid="ring-state">
        The store does not look at this page: the domain is not introduced. Introduce it in the list
        of domains.
      </p>
    );
  }
  return (
    <section class={`ring-state${broken ? " ring-broken" : ""}`} aria-label="State of the ring">
      <p class="grow" data-testid="ring-state" role="status">
        {broken ? (
          <>
            <strong class="bad">Not served, error {words.error}:</strong> {errorWords(words.error)}.
            The domain's watches and transactions are gone. A reconnection brings the ring back; so
            do releasing and introducing the domain.
          </>
        ) : held ? (
          <>
            <strong>By hand:</strong> nothing moves unless you move it. The store still reads what
            you put and answers.
          </>
        ) : (
          <>
            <strong class="good">Served:</strong> the domain's kernel moves the bytes, as fast as
            they come. Take the ring to move them one by one.
          </>
        )}
      </p>
      {!held && <TakeRing domid={domid} />}
      <button
        type="button"
        data-testid="ring-reconnect"
        class={broken ? "primary" : undefined}
        disabled={past.value}
        onClick={() => void act("ring.reconnect", { domid })}
      >
        Reconnect{held ? " and give it back" : ""}
      </button>
    </section>
  );
}
