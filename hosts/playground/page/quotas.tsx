// Quotas: what each domain has used of its limits, and what counts.
// Holds   a meter for each quota, the form for a limit, where most of the nodes are.
// Never   guesses: what counts comes from the store or its protocol.
// Source  the XenStore protocol, quotas and throttling.

import { useEffect, useId, useState } from "preact/hooks";
import type { QuotaInfo } from "../model/protocol.ts";
import { amountText, fullText, levelOf, levelText, number } from "../model/quota_words.ts";
import { narrow } from "./media.ts";
import { act, domClass, domLabel, focused, link, past, seen, view } from "./state.ts";
import { reveal } from "./tree_state.ts";

/** Domains that are drawn before one asks for more. */
const SHOWN = 20;
const LIMIT_MAX = 4294967294;

type QuotaMeter = QuotaInfo["meters"][number];

export function Quotas() {
  useEffect(() => {
    link.look({ quotas: true });
    return () => link.look({ quotas: undefined });
  }, []);
  const [shown, setShown] = useState(SHOWN);
  const quotas = seen.quotas.value;
  if (!quotas) return <p class="dim quotas-note">The counts are being read.</p>;
  // The domain that is looked at elsewhere comes first, the one without limits last.
  const first = quotas.filter(({ domid }) => domid === focused.value && domid !== 0);
  const last = quotas.filter(({ domid }) => domid === 0);
  const rest = quotas.filter((one) => !first.includes(one) && !last.includes(one));
  const all = [...first, ...rest, ...last];
  return (
    <div class="quotas">
      <WhatCounts />
      {all.slice(0, shown).map((quota) => (
        <DomainQuota key={quota.domid} quota={quota} />
      ))}
      {all.length > shown && (
        <button type="button" onClick={() => setShown(shown + SHOWN)}>
          Show more: {all.length - shown} domains are left
        </button>
      )}
      {all.length === 0 && <p class="quotas-note">No domain has limits. Add one to see some.</p>}
    </div>
  );
}

function showNode(path: string): void {
  if (narrow.value) view.value = "tree";
  reveal(path);
}

function DomainQuota({ quota }: { readonly quota: QuotaInfo }) {
  const { domid, meters, largest } = quota;
  const title = useId();
  const global = domid < 0;
  return (
    <section class="quotas-domain" aria-labelledby={title}>
      <h2 id={title}>
        <span class={global ? "dom" : domClass(domid)}>
          {global ? "For all domains without limits of their own" : domLabel(domid)}
        </span>
        {domid === 0 && <span class="dim"> is privileged: no limit holds for it</span>}
      </h2>
      <div class="quotas-meters">
        {meters.map((meter) => (
          <MeterRow key={meter.name} domid={domid} meter={meter} />
        ))}
      </div>
      {largest.length > 0 && (
        <div class="quotas-largest">
          <h3>Where most of its nodes are</h3>
          <ul>
            {largest.slice(0, 8).map(({ path, nodes }) => (
              <li key={path}>
                <button type="button" class="plain mono" onClick={() => showNode(path)}>
                  {path}
                </button>{" "}
                <span class="dim">{nodes === 1 ? "1 node" : `${number(nodes)} nodes`}</span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}

function MeterRow({ domid, meter }: { readonly domid: number; readonly meter: QuotaMeter }) {
  const { name, used, highest, limit, counts } = meter;
  const level = levelOf(meter);
  const help = useId();
  const share = limit === 0 ? 0 : Math.min(1, used / limit);
  const peak = limit === 0 ? 0 : Math.min(1, highest / limit);
  return (
    <div
      class={`quotas-row quotas-${level}`}
      data-testid="quota"
      data-domid={domid}
      data-name={name}
    >
      <span class="quotas-name">{name}</span>
      <div class="quotas-meter">
        {/* biome-ignore lint/a11y/useSemanticElements: a meter element can't mark the highest */}
        <div
          role="meter"
          class="quotas-bar"
          aria-label={`${name} of ${domid < 0 ? "all domains" : domLabel(domid)}`}
          aria-valuemin={0}
          aria-valuemax={limit === 0 ? Math.max(1, highest) : limit}
          aria-valuenow={limit === 0 ? used : Math.min(used, limit)}
          aria-valuetext={amountText(meter)}
          aria-describedby={help}
        >
          <span class="quotas-used" style={{ width: `${share * 100}%` }} />
          {peak > 0 && <span class="quotas-peak" style={{ left: `${peak * 100}%` }} />}
        </div>
        <p>
          <span class="quotas-amount" data-testid="quota-amount">
            {amountText(meter)}
          </span>
          {level !== "free" && level !== "off" && <strong> {levelText(level)}</strong>}
          <span class="dim"> highest {number(highest)}</span>
        </p>
        <p class="dim quotas-counts" id={help}>
          {counts} {level === "full" || level === "over" ? fullText(name) : ""}
        </p>
      </div>
      {domid !== 0 && <LimitForm domid={domid} name={name} limit={limit} />}
    </div>
  );
}

interface LimitProps {
  readonly domid: number;
  readonly name: string;
  readonly limit: number;
}

function LimitForm({ domid, name, limit }: LimitProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const value = typed ?? `${limit}`;
  const wrong = !/^\d+$/.test(value.trim()) || Number(value) > LIMIT_MAX;
  const set = async (event: Event) => {
    event.preventDefault();
    if (wrong) return;
    if (await act("quota.set", { domid, name, value: Number(value) })) setTyped(null);
  };
  return (
    <form class="quotas-limit" onSubmit={set}>
      <label>
        Limit<span class="said"> of {name}, 0 for none</span>
        <input
          class="mono"
          inputMode="numeric"
          data-testid="quota-limit"
          aria-invalid={wrong}
          value={value}
          onInput={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") setTyped(null);
          }}
        />
      </label>
      <button
        type="submit"
        data-testid="quota-set"
        aria-disabled={wrong || typed === null}
        disabled={past.value}
      >
        Set<span class="said"> the limit of {name}</span>
      </button>
    </form>
  );
}

function WhatCounts() {
  return (
    <details class="quotas-what">
      <summary>What counts, and the trap in it</summary>
      <ul>
        <li>
          <strong>The owner pays.</strong> A node counts for the domain that owns it, wherever it
          lies, and not for the domain in whose home it is. The owner is the first entry of its
          permissions: <code>n3</code> is domain 3.
        </li>
        <li>
          <strong>Names cost, too.</strong> A node's size is 16 bytes, 8 for each permission, its
          value, and the name of every child with a NUL. So a folder of many children fills up, long
          before the number of nodes is reached: at 2048 bytes (<code>node-size</code>) the next
          child fails with ENOSPC.
        </li>
        <li>
          <strong>Unread replies count.</strong> A domain that does not take its replies is not read
          after 20 requests: its ring looks dead, and nothing is wrong with the store.
        </li>
        <li>
          <strong>Transactions hold on.</strong> One that is never ended counts until its connection
          ends; so does the memory that it has taken.
        </li>
        <li>A limit of 0 is none. Domain 0 has no limits.</li>
      </ul>
    </details>
  );
}
