// Transaction card: one transaction, open or ended.
// Holds   who it is of, its lines, its verdict, the nodes it has to do with.
// Never   ends one without being told.
// Source  our own.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { TransactionInfo } from "../model/protocol.ts";
import { Bytes, Conn, count, number, showNode } from "./packet_parts.tsx";
import { call, packet, tell, view } from "./state.ts";
import { abort, commit, fresh, type Ran, ranIn, retry, run } from "./transaction_state.ts";
import { aspectWords, COMMANDS, changeWords, endWords, isOpen } from "./transaction_words.ts";

/** Nodes that are listed: one may touch a thousand. */
const NODES_MAX = 40;
/** Changes of others that are named for one node. */
const OTHERS_MAX = 3;

export function nameOf({ conn, id }: TransactionInfo): string {
  return `Transaction ${id} of ${conn}`;
}

export function TransactionCard({ info }: { info: TransactionInfo }) {
  const { conn, domid, id, handle, began } = info;
  const open = isOpen(info);
  return (
    <article
      class={`card transactions-card${open ? "" : " transactions-ended"}`}
      aria-label={nameOf(info)}
      data-testid="transaction"
      data-handle={handle ?? ""}
      data-id={id}
    >
      <header>
        <h2>
          Transaction {id} of <Conn conn={conn} domid={domid} long />
        </h2>
        {began !== 0 && (
          <span class="dim">
            since <OperationLink n={began} />
          </span>
        )}
        <span class="grow" />
        <Ways info={info} />
      </header>
      <Verdict info={info} />
      <Lines info={info} />
      <Nodes info={info} />
      {open && handle === null && (
        <p class="dim transactions-note">
          It was begun by a program of <Conn conn={conn} domid={domid} />, which has to end it.
        </p>
      )}
    </article>
  );
}

function Ways({ info }: { info: TransactionInfo }) {
  const { handle, state, lines } = info;
  if (handle === null) return null;
  if (!isOpen(info)) {
    if (state === "committed" || lines.length === 0) return null;
    return (
      <button
        type="button"
        class={state === "EAGAIN" ? "primary" : ""}
        data-testid="tx-retry"
        title="Begins it anew and runs the same lines on the store as it is now"
        onClick={() => retry(handle)}
      >
        Retry
      </button>
    );
  }
  const name = nameOf(info);
  return (
    <>
      <button
        type="button"
        class="primary"
        data-testid="tx-commit"
        onClick={() => commit(handle, name)}
      >
        Commit
      </button>
      <button type="button" data-testid="tx-abort" onClick={() => abort(handle, name)}>
        Abort
      </button>
    </>
  );
}

/** How it would end, or has ended, and why. */
function Verdict({ info }: { info: TransactionInfo }) {
  const { verdict, state, why, handle, lines } = info;
  const open = isOpen(info);
  const bad = open ? verdict !== null : state !== "committed" && state !== "aborted";
  const mark = bad ? "\u2717" : state === "aborted" ? "\u2013" : "\u2713";
  const words = open
    ? verdict === null
      ? "If it ended now, it would commit."
      : `If it ended now, it would fail with ${verdict}.`
    : endWords(state);
  const again = !open && state === "EAGAIN" && handle !== null && lines.length > 0;
  return (
    <div class={`transactions-verdict ${bad ? "transactions-bad" : ""}`}>
      <p data-testid="tx-verdict">
        <span aria-hidden="true">{mark}</span> <b>{words}</b>
      </p>
      {why !== "" && <p data-testid="tx-why">{why}</p>}
      {again && <p class="dim">Retry runs the same lines on the store as it is now.</p>}
    </div>
  );
}

function Lines({ info }: { info: TransactionInfo }) {
  const { handle, lines } = info;
  if (handle === null) return null;
  const ran = ranIn(handle).value;
  const of = (line: string, at: number) => ran.find((one) => one.index === at && one.line === line);
  const known = new Set(lines.map(of));
  const failed = ran.filter((one) => one.failed && !known.has(one)).slice(-3);
  return (
    <div class="transactions-lines">
      {(lines.length > 0 || failed.length > 0) && (
        <ol class="mono" aria-label="Lines that were run in it" aria-live="polite">
          {lines.map((line, at) => (
            <LineRan key={at} line={line} ran={of(line, at)} />
          ))}
          {failed.map((one, at) => (
            <LineRan key={`failed ${at}`} line={one.line} ran={one} />
          ))}
        </ol>
      )}
      {isOpen(info) && lines.length === 0 && (
        <p class="dim transactions-note">Run lines in it, with {COMMANDS}.</p>
      )}
      {isOpen(info) && <LineForm handle={handle} index={lines.length} name={nameOf(info)} />}
    </div>
  );
}

