// Ring hand: a ring moved by hand: requests composed and put byte by byte, replies taken.
// Holds   the forms and buttons for it, and the log of what was done.
// Never   moves a byte by itself: the engine does, in the real page.
// Source  the XenStore protocol, ring (Moving bytes).

import { useEffect, useRef, useState } from "preact/hooks";
import type { RingInfo } from "../model/protocol.ts";
import { bytesAt, cutMessages, openEnd, type Queue } from "../model/ring_bytes.ts";
import { REQUESTS } from "../model/ring_texts.ts";
import { Messages, Strip } from "./ring_message.tsx";
import { act, past } from "./state.ts";

type Count = number | "header" | "message";

export function TakeRing({ domid }: { readonly domid: number }) {
  return (
    <button
      type="button"
      class="primary"
      data-testid="ring-hold"
      disabled={past.value}
      onClick={() => void act("ring.hold", { domid })}
    >
      Take the ring
    </button>
  );
}

interface HandProps {
  readonly info: RingInfo;
  readonly queue: Queue;
}

export function ComposeRequest({ info, queue }: HandProps) {
  const { domid, waiting } = info;
  const begun = openEnd(queue);
  const head = begun && bytesAt(queue.bytes, begun.start, Math.min(16, begun.have));
  const pieces = cutMessages(waiting, begun, head ?? undefined);
  const put = (count: Count) => act("ring.put", { domid, count });
  const none = waiting.length === 0 || past.value;
  return (
    <section class="ring-hand" aria-label="Requests by hand">
      <ComposeForm domid={domid} />
      <p data-testid="ring-waiting">
        {waiting.length === 0
          ? "Nothing is composed. Compose a message, then put it into the queue."
          : `${waiting.length} bytes are composed and not in the queue yet:`}
      </p>
      {waiting.length > 0 && (
        <>
          <Strip bytes={waiting} pieces={pieces} label="Bytes that wait to be put" />
          <Messages pieces={pieces} label="Messages that wait to be put" empty="" />
        </>
      )}
      <Steps
        verb="Put"
        none={none}
        headless={begun !== null && begun.have >= 16}
        testid="ring-put"
        onStep={(count) => void put(count)}
      />
    </section>
  );
}

export function TakeReplies({ info, queue }: HandProps) {
  const { domid, taken } = info;
  const pieces = cutMessages(taken, null);
  const begun = pieces.at(-1);
  const none = queue.fill === 0 || queue.broken || past.value;
  return (
    <section class="ring-hand" aria-label="Replies by hand">
      <Steps
        verb="Take"
        none={none}
        headless={begun !== undefined && begun.have < begun.total && begun.header !== null}
        testid="ring-take"
        onStep={(count) => void act("ring.take", { domid, count })}
      />
      <p data-testid="ring-taken">
        {taken.length === 0
          ? "Nothing was taken yet."
          : `${taken.length} bytes were taken from the queue:`}
      </p>
      {taken.length > 0 && (
        <>
          <Strip bytes={taken} pieces={pieces} label="Bytes that were taken" />
          <Messages pieces={pieces} label="Messages that were taken" empty="" />
        </>
      )}
    </section>
  );
}

interface StepsProps {
  readonly verb: string;
  readonly none: boolean;
  /** The header of the message has been moved already. */
  readonly headless: boolean;
  readonly testid: string;
  readonly onStep: (count: Count) => void;
}

/** aria-disabled keeps the focus where it is when the last byte has gone. */
function Steps({ verb, none, headless, testid, onStep }: StepsProps) {
  const steps: readonly (readonly [Count, string, string, boolean])[] = [
    [1, "1 byte", "byte", none],
    ["header", "header", "header", none || headless],
    ["message", headless ? "rest of the message" : "message", "message", none],
  ];
  return (
    <div class="ring-steps">
      {steps.map(([count, label, name, off]) => (
        <button
          key={name}
          type="button"
          data-testid={`${testid}-${name}`}
          aria-disabled={off}
          onClick={() => {
            if (!off) onStep(count);
          }}
        >
          {verb} {label}
        </button>
      ))}
    </div>
  );
}

function ComposeForm({ domid }: { readonly domid: number }) {
  const first = useRef<HTMLSelectElement>(null);
  const [type, setType] = useState("WRITE");
  const request = REQUESTS.find((one) => one.type === type) ?? REQUESTS[0];
  const [path, setPath] = useState(request.example[0]);
  const [value, setValue] = useState(request.example[1]);
  const [txId, setTxId] = useState("0");
  // The button that took the ring is gone: the next thing to do gets the focus.
  useEffect(() => {
    if (document.activeElement === document.body) first.current?.focus({ preventScroll: true });
  }, []);
  const choose = (next: string) => {
    setType(next);
    const [examplePath, exampleValue] = REQUESTS.find((one) => one.type === next)?.example ?? [
      "",
      "",
    ];
    setPath(examplePath);
    setValue(exampleValue);
  };
  const compose = (event: Event) => {
    event.preventDefault();
    const fields = { path: request.path ? path : "", value: request.value ? value : "" };
    void act("ring.compose", { domid, type, ...fields, txId: Number(txId) || 0 });
  };
  return (
    <form class="ring-form" data-testid="ring-compose-form" aria-label="Compose" onSubmit={compose}>
      <label>
        Message
        <select
          ref={first}
          data-testid="ring-type"
          value={type}
          onChange={(event) => choose(event.currentTarget.value)}
        >
          {REQUESTS.map((one) => (
            <option key={one.type}>{one.type}</option>
          ))}
        </select>
      </label>
      {request.path && (
        <Input label={request.path} testid="ring-path" value={path} onInput={setPath} />
      )}
      {request.value && (
        <Input label={request.value} testid="ring-value" value={value} onInput={setValue} />
      )}
      <Input label="tx_id" testid="ring-tx" value={txId} onInput={setTxId} short />
      <button type="submit" data-testid="ring-compose" disabled={past.value}>
        Compose
      </button>
    </form>
  );
}

interface InputProps {
  readonly label: string;
  readonly testid: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly short?: boolean;
}

function Input({ label, testid, value, onInput, short }: InputProps) {
  return (
    <label>
      {label}
      <input
        class={`mono${short ? " ring-short" : ""}`}
        data-testid={testid}
        autocomplete="off"
        spellcheck={false}
        inputMode={short ? "numeric" : undefined}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </label>
  );
}

const LOG_SHOWN = 100;

export function HandLog({ log }: { readonly log: readonly string[] }) {
  const box = useRef<HTMLOListElement>(null);
  useEffect(() => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [log]);
  const from = Math.max(0, log.length - LOG_SHOWN);
  return (
    <section class="ring-part" aria-label="What was done by hand">
      <h2>What was done</h2>
      <div
        class="ring-log"
        role="log"
        aria-label="What was done by hand"
        data-testid="ring-log"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
        tabIndex={0}
      >
        <ol ref={box} start={from + 1}>
          {log.slice(from).map((line, at) => (
            <li key={from + at}>{line}</li>
          ))}
        </ol>
        {log.length === 0 && <p class="dim">Nothing yet.</p>}
      </div>
    </section>
  );
}
