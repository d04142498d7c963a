// Node perms: the permissions of the selected node and their editor.
// Holds   the list entry by entry in words, and the same as text.
// Never   writes a list that is no list.
// Source  the XenStore protocol, Permissions.

import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { NodeDetail } from "../model/protocol.ts";
import { formatPerms, type Perm, parsePerms } from "../model/words.ts";
import { type Draft, Drafts, useDraft } from "./node_draft.ts";
import { call, domClass, past } from "./state.ts";

const ACCESS: readonly { readonly access: Perm["access"]; readonly label: string }[] = [
  { access: "n", label: "nothing" },
  { access: "r", label: "read" },
  { access: "w", label: "write" },
  { access: "b", label: "read and write" },
];
const DOMID_MAX = 65_535;

const drafts = new Drafts<string>();

interface Typed {
  readonly perms: readonly Perm[] | null;
  readonly problem: string;
}

function read(text: string): Typed {
  try {
    const perms = parsePerms(text);
    const wrong = perms.find(({ domid }) => domid > DOMID_MAX);
    if (wrong) throw new Error(`There is no domain ${wrong.domid}: the last one is ${DOMID_MAX}.`);
    return { perms, problem: "" };
  } catch (error) {
    return { perms: null, problem: (error as Error).message };
  }
}

/** An editor as it stands. */
interface Editor {
  readonly path: string;
  /** The store's list, or what was written and has not come back yet. */
  readonly value: string;
  readonly text: string;
  readonly typed: Typed;
  readonly draft: Signal<Draft<string> | null>;
  readonly said: Signal<string>;
  readonly written: Signal<string | null>;
}

function useEditor(node: NodeDetail): Editor {
  const { path } = node;
  const draft = useDraft(drafts, path);
  const said = useSignal("");
  const written = useSignal<string | null>(null);
  useEffect(() => {
    written.value = null;
  }, [node]);
  const value = written.value ?? formatPerms(node.perms);
  const text = draft.value?.text ?? value;
  return { path, value, text, typed: read(text), draft, said, written };
}

function type({ draft, said, value }: Editor, text: string): void {
  said.value = "";
  draft.value = text === value ? null : { text, base: draft.value?.base ?? value };
}

function discard({ draft, said }: Editor): void {
  draft.value = null;
  said.value = "";
}

async function apply(editor: Editor): Promise<void> {
  const { path, draft, typed, said, written } = editor;
  if (!draft.value || !typed.perms || past.value) return;
  try {
    const perms = formatPerms(typed.perms);
    await call("node.perms", { path, perms });
    written.value = perms;
    discard(editor);
  } catch (error) {
    said.value = (error as Error).message;
  }
}

export function PermsEditor({ node }: { node: NodeDetail }) {
  const editor = useEditor(node);
  const { typed, text, draft, said } = editor;
  return (
    <form
      class="node-perms"
      data-testid="perms"
      onSubmit={(event) => {
        event.preventDefault();
        apply(editor);
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") discard(editor);
      }}
    >
      <fieldset>
        <legend>Permissions</legend>
        {typed.perms && (
          <Entries perms={typed.perms} change={(next) => type(editor, formatPerms(next))} />
        )}
        <label class="node-perms-text">
          As text
          <input
            class="mono"
            data-testid="perms-text"
            aria-invalid={typed.problem !== ""}
            aria-describedby="node-perms-said"
            spellcheck={false}
            autocapitalize="off"
            autocomplete="off"
            readOnly={past.value}
            value={text}
            onInput={(event) => type(editor, event.currentTarget.value)}
          />
        </label>
      </fieldset>
      <Meanwhile editor={editor} />
      {draft.value && <Buttons editor={editor} />}
      <span id="node-perms-said" class="bad" role="status">
        {said.value || typed.problem}
      </span>
    </form>
  );
}

function Buttons({ editor }: { editor: Editor }) {
  return (
    <div class="node-value-ways">
      <button
        type="submit"
        class="primary"
        data-testid="perms-apply"
        disabled={editor.typed.problem !== "" || past.value}
      >
        Apply
      </button>
      <button type="button" onClick={() => discard(editor)}>
        Discard
      </button>
    </div>
  );
}

function Meanwhile({ editor }: { editor: Editor }) {
  const { draft, value } = editor;
  const now = draft.value;
  if (!now || now.base === value) return null;
  return (
    <div class="node-meanwhile" role="status">
      <span>
        They have changed meanwhile, to <span class="mono">{value}</span>.
      </span>
      <button type="button" onClick={() => discard(editor)}>
        Take those
      </button>
      <button
        type="button"
        onClick={() => {
          draft.value = { ...now, base: value };
        }}
      >
        Keep mine
      </button>
    </div>
  );
}

interface EntriesProps {
  readonly perms: readonly Perm[];
  change(next: readonly Perm[]): void;
}

function Entries({ perms, change }: EntriesProps) {
  const put = (at: number, part: Partial<Perm>) => {
    change(perms.map((perm, place) => (place === at ? { ...perm, ...part } : perm)));
  };
  return (
    <ol class="node-entries">
      {perms.map((perm, at) => (
        <Entry
          key={at}
          perm={perm}
          at={at}
          put={(part) => put(at, part)}
          remove={() => change(perms.filter((_, place) => place !== at))}
        />
      ))}
      <li>
        <button
          type="button"
          disabled={past.value}
          onClick={() => change([...perms, { access: "r", domid: nextDomid(perms) }])}
        >
          Add a domain
        </button>
      </li>
    </ol>
  );
}

interface EntryProps {
  readonly perm: Perm;
  /** The first one is the owner's. */
  readonly at: number;
  put(part: Partial<Perm>): void;
  remove(): void;
}

function Entry({ perm: { access, domid }, at, put, remove }: EntryProps) {
  const who = at === 0 ? "Owner" : `Entry ${at + 1}`;
  return (
    <li>
      <label class={domClass(domid)}>
        {at === 0 ? "Owner dom" : "dom"}
        <input
          type="number"
          class="mono"
          min={0}
          max={DOMID_MAX}
          aria-label={`${who}: domain`}
          disabled={past.value}
          value={domid}
          onInput={({ currentTarget: { value } }) => {
            if (/^\d{1,5}$/.test(value)) put({ domid: Number(value) });
          }}
        />
      </label>
      <label>
        {at === 0 ? "everyone else may" : "may"}
        <select
          aria-label={at === 0 ? "Everyone who is not listed may" : `${who}: may`}
          disabled={past.value}
          value={access}
          onChange={({ currentTarget: { value } }) => put({ access: value as Perm["access"] })}
        >
          {ACCESS.map((one) => (
            <option key={one.access} value={one.access}>
              {one.label}
            </option>
          ))}
        </select>
      </label>
      {at > 0 && (
        <button
          type="button"
          class="plain"
          disabled={past.value}
          aria-label={`Remove the entry of domain ${domid}`}
          onClick={remove}
        >
          Remove
        </button>
      )}
    </li>
  );
}

/** The first domain that has no entry yet. */
function nextDomid(perms: readonly Perm[]): number {
  let domid = 1;
  while (perms.some((perm) => perm.domid === domid)) domid++;
  return domid;
}