function LineRan({ line, ran }: { line: string; ran: Ran | undefined }) {
  const output = ran?.output.replace(/\n$/, "") ?? "";
  return (
    <li>
      <bdi>{line}</bdi>
      {output !== "" && <pre class={ran?.failed ? "bad" : "dim"}>{output}</pre>}
    </li>
  );
}

function LineForm({ handle, index, name }: { handle: number; index: number; name: string }) {
  const field = useRef<HTMLInputElement>(null);
  const line = useSignal("");
  const busy = useSignal(false);
  const wanted = fresh.value === handle;
  useEffect(() => {
    if (!wanted) return;
    field.current?.focus();
    fresh.value = null;
  }, [wanted]);
  const submit = async (event: Event) => {
    event.preventDefault();
    const text = line.peek().trim();
    if (text === "" || busy.peek()) return;
    busy.value = true;
    if ((await run(handle, text, index)) && line.peek().trim() === text) line.value = "";
    busy.value = false;
  };
  return (
    <form class="transactions-form" onSubmit={submit}>
      <input
        ref={field}
        class="mono"
        data-testid="tx-line"
        aria-label={`Line to run in ${name}`}
        placeholder="read PATH, write PATH VALUE, ls PATH ..."
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        value={line.value}
        onInput={({ currentTarget }) => {
          line.value = currentTarget.value;
        }}
      />
      <button type="submit" data-testid="tx-run" disabled={line.value.trim() === ""}>
        Run
      </button>
    </form>
  );
}

type Node = TransactionInfo["nodes"][number];

function Nodes({ info }: { info: TransactionInfo }) {
  const { nodes } = info;
  if (nodes.length === 0) {
    return isOpen(info) ? (
      <p class="dim transactions-note">It has not touched any node yet.</p>
    ) : null;
  }
  // What makes it fail comes first.
  const sorted = [...nodes].sort(
    (a, b) => Number(b.conflicts.length > 0) - Number(a.conflicts.length > 0),
  );
  const more = sorted.length - NODES_MAX;
  return (
    <>
      <table class="data transactions-nodes">
        <caption class="said">Nodes it has to do with</caption>
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col">Depends on</th>
            <th scope="col">Does</th>
            <th scope="col">Others since</th>
          </tr>
        </thead>
        <tbody>
          {sorted.slice(0, NODES_MAX).map((node) => (
            <NodeLine key={node.path} node={node} />
          ))}
        </tbody>
      </table>
      {more > 0 && <p class="dim transactions-note">And {count(more, "more node")}.</p>}
    </>
  );
}

function NodeLine({ node }: { node: Node }) {
  const { path, saw, change, value, perms, conflicts, others } = node;
  const conflict = conflicts.length > 0;
  return (
    <tr class={conflict ? "transactions-conflict" : ""}>
      <th scope="row">
        <button
          type="button"
          class="plain mono transactions-path"
          title="Show it in the tree"
          onClick={() => showNode(path)}
        >
          <bdi>{path}</bdi>
        </button>
        {conflict && <span class="tag bad">conflict</span>}
      </th>
      <td data-label="Depends on">
        {saw.length === 0 ? <span class="dim">nothing</span> : aspectWords(saw)}
      </td>
      <td data-label="Does">
        <span class={change === null ? "dim" : ""}>{changeWords(node)}</span>
        {value !== null && (
          <span class="transactions-set">
            <span class="dim">value</span>{" "}
            {value.length === 0 ? (
              <span class="dim">(empty)</span>
            ) : (
              <Bytes bytes={value} max={60} />
            )}
          </span>
        )}
        {perms !== null && (
          <span class="transactions-set">
            <span class="dim">perms</span> <span class="mono">{perms}</span>
          </span>
        )}
      </td>
      <td data-label="Others since">
        {others.length === 0 && <span class="dim">nothing</span>}
        {others.slice(-OTHERS_MAX).map((one) => (
          <span key={one.operation} class="transactions-other">
            <OperationLink n={one.operation} /> <span class="mono">{one.type}</span> by{" "}
            <Conn conn={one.conn} />
          </span>
        ))}
        {others.length > OTHERS_MAX && (
          <span class="dim">and {number(others.length - OTHERS_MAX)} before</span>
        )}
        {conflict && (
          <b class="bad transactions-differs">{capital(aspectWords(conflicts))} differs now</b>
        )}
      </td>
    </tr>
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Leads to the message that began an operation. */
export function OperationLink({ n }: { n: number }) {
  const open = async () => {
    try {
      const operation = await call("history.operation", { n });
      if (operation === null || operation.request === 0)
        throw new Error("It is not kept any more.");
      packet.value = operation.request;
      view.value = "packets";
    } catch {
      tell("warning", `Operation ${n} is not kept any more: the oldest are dropped.`);
    }
  };
  return (
    <button type="button" class="plain transactions-link" title="Show its messages" onClick={open}>
      operation {number(n)}
    </button>
  );
}
