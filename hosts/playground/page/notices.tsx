// Notices: what has to be told: what went wrong, what was done, and that the store is gone.
// Holds   the notices that are open, in two live regions.
// Never   takes the focus.
// Source  our own; WCAG 2.2, Status Messages.

import type { Notice } from "../model/protocol.ts";
import { dismiss, ended, notices } from "./state.ts";

const WORDS: Readonly<Record<Notice["kind"], string>> = {
  info: "Note",
  warning: "Warning",
  error: "Error",
};

export function Notices() {
  return (
    <>
      <Ended />
      <div class="notices" data-testid="notices">
        <div role="alert">{list((kind) => kind === "error")}</div>
        <div role="status">{list((kind) => kind !== "error")}</div>
      </div>
    </>
  );
}

function list(which: (kind: Notice["kind"]) => boolean) {
  return notices.value
    .filter(({ kind }) => which(kind))
    .map(({ id, kind, text }) => (
      <div key={id} class={`notice notice-${kind}`} data-testid="notice">
        <p>
          <strong>{WORDS[kind]}:</strong> {text}
        </p>
        <button type="button" class="plain" onClick={() => dismiss(id)}>
          Dismiss<span class="said">: {text}</span>
        </button>
      </div>
    ));
}

/** The worker has ended: nothing goes on without a reload. */
function Ended() {
  return (
    <div role="alert" class="ended-region">
      {ended.value !== null && (
        <div class="ended" data-testid="ended">
          <p>
            <strong>The store has stopped.</strong> What you see is its last state; nothing can be
            changed any more. A reload brings back what was kept.
            <span class="dim mono"> {ended.value}</span>
          </p>
          <button type="button" class="primary" onClick={() => location.reload()}>
            Reload
          </button>
        </div>
      )}
    </div>
  );
}
