// Packet trace: all messages to a file, and from one.
// Holds   the buttons for a trace, and what can be done with it.
// Never   reads a trace itself: the engine does.
// Source  our own.

import { useSignal } from "@preact/signals";
import { Dialog } from "./dialog.tsx";
import { download } from "./download.ts";
import { EngineError } from "./engine.ts";
import { confirmFile, confirmOpen } from "./open.tsx";
import { call, tell } from "./state.ts";

const FILE = "xenstore.trace.txt";

export function TraceButtons() {
  const importing = useSignal(false);
  return (
    <div class="packets-trace">
      <button type="button" data-testid="trace-export" onClick={exportTrace}>
        Export trace
      </button>
      <button
        type="button"
        data-testid="trace-import"
        onClick={() => {
          importing.value = true;
        }}
      >
        Import trace
      </button>
      <span class="dim packets-hint">
        <code>xenstore replay FILE</code> on the command line runs an exported trace again.
      </span>
      {importing.value && (
        <ImportDialog
          onClose={() => {
            importing.value = false;
          }}
        />
      )}
    </div>
  );
}

async function exportTrace(): Promise<void> {
  try {
    download(FILE, await call("export.trace", {}));
    tell("info", `The trace is in ${FILE}: "xenstore replay ${FILE}" runs it again.`);
  } catch (error) {
    tell("error", error instanceof EngineError ? error.message : String(error));
  }
}

function ImportDialog({ onClose }: { onClose: () => void }) {
  const text = useSignal("");
  return (
    <Dialog title="Import a trace" onClose={onClose} testid="trace-import-dialog" close="Cancel">
      <p>
        A trace that was exported here, or another one in the same form, also packed by gzip. You
        see what is in it before it is opened; this session is kept.
      </p>
      <p>
        <label>
          A file{" "}
          <input
            type="file"
            data-testid="trace-file"
            onChange={({ currentTarget }) => {
              const chosen = currentTarget.files?.[0];
              if (!chosen) return;
              onClose();
              confirmFile(chosen);
            }}
          />
        </label>
      </p>
      <label class="packets-paste">
        Or its text
        <textarea
          rows={8}
          class="mono"
          data-testid="trace-text"
          spellcheck={false}
          onInput={({ currentTarget }) => {
            text.value = currentTarget.value;
          }}
        />
      </label>
      <p>
        <button
          type="button"
          class="primary"
          data-testid="trace-look"
          disabled={text.value.trim() === ""}
          onClick={() => {
            onClose();
            confirmOpen(text.peek(), "");
          }}
        >
          Look at it
        </button>
      </p>
    </Dialog>
  );
}
