// Domain said: what the line below the list of domains says.
// Holds   two signals, which rows set and the line shows.
// Never   draws.
// Source  our own.

import { signal } from "@preact/signals";

/** What is pointed at or has the focus, and what that does. */
export const helped = signal<{ readonly label: string; readonly help: string } | null>(null);
/** What was done last. */
export const done = signal("");
