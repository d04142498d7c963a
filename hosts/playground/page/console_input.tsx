// Console input: the line to type: history, completion, stopping what runs.
// Holds   the line, and the list of what could be completed.
// Never   has a key wait for the engine: completions are asked for while one types.
// Source  the ARIA Authoring Practices, Combobox; readline.

import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { completed, type Edited } from "../model/console_edit.ts";
import { Completions } from "./console_complete.tsx";
import { historyOf, wanted } from "./console_open.ts";
import { type Found, useCompletions } from "./console_options.ts";
import { Prompt } from "./console_output.tsx";
import { clearConsole, domLabel, past } from "./state.ts";

interface InputProps {
  readonly domid: number;
  readonly ended: boolean;
  readonly onRun: (line: string) => void;
  /** Returns whether there was something to stop. */
  readonly onStop: () => boolean;
}

export function ConsoleInput({ domid, ended, onRun, onStop }: InputProps) {
  const input = useRef<HTMLInputElement>(null);
  const list = useId();
  const hint = useId();
  const [edited, setEdited] = useState<Edited>({ line: "", cursor: 0 });
  const [active, setActive] = useState(-1);
  const [listed, setListed] = useState<Found | null>(null);
  const leaving = useRef(false);
  const moved = useRef(false);
  const options = useCompletions(domid);
  useLayoutEffect(() => {
    if (!moved.current) return;
    moved.current = false;
    input.current?.setSelectionRange(edited.cursor, edited.cursor);
  }, [edited]);
  useEffect(() => {
    if (wanted.value !== domid) return;
    wanted.value = null;
    input.current?.focus();
  }, [wanted.value, domid]);

  const close = () => {
    setListed(null);
    setActive(-1);
  };
  const put = (next: Edited) => {
    moved.current = true;
    setEdited(next);
    options.ask(next);
  };
  const run = (line: string) => {
    close();
    setEdited({ line: "", cursor: 0 });
    onRun(line);
  };
  /** Puts what was found in; `always`: shows the list even of one. */
  const complete = (now: Edited, found: Found, always: boolean) => {
    const next = completed(now.line, now.cursor, found);
    if (!next) return close();
    if (always && !next.open) {
      setListed(found);
      return;
    }
    put(next);
    setActive(-1);
    setListed(next.open ? { ...found, line: next.line, cursor: next.cursor } : null);
  };
  const accept = (option: string) => {
    if (!listed) return;
    const found = { from: listed.from, options: [option] };
    const next = completed(edited.line, edited.cursor, found);
    if (next) put(next);
    close();
    input.current?.focus();
  };
  const ask = (always: boolean) => {
    const now = here(input.current, edited);
    const known = options.known(now);
    if (known) {
      complete(now, known, always);
      return;
    }
    void options.find(now).then((found) => {
      if (input.current?.value === now.line) complete(now, found, always);
    });
  };
  const step = (by: -1 | 1) => {
    if (listed) {
      const count = listed.options.length;
      setActive((active + by + count) % count);
      return;
    }
    const line = historyOf(domid).move(by, edited.line);
    if (line !== null) put({ line, cursor: line.length });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
    const plain = !ctrlKey && !metaKey && !altKey;
    const leave = leaving.current;
    if (key !== "Shift") leaving.current = false;
    let used = true;
    if (key === "Tab" && plain && !shiftKey) {
      used = !leave && mayComplete(here(input.current, edited), options.known, listed !== null);
      if (used && listed) step(1);
      else if (used) ask(false);
      else close();
    } else if (key === " " && ctrlKey) ask(true);
    else if (key === "Escape") {
      close();
      leaving.current = true;
    } else if (key === "Enter" && plain) {
      if (listed && active >= 0) accept(listed.options[active]);
      else run(edited.line);
    } else if (key === "ArrowUp" && plain) step(-1);
    else if (key === "ArrowDown" && plain) step(1);
    else if (key === "c" && ctrlKey && nothingSelected(input.current)) {
      if (!onStop()) put({ line: "", cursor: 0 });
      close();
    } else if (key === "l" && ctrlKey) clearConsole(domid);
    else used = false;
    if (used) event.preventDefault();
  };
  const off = ended || past.value;
  return (
    <div class="console-input">
      <label class="console-label">
        <Prompt domid={domid} />
        <input
          ref={input}
          class="mono grow"
          data-testid="console-input"
          role="combobox"
          aria-label={`Command for ${domLabel(domid)}`}
          aria-expanded={listed !== null}
          aria-controls={list}
          aria-autocomplete="list"
          aria-activedescendant={active >= 0 ? `${list}-${active}` : undefined}
          aria-describedby={hint}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          enterkeyhint="go"
          disabled={off}
          placeholder={placeholder(ended)}
          value={edited.line}
          onInput={({ currentTarget: { value, selectionEnd } }) => {
            const next = { line: value, cursor: selectionEnd ?? value.length };
            setEdited(next);
            setActive(-1);
            options.ask(next, (found) => {
              setListed((before) => (before && found.options.length > 0 ? found : null));
            });
          }}
          onKeyDown={onKeyDown}
          onFocus={({ currentTarget: at }) => {
            // Tab selects all of it, and what is selected is copied by Ctrl+C.
            at.setSelectionRange(at.value.length, at.value.length);
          }}
          onBlur={close}
        />
      </label>
      <button
        type="button"
        class="console-run"
        data-testid="console-run"
        disabled={off || edited.line.trim() === ""}
        onClick={() => {
          run(edited.line);
          input.current?.focus();
        }}
      >
        Run<span class="said"> in {domLabel(domid)}</span>
      </button>
      <p id={hint} class="said">
        Tab completes; Escape and then Tab leaves. Control and C stops what runs.
      </p>
      <Completions id={list} found={listed} active={active} onChoose={accept} />
    </div>
  );
}

function placeholder(ended: boolean): string {
  if (ended) return "This domain has ended.";
  return past.value ? "Go back to now to run commands." : "";
}

function here(input: HTMLInputElement | null, { line }: Edited): Edited {
  return { line, cursor: input?.selectionEnd ?? line.length };
}

function nothingSelected(input: HTMLInputElement | null): boolean {
  const inside = input !== null && input.selectionStart !== input.selectionEnd;
  return !inside && (document.getSelection()?.isCollapsed ?? true);
}

/** Whether Tab completes; else it goes on to the next control, as everywhere. */
function mayComplete(now: Edited, known: (now: Edited) => Found | null, listed: boolean): boolean {
  if (listed) return true;
  if (now.line.slice(0, now.cursor).trim() === "") return false;
  const found = known(now);
  return !found || completed(now.line, now.cursor, found) !== null;
}
