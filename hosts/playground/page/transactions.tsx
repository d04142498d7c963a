// Transactions: those that are open and those that have ended, and what would come of them.
// Holds   the list, the form that begins one, what transactions are.
// Never   draws more than a part of very many.
// Source  our own.

import { useEffect } from "preact/hooks";
import type { TransactionInfo } from "../model/protocol.ts";
import { count } from "./packet_parts.tsx";
import { domLabel, link, past, seen } from "./state.ts";
import { TransactionCard } from "./transaction_card.tsx";
import { begin, beginAs, clearEnded, said } from "./transaction_state.ts";
import { isOpen } from "./transaction_words.ts";

/** Cards at most. */
const SHOWN = 30;

export function Transactions() {
  useEffect(() => {
    link.look({ transactions: true });
    return () => link.look({ transactions: undefined });
  }, []);
  const all = seen.transactions.value;
  const open = all?.filter(isOpen) ?? [];
  const ended = all?.filter((info) => !isOpen(info)) ?? [];
  // Newest first: the one that was begun just now stands on top.
  const shown = [...open].reverse().concat([...ended].reverse());
  return (
    <div class="transactions">
      <Begin ended={ended.length} />
      {said.value && (
        <p class={`transactions-said transactions-${said.value.kind}`} role="status">
          {said.value.text}
        </p>
      )}
      {all?.length === 0 && <Nothing />}
      {shown.slice(0, SHOWN).map((info) => (
        <TransactionCard key={keyOf(info)} info={info} />
      ))}
      {shown.length > SHOWN && (
        <p class="dim transactions-note">And {count(shown.length - SHOWN, "more transaction")}.</p>
      )}
      <Semantics />
    </div>
  );
}

function keyOf({ handle, conn, id, began }: TransactionInfo): string {
  return handle === null ? `${conn} ${id} ${began}` : `handle ${handle}`;
}

function Begin({ ended }: { ended: number }) {
  const domains = seen.domains.value?.filter(({ state, introduced, domid }) => {
    return domid === 0 || (state === "running" && introduced);
  });
  const known = domains?.some(({ domid }) => domid === beginAs.value);
  return (
    <form
      class="bar transactions-begin"
      onSubmit={(event) => {
        event.preventDefault();
        begin(known ? beginAs.peek() : 0);
      }}
    >
      <label>
        As{" "}
        <select
          data-testid="tx-domain"
          value={known ? beginAs.value : 0}
          onChange={({ currentTarget }) => {
            beginAs.value = Number(currentTarget.value);
          }}
        >
          {(domains ?? []).map(({ domid }) => (
            <option key={domid} value={domid}>
              {domLabel(domid)}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" class="primary" data-testid="tx-begin" disabled={past.value}>
        Begin a transaction
      </button>
      {past.value && <span class="dim">Go back to now first: a past moment is shown.</span>}
      <span class="grow" />
      {ended > 0 && (
        <button type="button" data-testid="tx-clear" onClick={clearEnded}>
          Clear ended
        </button>
      )}
    </form>
  );
}

function Nothing() {
  return (
    <p class="card dim">
      No transactions. Begin one, run a line such as <code>write key value</code> in it, and look at
      the tree: nothing of it is seen outside until it is committed.
    </p>
  );
}

function Semantics() {
  return (
    <details class="card transactions-about" open={seen.transactions.value?.length === 0}>
      <summary>What a transaction sees, and when it fails</summary>
      <ul>
        <li>
          It sees the store as of its start, with its own changes on top. What others do meanwhile
          does not show in it.
        </li>
        <li>Nobody else sees its changes before it is committed; no watch hears of them either.</li>
        <li>
          At its end, only what its requests saw is compared with the store as it is then: values it
          read, names it listed, nodes it found missing. A write that read nothing conflicts with
          nobody.
        </li>
        <li>
          If anything of that is different, the end fails with EAGAIN and nothing is applied.
          Whoever began it then runs it once more, from the start.
        </li>
      </ul>
    </details>
  );
}
