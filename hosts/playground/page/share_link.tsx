// Share link: a link that holds the session, or only its tree.
// Holds   the link that was made last; another session has none yet.
// Never   sends it: what stands behind "#" stays in the browser.
// Source  our own.

import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { counted, LINK_MAX, linkWarning } from "./share_words.ts";
import { call, seen } from "./state.ts";

type What = "everything" | "tree";

interface Made {
  readonly link: string;
  readonly copied: boolean;
}

/** Makes a link, and puts it into the clipboard where the browser lets us. */
async function make(what: What): Promise<Made | string> {
  try {
    const { fragment } = await call("share.link", { what });
    const link = `${location.origin}${location.pathname}${location.search}#${fragment}`;
    if (link.length > LINK_MAX) return linkWarning(link.length) ?? "";
    return { link, copied: await toClipboard(link) };
  } catch (error) {
    return (error as Error).message;
  }
}

export function ShareLink() {
  const what = useSignal<What>("everything");
  /** The link, or why there is none. */
  const made = useSignal<Made | string | null>(null);
  const busy = useSignal(false);
  const field = useRef<HTMLInputElement>(null);
  const id = useComputed(() => seen.session.value?.id);
  useSignalEffect(() => {
    id.value;
    made.value = null;
  });
  const copy = async () => {
    if (busy.value) return;
    busy.value = true;
    made.value = await make(what.value);
    busy.value = false;
    // Where the browser refuses, the link stands there to be copied by hand.
    const byHand = typeof made.value !== "string" && !made.value.copied;
    if (byHand) requestAnimationFrame(() => field.current?.select());
  };
  const choose = (value: What) => {
    what.value = value;
    made.value = null;
  };
  return (
    <section class="share-part card" aria-labelledby="share-link-title">
      <h2 id="share-link-title">Send a link</h2>
      <p class="dim">
        The link holds all of it: whoever opens it sees what you see now, and goes on with a copy.
        Nothing is uploaded; what stands behind # never leaves the browser by itself.
      </p>
      <fieldset class="share-what">
        <legend class="said">What the link holds</legend>
        <Choice what={what.value} value="everything" choose={choose}>
          Everything: history, domains, script
        </Choice>
        <Choice what={what.value} value="tree" choose={choose}>
          Only what is there now, without its history: shorter
        </Choice>
      </fieldset>
      <div class="share-ways">
        <button
          type="button"
          class="primary"
          data-testid="share-copy"
          aria-disabled={busy.value}
          onClick={() => void copy()}
        >
          {busy.value ? "Making the link…" : "Copy link"}
        </button>
      </div>
      <div role="status">
        {typeof made.value === "string" && <p class="share-warning">{made.value}</p>}
        {made.value && typeof made.value !== "string" && <Result made={made.value} field={field} />}
      </div>
    </section>
  );
}

interface ChoiceProps {
  readonly what: What;
  readonly value: What;
  readonly choose: (value: What) => void;
  readonly children: string;
}

function Choice({ what, value, choose, children }: ChoiceProps) {
  return (
    <label>
      <input
        type="radio"
        name="share-what"
        value={value}
        checked={what === value}
        onChange={() => choose(value)}
      />
      {children}
    </label>
  );
}

interface ResultProps {
  readonly made: Made;
  readonly field: { current: HTMLInputElement | null };
}

function Result({ made: { link, copied }, field }: ResultProps) {
  const warning = linkWarning(link.length);
  return (
    <>
      <p>
        {copied
          ? "The link is in the clipboard: "
          : "The browser doesn't let us copy. Copy it from here: "}
        {counted(link.length, "character")}. It holds what was here when you pressed the button.
      </p>
      <input
        class="share-link mono"
        data-testid="share-link"
        aria-label="The link"
        readOnly
        value={link}
        ref={field}
        onFocus={(event) => event.currentTarget.select()}
      />
      {warning !== null && <p class="share-warning">{warning}</p>}
    </>
  );
}

async function toClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
