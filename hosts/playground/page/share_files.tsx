// Share files: the session as files for other people and other tools, and theirs opened here.
// Holds   what was typed into the box for pasted text.
// Never   uploads: files are written and read by the browser itself.
// Source  our own.

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { download } from "./download.ts";
import { confirmFile, confirmOpen } from "./open.tsx";
import { fileName } from "./share_words.ts";
import { call, seen, tell } from "./state.ts";

interface Saved {
  readonly testid: string;
  readonly words: string;
  readonly what: string;
  readonly ending: string;
  readonly make: () => Promise<Uint8Array | string>;
}

const FILES: readonly Saved[] = [
  {
    testid: "share-file",
    words: "Save the session",
    what: "everything, to be opened here again",
    ending: "session.jsonl",
    make: () => call("export.session", {}),
  },
  {
    testid: "share-trace",
    words: "Save a trace",
    what: "all messages, one a line: for xenstore/testing and for bug reports",
    ending: "trace.txt",
    make: () => call("export.trace", {}),
  },
  {
    testid: "share-listing",
    words: "Save a listing",
    what: "the tree, as xenstore-ls -fp prints it",
    ending: "listing.txt",
    make: () => call("export.listing", {}),
  },
];

export function ShareFiles() {
  return (
    <section class="share-part card" aria-labelledby="share-files-title">
      <h2 id="share-files-title">Save to a file</h2>
      <dl class="share-files">
        {FILES.map((file) => (
          <div key={file.testid}>
            <dt>
              <button type="button" data-testid={file.testid} onClick={() => void save(file)}>
                {file.words}
              </button>
            </dt>
            <dd class="dim">{file.what}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

async function save({ make, ending }: Saved): Promise<void> {
  try {
    const contents = await make();
    const name = fileName(seen.session.value?.name ?? "", new Date(), ending);
    download(name, contents);
    tell("info", `${name} is with your downloads.`);
  } catch (error) {
    tell("error", `The file could not be made: ${(error as Error).message}`);
  }
}

export function ShareOpen() {
  const input = useRef<HTMLInputElement>(null);
  const choose = async () => {
    const element = input.current;
    const file = element?.files?.[0];
    if (element && file) {
      await confirmFile(file);
      // So that the same file can be chosen again.
      element.value = "";
    }
  };
  return (
    <section class="share-part card" aria-labelledby="share-open-title">
      <h2 id="share-open-title">Open something</h2>
      <p class="dim">
        A session, a trace, what <code>xenstore-ls -fp</code> prints on a real host, or the JSON of{" "}
        <code>xenstore export --json</code>. You see what was found before it is opened.
      </p>
      <div class="share-ways">
        <button type="button" data-testid="share-open" onClick={() => input.current?.click()}>
          Open a file…
        </button>
        <span class="dim">or drop one anywhere on the page</span>
        <input
          type="file"
          class="share-input"
          tabIndex={-1}
          aria-label="File to open"
          ref={input}
          onChange={() => void choose()}
        />
      </div>
      <Paste />
    </section>
  );
}

function Paste() {
  const text = useSignal("");
  const busy = useSignal(false);
  const open = async () => {
    if (busy.value || text.value.trim() === "") return;
    busy.value = true;
    if (await confirmOpen(text.value, "")) text.value = "";
    busy.value = false;
  };
  return (
    <div class="share-paste">
      <label for="share-paste">
        Paste the output of <code>xenstore-ls -fp</code> from a real host, or a trace
      </label>
      <textarea
        id="share-paste"
        class="mono"
        data-testid="share-paste"
        rows={4}
        spellcheck={false}
        autocomplete="off"
        placeholder={'/local/domain/0/name = "Domain-0"   (n0)'}
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
        }}
      />
      <div class="share-ways">
        <button
          type="button"
          data-testid="share-paste-open"
          disabled={text.value.trim() === ""}
          onClick={() => void open()}
        >
          Look at it
        </button>
      </div>
    </div>
  );
}
