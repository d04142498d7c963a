// Console pane: one domain's console: what was printed, what runs, the line to type.
// Holds   the head and the commands that run, and how a command is run.
// Never   waits for a command: what it prints comes by itself.
// Source  our own.

import { ConsoleInput } from "./console_input.tsx";
import { closeConsole, historyOf } from "./console_open.ts";
import { ConsoleOutput } from "./console_output.tsx";
import { EngineError } from "./engine.ts";
import { act, call, clearConsole, domClass, domLabel, focused, queue, seen } from "./state.ts";

interface PaneProps {
  readonly domid: number;
  readonly closable: boolean;
}

export function ConsolePane({ domid, closable }: PaneProps) {
  const domain = seen.domains.value?.find((one) => one.domid === domid);
  const label = domLabel(domid);
  return (
    <section
      class={`console${focused.value === domid ? " console-focused" : ""}`}
      aria-label={`Console of ${label}`}
      data-testid="console"
      data-domid={domid}
      onFocusIn={() => {
        focused.value = domid;
      }}
    >
      <div class="console-head">
        <strong class={domClass(domid)}>{label}</strong>
        {domain && domain.state !== "running" && (
          <span class="tag dim">{domain.state === "dead" ? "dead" : "shut down"}</span>
        )}
        <span class="grow" />
        <button
          type="button"
          class="plain"
          data-testid="console-clear"
          onClick={() => clearConsole(domid)}
        >
          Clear<span class="said"> console of {label}</span>
        </button>
        {closable && (
          <button
            type="button"
            class="plain"
            data-testid="console-close"
            onClick={() => closeConsole(domid)}
          >
            Close<span class="said"> console of {label}</span>
          </button>
        )}
      </div>
      <ConsoleOutput domid={domid} onRun={(line) => runLine(domid, line)} />
      <Running domid={domid} />
      <ConsoleInput
        domid={domid}
        ended={domain?.state === "dead"}
        onRun={(line) => runLine(domid, line)}
        onStop={() => stopLast(domid)}
      />
    </section>
  );
}

/** Commands that go on, such as watches, each with a way to end it. */
function Running({ domid }: { readonly domid: number }) {
  const running = seen.domains.value?.find((one) => one.domid === domid)?.running ?? [];
  if (running.length === 0) return null;
  return (
    <ul class="console-running" aria-label={`Commands that run in ${domLabel(domid)}`}>
      {running.map(({ run, line }) => (
        <li key={run}>
          <span class="dim">runs</span> <code class="mono grow console-line">{line}</code>
          <button
            type="button"
            data-testid="console-stop"
            data-run={run}
            onClick={() => void act("console.stop", { domid, run })}
          >
            Stop<span class="said"> {line}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Lines that the page itself answers have numbers of their own. */
let own = 0;

async function runLine(domid: number, typed: string): Promise<void> {
  const line = typed.trim();
  if (line === "") return;
  historyOf(domid).add(line);
  if (line === "clear") clearConsole(domid);
  else {
    try {
      await call("console.run", { domid, line });
    } catch (error) {
      const text = error instanceof EngineError ? error.message : String(error);
      const run = --own;
      queue({ domid, run, kind: "begin", text: line });
      queue({ domid, run, kind: "err", text: `${text}\n` });
      queue({ domid, run, kind: "end", text: "1" });
    }
  }
}

/** As Ctrl+C: ends what was begun last. Returns whether there was anything. */
function stopLast(domid: number): boolean {
  const running = seen.domains.value?.find((one) => one.domid === domid)?.running ?? [];
  const last = running.at(-1);
  if (last) void act("console.stop", { domid, run: last.run });
  return last !== undefined;
}
