// Media: what the screen and its user's settings are like, as signals.
// Holds   the widths at which the page is laid out anew, and what the system prefers.
// Never   changes anything.
// Source  CSS media queries.

import { type ReadonlySignal, signal } from "@preact/signals";

function media(query: string): ReadonlySignal<boolean> {
  const list = matchMedia(query);
  const found = signal(list.matches);
  list.addEventListener("change", ({ matches }) => {
    found.value = matches;
  });
  return found;
}

/** One column: the tree is one of the views. The style sheet has the same limit. */
export const narrow = media("(max-width: 899px)");
/** Three columns: the consoles stay in view beside the others. */
export const wide = media("(min-width: 1700px)");
export const prefersDark = media("(prefers-color-scheme: dark)");
export const prefersContrast = media("(prefers-contrast: more)");
