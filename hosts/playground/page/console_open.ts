// Console open: which domains' consoles are in view.
// Holds   their order, the lines that were run in each, what is to get the focus.
// Never   draws.
// Source  our own.

import { effect, signal } from "@preact/signals";
import { LineHistory } from "../model/console_edit.ts";
import { focused, seen } from "./state.ts";

/** Consoles that are open at most: each has its log on the page. */
const OPEN_MAX = 6;

/** Domains whose consoles are open, in their places. */
export const open = signal<readonly number[]>([0]);
/** The domain whose input is to get the focus as soon as it is drawn. */
export const wanted = signal<number | null>(null);

const histories = new Map<number, LineHistory>();

export function historyOf(domid: number): LineHistory {
  let found = histories.get(domid);
  if (!found) {
    found = new LineHistory();
    histories.set(domid, found);
  }
  return found;
}

/** Opens a console, or goes to it. */
export function showConsole(domid: number, how: { focus?: boolean } = {}): void {
  focused.value = domid;
  opened(domid);
  if (how.focus) wanted.value = domid;
}

export function closeConsole(domid: number): void {
  open.value = open.value.filter((other) => other !== domid);
  if (focused.value === domid && open.value.length > 0) focused.value = open.value[0];
}

function opened(domid: number): void {
  const now = open.peek();
  if (now.includes(domid)) return;
  // The oldest one beside dom0 makes room.
  const full = now.length >= OPEN_MAX;
  const gone = full ? now.find((other) => other !== 0) : undefined;
  open.value = [...now.filter((other) => other !== gone), domid].sort((a, b) => a - b);
}

let session = "";

// Whatever brings a domain into view, such as a step of a guide, opens its console.
effect(() => opened(focused.value));

// Another session begins with the control domain and its first guest; those that are gone go.
effect(() => {
  const domains = seen.domains.value;
  if (!domains) return;
  const known = new Set(domains.map(({ domid }) => domid));
  const id = seen.session.value?.id ?? "";
  if (id !== session) {
    session = id;
    const guest = domains.find(({ domid, state }) => domid !== 0 && state === "running");
    open.value = guest ? [0, guest.domid] : [0];
  } else if (open.peek().some((domid) => !known.has(domid))) {
    const left = open.peek().filter((domid) => known.has(domid));
    open.value = left.length > 0 ? left : [0];
  }
});
