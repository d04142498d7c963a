// Node value state: what is typed into the editor of a value, and what becomes of it.
// Holds   the ways to write a value; a draft for each node until it is written or given up.
// Never   writes bytes that were not typed.
// Source  our own.

import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { NodeDetail } from "../model/protocol.ts";
import { fromHex, fromText, numberOf, sizeProblem, toHex, toText } from "../model/value.ts";
import { type Draft, Drafts, useDraft } from "./node_draft.ts";
import { call, past } from "./state.ts";

export type Way = "text" | "hex" | "number";

/** The way it was looked at last holds for the next node too. */
const chosen: { way: Way } = { way: "text" };
const drafts = new Drafts<Uint8Array>();
const draftWays = new Map<string, Way>();

const encoder = new TextEncoder();

export function textOf(value: Uint8Array, way: Way): string {
  if (way === "hex") return toHex(value);
  return toText(value, way === "text");
}

function bytesOf(text: string, way: Way): Uint8Array {
  if (way === "hex") return fromHex(text);
  return way === "text" ? fromText(text) : encoder.encode(text);
}

interface Typed {
  readonly value: Uint8Array | null;
  readonly problem: string;
}

/** What was typed, as bytes, or why it is no value. */
function read(text: string, way: Way, path: string): Typed {
  try {
    const value = bytesOf(text, way);
    if (way === "number" && !numberOf(value)) {
      throw new Error("A number has digits only, or 0x and hexadecimal digits.");
    }
    return { value, problem: sizeProblem(path, value.length) };
  } catch (error) {
    return { value: null, problem: (error as Error).message };
  }
}

/** An editor as it stands. */
export interface Editor {
  readonly path: string;
  /** The store's value, or what was written and has not come back yet. */
  readonly value: Uint8Array;
  readonly way: Way;
  readonly text: string;
  readonly typed: Typed;
  readonly draft: Signal<Draft<Uint8Array> | null>;
  readonly said: Signal<string>;
  readonly chosenWay: Signal<Way>;
  readonly written: Signal<Uint8Array | null>;
}

/** The editor of a node; the component that uses it has the path as its key. */
export function useEditor(node: NodeDetail): Editor {
  const { path } = node;
  const draft = useDraft(drafts, path);
  const chosenWay = useSignal<Way>((draft.value && draftWays.get(path)) ?? chosen.way);
  const said = useSignal("");
  const written = useSignal<Uint8Array | null>(null);
  useEffect(() => {
    written.value = null;
  }, [node]);
  const value = written.value ?? node.value;
  const none = chosenWay.value === "number" && !draft.value && !numberOf(value);
  const way = none ? "text" : chosenWay.value;
  const text = draft.value?.text ?? textOf(value, way);
  const typed = draft.value ? read(text, way, path) : { value, problem: "" };
  return { path, value, way, text, typed, draft, said, chosenWay, written };
}

/** Takes what was typed. */
export function type({ path, draft, said, value, way, chosenWay }: Editor, text: string): void {
  said.value = "";
  draftWays.set(path, way);
  chosenWay.value = way;
  const same = text === textOf(value, way);
  draft.value = same ? null : { text, base: draft.value?.base ?? value };
}

export function discard({ draft, said }: Editor): void {
  draft.value = null;
  said.value = "";
}

/** Turns to another way to write the value, with what was typed so far. */
export function turn({ path, draft, said, typed, chosenWay }: Editor, next: Way): void {
  if (draft.value && !typed.value) {
    said.value = "Correct it first: what is typed is no value.";
    return;
  }
  said.value = "";
  chosen.way = next;
  draftWays.set(path, next);
  chosenWay.value = next;
  if (draft.value && typed.value) draft.value = { ...draft.value, text: textOf(typed.value, next) };
}

/** Writes what was typed, where it is a value. */
export async function write({ path, draft, said, typed, written }: Editor): Promise<void> {
  if (!draft.value || typed.value === null || typed.problem !== "" || past.value) return;
  try {
    const value = Uint8Array.from(typed.value);
    await call("node.write", { path, value });
    written.value = value;
    draft.value = null;
  } catch (error) {
    said.value = (error as Error).message;
  }
}
