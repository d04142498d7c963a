// Script editor: the editor of a script, loaded when it is first seen.
// Holds   one editor, which stays when the view is left, with what can be undone.
// Never   keeps the key Tab: it goes on to the next control, as everywhere on the page.
// Source  CodeMirror's System Guide.

import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { javascript, javascriptLanguage } from "@codemirror/lang-javascript";
import {
  bracketMatching,
  HighlightStyle,
  indentOnInput,
  syntaxHighlighting,
} from "@codemirror/language";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { completeMembers, completePaths } from "./script_complete.ts";
import type { Place } from "./script_place.ts";

const HIGHLIGHT = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword], color: "var(--dom4)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: "var(--dom3)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--dom2)" },
  { tag: tags.comment, color: "var(--dim)", fontStyle: "italic" },
  {
    tag: [tags.function(tags.variableName), tags.function(tags.propertyName)],
    color: "var(--dom1)",
  },
  { tag: tags.invalid, color: "var(--bad)" },
]);

const THEME = EditorView.theme({
  "&": { height: "100%", color: "var(--text)", backgroundColor: "var(--panel)", fontSize: "13px" },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": {
    backgroundColor: "var(--raised)",
    color: "var(--dim)",
    borderRight: "1px solid var(--line)",
  },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--raised)" },
  ".cm-badLine": { backgroundColor: "var(--bad-soft)", boxShadow: "inset 3px 0 var(--bad)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
    { backgroundColor: "var(--accent-soft)" },
  "&.cm-focused .cm-matchingBracket": {
    backgroundColor: "transparent",
    outline: "1px solid var(--accent)",
  },
  ".cm-tooltip": {
    backgroundColor: "var(--panel)",
    color: "var(--text)",
    border: "1px solid var(--line)",
    borderRadius: "var(--radius)",
  },
  ".cm-tooltip-autocomplete > ul > li": { minHeight: "24px" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--accent)",
    color: "var(--accent-text)",
  },
  ".cm-completionMatchedText": { fontWeight: "600", textDecoration: "none" },
  ".cm-completionDetail": { opacity: "1", fontStyle: "normal" },
  ".cm-completionInfo": { maxWidth: "min(320px, 70vw)" },
});

const markBad = StateEffect.define<number | null>();
const badLine = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, { docChanged, effects, state }) {
    for (const effect of effects) {
      if (!effect.is(markBad)) continue;
      if (effect.value === null) return Decoration.none;
      const { from } = state.doc.lineAt(effect.value);
      return Decoration.set(Decoration.line({ class: "cm-badLine" }).range(from));
    }
    return docChanged ? Decoration.none : marks;
  },
  provide: (field) => EditorView.decorations.from(field),
});

export interface EditorEvents {
  changed(text: string): void;
  left(): void;
  run(): void;
}

export class ScriptEditor {
  #view: EditorView;
  #events: EditorEvents;

  constructor(text: string, events: EditorEvents) {
    this.#events = events;
    this.#view = new EditorView({ state: this.#stateOf(text) });
  }

  /** Puts the editor there; it is taken from where it was. */
  showIn(place: HTMLElement): void {
    place.replaceChildren(this.#view.dom);
    this.#view.requestMeasure();
  }

  /** Another script: nothing of the one before can be undone into it. */
  open(text: string): void {
    if (text !== this.text) this.#view.setState(this.#stateOf(text));
  }

  get text(): string {
    return this.#view.state.doc.toString();
  }

  /** Another text in place of this one; undo brings it back. */
  replace(text: string): void {
    const { length } = this.#view.state.doc;
    this.#view.dispatch({
      changes: { from: 0, to: length, insert: text },
      selection: { anchor: 0 },
      scrollIntoView: true,
      userEvent: "input.replace",
    });
  }

  /** Marks the line of an error. */
  mark(place: Place | null): void {
    this.#view.dispatch({ effects: markBad.of(place && this.#offset(place)) });
  }

  /** Puts the cursor there. */
  goTo(place: Place): void {
    const anchor = this.#offset(place);
    const effects = EditorView.scrollIntoView(anchor, { y: "center" });
    this.#view.dispatch({ selection: { anchor }, effects });
    this.#view.focus();
  }

  #offset({ line, column }: Place): number {
    const { doc } = this.#view.state;
    const at = doc.line(Math.max(1, Math.min(line, doc.lines)));
    return Math.min(at.from + Math.max(0, column - 1), at.to);
  }

  #stateOf(doc: string): EditorState {
    const runKey = { key: "Mod-Enter", preventDefault: true, run: () => this.#run() };
    return EditorState.create({
      doc,
      extensions: [
        lineNumbers(),
        highlightActiveLine(),
        highlightActiveLineGutter(),
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        javascript(),
        javascriptLanguage.data.of({ autocomplete: completeMembers }),
        javascriptLanguage.data.of({ autocomplete: completePaths }),
        autocompletion({ icons: false }),
        syntaxHighlighting(HIGHLIGHT),
        badLine,
        THEME,
        EditorView.contentAttributes.of({
          "aria-label": "Script",
          // It has the focus anyway; tools that look for what can be scrolled by keys ask for this.
          tabindex: "0",
          "aria-describedby": "script-keys",
          "data-testid": "script",
        }),
        keymap.of([
          runKey,
          ...closeBracketsKeymap,
          ...completionKeymap,
          ...historyKeymap,
          ...defaultKeymap.filter(({ key }) => key !== "Mod-Enter"),
        ]),
        EditorView.updateListener.of(({ docChanged }) => {
          if (docChanged) this.#events.changed(this.text);
        }),
        EditorView.domEventHandlers({
          blur: () => {
            this.#events.left();
          },
        }),
      ],
    });
  }

  #run(): boolean {
    this.#events.run();
    return true;
  }
}
