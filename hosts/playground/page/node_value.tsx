// Node value: the selected node's value as text, hexadecimal digits or a number, to be edited.
// Holds   what the editor looks like; what it does is in node_value_state.ts.
// Never   replaces what was typed by what comes meanwhile.
// Source  our own.

import { useSignal } from "@preact/signals";
import type { NodeDetail } from "../model/protocol.ts";
import { type NumberForm, numberOf, numberText, parseNumber, sameBytes } from "../model/value.ts";
import {
  discard,
  type Editor,
  textOf,
  turn,
  type,
  useEditor,
  type Way,
  write,
} from "./node_value_state.ts";
import { past } from "./state.ts";

const WAYS: readonly { readonly way: Way; readonly label: string }[] = [
  { way: "text", label: "Text" },
  { way: "hex", label: "Hex" },
  { way: "number", label: "Number" },
];

const encoder = new TextEncoder();

export function ValueEditor({ node }: { node: NodeDetail }) {
  const editor = useEditor(node);
  return (
    <form
      class="node-value"
      onSubmit={(event) => {
        event.preventDefault();
        write(editor);
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) write(editor);
        if (event.key === "Escape") discard(editor);
      }}
    >
      <Ways editor={editor} />
      <Field editor={editor} />
      <Meanwhile editor={editor} />
      <Buttons editor={editor} />
    </form>
  );
}

interface EditorProps {
  readonly editor: Editor;
}

function Field({ editor }: EditorProps) {
  const { way, text, typed, value, draft } = editor;
  if (way === "number") {
    const form = numberOf(draft.value?.base ?? value)?.form ?? "decimal";
    return <Numbers text={text} form={form} change={(next) => type(editor, next)} />;
  }
  return (
    <textarea
      class="mono"
      data-testid="value"
      aria-label={way === "text" ? "Value as text" : "Value as hexadecimal digits"}
      aria-invalid={typed.problem !== ""}
      aria-describedby="node-value-said"
      rows={rowsOf(text)}
      spellcheck={false}
      autocapitalize="off"
      readOnly={past.value}
      value={text}
      onInput={(event) => type(editor, event.currentTarget.value)}
    />
  );
}

function Buttons({ editor }: EditorProps) {
  const { draft, typed, said, way } = editor;
  return (
    <div class="node-value-ways">
      <button
        type="submit"
        class="primary"
        data-testid="write"
        disabled={!draft.value || typed.problem !== "" || past.value}
        title="Ctrl+Enter"
      >
        Write
      </button>
      {draft.value && (
        <button type="button" onClick={() => discard(editor)}>
          Discard
        </button>
      )}
      <span id="node-value-said" class="bad" role="status">
        {said.value || typed.problem}
      </span>
      {!draft.value && <span class="dim">{HINTS[way]}</span>}
    </div>
  );
}

const HINTS: Readonly<Record<Way, string>> = {
  text: "Ctrl+Enter writes. \\x00 stands for a byte that can't be shown.",
  hex: "Ctrl+Enter writes. Two digits for each byte.",
  number: "Ctrl+Enter writes. It keeps the form it has.",
};

const ROWS_MAX = 10;

function rowsOf(text: string): number {
  let rows = 1;
  for (const line of text.split("\n", ROWS_MAX)) rows += Math.ceil((line.length + 1) / 60);
  return Math.min(ROWS_MAX, Math.max(2, rows - 1));
}

function Ways({ editor }: EditorProps) {
  const { way: now, typed, value } = editor;
  const number = now === "number" || numberOf(typed.value ?? value) !== null;
  const length = typed.value?.length ?? null;
  return (
    <fieldset class="node-value-head">
      <legend>Value</legend>
      {WAYS.map(({ way, label }) => (
        <button
          type="button"
          key={way}
          data-way={way}
          aria-pressed={now === way}
          disabled={way === "number" && !number}
          title={way === "number" && !number ? "This value is no number" : undefined}
          onClick={() => turn(editor, way)}
        >
          {label}
        </button>
      ))}
      {length !== null && (
        <span class="dim">
          {length} {length === 1 ? "byte" : "bytes"}
        </span>
      )}
    </fieldset>
  );
}

interface NumbersProps {
  readonly text: string;
  /** How it is to be written, whichever field is typed in. */
  readonly form: NumberForm;
  change(text: string): void;
}

/** The number in both forms. */
function Numbers({ text, form: written, change }: NumbersProps) {
  /** What is typed stays as it was typed, as long as it stands for the text. */
  const half = useSignal({ form: written, typed: "", text: "" });
  const number = numberOf(encoder.encode(text));
  const shown = (form: NumberForm) => {
    if (half.value.form === form && half.value.text === text) return half.value.typed;
    return number ? numberText(number.n, form) : "";
  };
  const input = (form: NumberForm, typed: string) => {
    let next: string;
    try {
      next = numberText(parseNumber(typed, form), written);
    } catch {
      // No number: the blank makes sure that it is taken for none.
      next = `${typed} `;
    }
    half.value = { form, typed, text: next };
    change(next);
  };
  const field = (form: NumberForm, label: string, testid: string) => (
    <label>
      {label}
      <input
        class="mono"
        data-testid={testid}
        spellcheck={false}
        autocomplete="off"
        readOnly={past.value}
        value={shown(form)}
        onInput={(event) => input(form, event.currentTarget.value)}
      />
    </label>
  );
  return (
    <div class="node-numbers">
      {field("decimal", "Decimal", "value")}
      {field("hex", "Hexadecimal", "value-hex")}
    </div>
  );
}

/** What was typed stands against a value that has changed since. */
function Meanwhile({ editor }: EditorProps) {
  const { draft, value, way } = editor;
  const now = draft.value;
  if (!now || sameBytes(now.base, value)) return null;
  return (
    <div class="node-meanwhile" role="status">
      <span>
        It has changed meanwhile, to{" "}
        <bdi class="mono">{textOf(value, way).slice(0, 80) || '""'}</bdi>.
      </span>
      <button type="button" onClick={() => discard(editor)}>
        Take that one
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
