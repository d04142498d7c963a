// Domain row: one domain of the list: its state, and what can be done to it.
// Holds   the buttons, the choice of a target.
// Never   acts twice: a button waits for what it began.
// Source  our own.

import { useEffect, useRef, useState } from "preact/hooks";
import {
  actionsFor,
  actionText,
  type DomainAction,
  doneText,
  isNamed,
  stateText,
} from "../model/domain_help.ts";
import type { DomainInfo, OpName } from "../model/protocol.ts";
import { errorWords } from "../model/ring_texts.ts";
import { showConsole } from "./console_open.ts";
import { done, helped } from "./domain_said.ts";
import { act, domClass, domLabel, focused, past, seen, view } from "./state.ts";

type PlainAction = Exclude<DomainAction, "target">;

export function DomainRow({ domain }: { readonly domain: DomainInfo }) {
  const { domid } = domain;
  const row = useRef<HTMLLIElement>(null);
  const [busy, setBusy] = useState(false);
  const [aiming, setAiming] = useState(false);
  const acted = useRef(false);
  // The button may be gone: the focus stays in the row for as long as it was there.
  useEffect(() => {
    if (acted.current && document.activeElement === document.body) focusIn(row.current);
  });
  const run = async (action: PlainAction) => {
    if (busy) return;
    const neighbour = row.current?.nextElementSibling ?? row.current?.previousElementSibling;
    acted.current = true;
    setBusy(true);
    const went = await act(`domain.${action}` as OpName, { domid } as never);
    setBusy(false);
    if (went) done.value = doneText(action, domid);
    if (went && action === "forget") focusIn(neighbour);
  };
  const actions = actionsFor(domain);
  return (
    <li
      ref={row}
      class={`domains-row${focused.value === domid ? " domains-focused" : ""}`}
      data-testid="domain"
      data-domid={domid}
      data-state={domain.state}
      data-introduced={domain.introduced}
      onFocusOut={({ relatedTarget }) => {
        if (relatedTarget instanceof Node && !row.current?.contains(relatedTarget)) {
          acted.current = false;
        }
      }}
    >
      <Name domain={domain} />
      <div class="domains-actions">
        <Openers domid={domid} />
        {actions.map((action) => (
          <ActionButton
            key={action === "release" ? "introduce" : action}
            action={action}
            who={domLabel(domid)}
            busy={busy}
            expanded={action === "target" ? aiming : undefined}
            onClick={() => {
              if (action === "target") setAiming(!aiming);
              else void run(action);
            }}
          />
        ))}
        {domid === 0 && <span class="dim domains-zero">the control domain: always there</span>}
      </div>
      {aiming && actions.includes("target") && (
        <TargetForm domain={domain} onDone={() => setAiming(false)} />
      )}
    </li>
  );
}

function focusIn(row: Element | null | undefined): void {
  row?.querySelector("button")?.focus();
}

function Name({ domain }: { readonly domain: DomainInfo }) {
  const { domid, name, state, introduced, target, running, ringError, held } = domain;
  return (
    <div class="domains-name">
      <span class={`domains-swatch ${domClass(domid)}`} aria-hidden="true" />
      <strong class={domClass(domid)}>dom{domid}</strong>
      {isNamed(domain) && <span>{name}</span>}
      <span class={`tag ${state === "running" ? "good" : state === "dead" ? "bad" : "dim"}`}>
        {stateText(domain)}
      </span>
      {domid !== 0 && !introduced && state !== "dead" && (
        <span class="tag dim">not introduced</span>
      )}
      {target !== null && <span class="tag">target dom{target}</span>}
      {held && <span class="tag">ring by hand</span>}
      {running.length > 0 && (
        <span class="tag" title={running.map(({ line }) => line).join("\n")}>
          {running.length === 1 ? "1 command runs" : `${running.length} commands run`}
        </span>
      )}
      {ringError !== 0 && (
        <span class="bad domains-trouble">
          ring error {ringError}: {errorWords(ringError)}
        </span>
      )}
    </div>
  );
}

/** Ways to the domain's console and ring. */
function Openers({ domid }: { readonly domid: number }) {
  return (
    <>
      <button
        type="button"
        data-testid="domain-console"
        onClick={() => showConsole(domid, { focus: true })}
      >
        Console<span class="said"> of {domLabel(domid)}</span>
      </button>
      <button
        type="button"
        data-testid="domain-ring"
        onClick={() => {
          focused.value = domid;
          view.value = "ring";
        }}
      >
        Ring<span class="said"> of {domLabel(domid)}</span>
      </button>
    </>
  );
}

interface ActionProps {
  readonly action: DomainAction;
  readonly who: string;
  readonly busy: boolean;
  readonly expanded: boolean | undefined;
  readonly onClick: () => void;
}

function ActionButton({ action, who, busy, expanded, onClick }: ActionProps) {
  const text = actionText(action);
  const { label } = text;
  const show = () => {
    helped.value = text;
  };
  const hide = () => {
    if (helped.value === text) helped.value = null;
  };
  return (
    <button
      type="button"
      class={action === "kill" ? "domains-kill" : undefined}
      data-testid={`domain-${action}`}
      disabled={past.value}
      aria-disabled={busy}
      aria-expanded={expanded}
      aria-describedby={`domain-help-${action}`}
      onClick={onClick}
      onPointerEnter={show}
      onPointerLeave={hide}
      onFocus={show}
      onBlur={hide}
    >
      {label}
      <span class="said"> {who}</span>
    </button>
  );
}

function TargetForm({
  domain,
  onDone,
}: {
  readonly domain: DomainInfo;
  readonly onDone: () => void;
}) {
  const { domid } = domain;
  const others = (seen.domains.value ?? []).filter((other) => {
    return other.domid !== domid && other.domid !== 0 && other.introduced;
  });
  const [target, setTarget] = useState(domain.target ?? others[0]?.domid ?? -1);
  if (others.length === 0) {
    return (
      <p class="domains-target dim">
        There is no other introduced domain that could be its target. Add one below.
      </p>
    );
  }
  const set = async (event: Event) => {
    event.preventDefault();
    if (!(await act("domain.target", { domid, target }))) return;
    done.value = doneText("target", domid, target);
    onDone();
  };
  return (
    <form class="domains-target" onSubmit={set}>
      <label>
        {domLabel(domid)} works for{" "}
        <select
          data-testid="domain-target-choice"
          value={target}
          onChange={(event) => setTarget(Number(event.currentTarget.value))}
        >
          {others.map((other) => (
            <option key={other.domid} value={other.domid}>
              {domLabel(other.domid)}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" data-testid="domain-target-set">
        Set target
      </button>
      <button type="button" onClick={onDone}>
        Cancel
      </button>
    </form>
  );
}
