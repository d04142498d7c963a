// Script: a program in the page, with the client that programs on Node have.
// Holds   the view: the editor, its buttons, and what the script has printed.
// Never   runs anything that nobody asked for.
// Source  our own; docs/library.md.

import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { Dialog } from "./dialog.tsx";
import type { ScriptEditor } from "./script_editor.ts";
import { EXAMPLES } from "./script_examples.ts";
import { ScriptOutput } from "./script_output.tsx";
import {
  badPlace,
  edited,
  given,
  type RunState,
  run,
  save,
  scriptText,
  start,
  stop,
} from "./script_state.ts";
import { seen, tell } from "./state.ts";

/** It stays while other views are open. */
let editor: ScriptEditor | null = null;

export function Script() {
  return (
    <div class="script">
      <ScriptBar />
      <div class="script-parts">
        <div class="script-left">
          <ScriptText />
          <p class="script-keys dim" id="script-keys">
            Ctrl+Enter runs the script. Tab leaves the editor; Ctrl+] and Ctrl+[ indent.
          </p>
        </div>
        <ScriptOutput goTo={(place) => editor?.goTo(place)} />
      </div>
    </div>
  );
}

const RUNS: readonly RunState["state"][] = ["starting", "running", "waiting"];

function ScriptBar() {
  const { state } = run.value;
  const runs = RUNS.includes(state);
  return (
    <div class="bar">
      <button
        type="button"
        class="primary"
        data-testid="script-run"
        disabled={!seen.session.value}
        onClick={() => void start()}
      >
        {runs ? "Run again" : "Run"}
      </button>
      <button type="button" data-testid="script-stop" disabled={!runs} onClick={stop}>
        Stop
      </button>
      <Examples />
      <Help />
      <span class="script-state" role="status" data-state={state}>
        {wordsFor(run.value)}
      </span>
    </div>
  );
}

function wordsFor(now: RunState): string {
  if (now.state !== "waiting") {
    const words = {
      idle: "",
      starting: "Starting…",
      running: "Running…",
      finished: "Finished.",
      failed: "Ended by an error.",
      stopped: "Stopped.",
    };
    return words[now.state];
  }
  // With connections open, most timers are those of the library.
  const [n, what] = now.connections > 0 ? [now.connections, "connection"] : [now.timers, "timer"];
  return `The last line has run; ${n} ${what}${n === 1 ? " is" : "s are"} still open.`;
}

function Examples() {
  const choose = (event: Event) => {
    const select = event.currentTarget as HTMLSelectElement;
    const example = EXAMPLES.find(({ id }) => id === select.value);
    select.value = "";
    if (!example) return;
    const own = !EXAMPLES.some(({ text }) => text === scriptText());
    editor?.replace(example.text);
    if (own)
      tell("info", "The example has taken your script's place. Undo (Ctrl+Z) brings it back.");
  };
  return (
    <label>
      <span class="said">Examples</span>
      <select class="script-bar-examples" data-testid="script-examples" onChange={choose}>
        <option value="">Examples…</option>
        {EXAMPLES.map(({ id, title }) => (
          <option key={id} value={id}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}

function Help() {
  const open = useSignal(false);
  return (
    <>
      <button
        type="button"
        data-testid="script-help"
        aria-haspopup="dialog"
        onClick={() => {
          open.value = true;
        }}
      >
        Help
      </button>
      {open.value && (
        <Dialog
          title="Scripts"
          testid="script-help-dialog"
          onClose={() => {
            open.value = false;
          }}
        >
          <HelpText />
        </Dialog>
      )}
    </>
  );
}

function HelpText() {
  return (
    <>
      <p>
        The same library as on Node: <code>import {'{ connect } from "xenstore"'}</code>, then{" "}
        <code>const xs = await connect()</code>. Scripts from the library's guide run here as they
        are; <code>connect()</code> leads to this page's store, as domain 0.
      </p>
      <p>
        <code>await asDomain(7)</code>, imported from <code>"xenstore"</code> too, is a client with
        the rights and the limits of domain 7. Only this page has it; on Node the store of{" "}
        <code>createStore()</code> has a method of that name.
      </p>
      <p>
        <code>await</code> stands anywhere. What <code>console.log</code> prints is shown below the
        script. An error that nobody catches ends the script and says in which line it was.
      </p>
      <p>
        A script runs in a worker of its own. It reaches this page's store and nothing else: no
        other site, and nothing of what this browser keeps. Stop ends it whatever it does. It is
        kept with the session and goes along with a link, but it runs only when somebody presses
        Run.
      </p>
    </>
  );
}

function ScriptText() {
  const place = useRef<HTMLDivElement>(null);
  const [state, setState] = useState<"loading" | "there" | string>(editor ? "there" : "loading");
  useEffect(() => {
    let left = false;
    load()
      .then((loaded) => {
        if (left || !place.current) return;
        loaded.showIn(place.current);
        setState("there");
      })
      .catch(() => setState("The editor could not be loaded. Reload the page to try again."));
    return () => {
      left = true;
      save();
    };
  }, []);
  useSignalEffect(() => {
    const text = given.value;
    editor?.open(text);
  });
  useSignalEffect(() => {
    const bad = badPlace.value;
    editor?.mark(bad);
  });
  return (
    <div class="script-text">
      {state !== "there" && (
        <p class="card dim" role="status">
          {state === "loading" ? "The editor is loading…" : state}
        </p>
      )}
      <div class="script-place" ref={place} />
    </div>
  );
}

async function load(): Promise<ScriptEditor> {
  if (editor) return editor;
  const { ScriptEditor } = await import("./script_editor.ts");
  editor ??= new ScriptEditor(scriptText(), {
    changed: edited,
    left: save,
    run: () => void start(),
  });
  return editor;
}
