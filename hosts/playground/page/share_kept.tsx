// Share kept: the sessions that this browser keeps: open one, delete one, begin a new one.
// Holds   the list as it was when it was asked for last.
// Never   deletes anything at one press.
// Source  our own.

import { signal, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { KeptSession } from "../model/protocol.ts";
import { agoWords, sizeWords } from "./share_words.ts";
import { act, call, seen } from "./state.ts";

const list = signal<readonly KeptSession[] | null>(null);
const problem = signal<string | null>(null);

async function refresh(): Promise<void> {
  try {
    list.value = await call("kept.list", {});
    problem.value = null;
  } catch (error) {
    problem.value = (error as Error).message;
  }
}

const EVERY_MS = 10_000;

export function ShareKept() {
  useSignalEffect(() => {
    seen.session.value?.id;
    seen.session.value?.name;
    seen.session.value?.kept;
    void refresh();
  });
  useEffect(() => {
    const again = () => void refresh();
    const timer = setInterval(again, EVERY_MS);
    addEventListener("focus", again);
    return () => {
      clearInterval(timer);
      removeEventListener("focus", again);
    };
  }, []);
  const kept = seen.session.value?.kept;
  return (
    <section class="share-part card" aria-labelledby="share-kept-title">
      <h2 id="share-kept-title">Kept in this browser</h2>
      <p class="dim">
        Each session is kept here as it goes, by this browser and for this site only, until you
        delete it or clear the site's data. Nothing is sent anywhere. To have it elsewhere, save it
        to a file or send a link.
      </p>
      {typeof kept === "string" && (
        <p class="share-warning">The session that is open is not kept. {kept}</p>
      )}
      {problem.value !== null && <p class="share-warning">{problem.value}</p>}
      <Rows />
      <div class="share-ways">
        <button type="button" data-testid="session-new" onClick={() => void act("open.empty", {})}>
          New empty session
        </button>
      </div>
    </section>
  );
}

function Rows() {
  const rows = list.value;
  const sure = useSignal<string | null>(null);
  if (rows === null) return null;
  if (rows.length === 0) return <p>No session is kept yet.</p>;
  return (
    <ul class="share-kept">
      {rows.map((one) => (
        <Row
          key={one.id}
          one={one}
          asks={sure.value === one.id}
          ask={(yes) => {
            sure.value = yes ? one.id : null;
          }}
        />
      ))}
    </ul>
  );
}

interface RowProps {
  readonly one: KeptSession;
  readonly asks: boolean;
  readonly ask: (yes: boolean) => void;
}

function Row({ one, asks, ask }: RowProps) {
  const { id, name, bytes, changed, busy } = one;
  const here = seen.session.value?.id === id;
  const state = here ? "open here" : busy ? "open in another tab" : "";
  return (
    <li data-testid="kept" data-id={id}>
      <div class="share-name">
        <strong>{name}</strong>
        <span class="dim">
          {`${sizeWords(bytes)}, changed ${agoWords(changed, Date.now())}`}
          {state !== "" && (
            <>
              {" "}
              <span class={`tag ${here ? "good" : "share-busy"}`}>{state}</span>
            </>
          )}
        </span>
      </div>
      {asks ? (
        <Sure one={one} ask={ask} />
      ) : (
        <div class="share-ways">
          <button
            type="button"
            data-testid="kept-open"
            disabled={here || busy}
            onClick={() => void act("open.kept", { id })}
          >
            Open<span class="said"> {name}</span>
          </button>
          <button
            type="button"
            data-testid="kept-remove"
            disabled={here || busy}
            onClick={() => ask(true)}
          >
            Delete<span class="said"> {name}</span>
          </button>
        </div>
      )}
    </li>
  );
}

/** Asks before it is gone for good. */
function Sure({ one: { id, name }, ask }: Omit<RowProps, "asks">) {
  const no = useRef<HTMLButtonElement>(null);
  useEffect(() => no.current?.focus(), []);
  const remove = async () => {
    await act("kept.remove", { id });
    ask(false);
    await refresh();
    document.querySelector<HTMLElement>("[data-testid=session-new]")?.focus();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape is a second way to say no
    <div
      class="share-ways"
      onKeyDown={({ key }) => {
        if (key === "Escape") ask(false);
      }}
    >
      <span>Delete it for good?</span>
      <button type="button" ref={no} onClick={() => ask(false)}>
        Keep<span class="said"> {name}</span>
      </button>
      <button type="button" data-testid="kept-remove-sure" onClick={() => void remove()}>
        Delete<span class="said"> {name} for good</span>
      </button>
    </div>
  );
}
