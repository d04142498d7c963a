// Node draft: what is typed into an editor of the inspector while the store goes on.
// Holds   drafts by node, so that they are still there when one comes back to it.
// Never   lets a change that came meanwhile replace what was typed.
// Source  our own.

import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

/** What was typed, and what it was typed over. */
export interface Draft<T> {
  readonly text: string;
  readonly base: T;
}

/** Drafts that are remembered of each kind. */
const MOST = 50;

/** Drafts of one kind of editor. */
export class Drafts<T> {
  #all = new Map<string, Draft<T>>();

  get(path: string): Draft<T> | null {
    return this.#all.get(path) ?? null;
  }

  set(path: string, draft: Draft<T> | null): void {
    this.#all.delete(path);
    if (draft) this.#all.set(path, draft);
    if (this.#all.size > MOST) this.#all.delete(this.#all.keys().next().value as string);
  }
}

/** The draft of a node, kept in `drafts`; the component that uses it has the path as its key. */
export function useDraft<T>(drafts: Drafts<T>, path: string): Signal<Draft<T> | null> {
  const draft = useSignal(drafts.get(path));
  useEffect(() => draft.subscribe((now) => drafts.set(path, now)), []);
  return draft;
}
