// Copy: text for the clipboard.
// Holds   the way through the browser's clipboard, and the old one where that is refused.
// Never   reads the clipboard.
// Source  the Clipboard API.

import { tell } from "./state.ts";

/** Copies, and says so; `what` names it in a sentence: "The path". */
export async function copyText(text: string, what: string): Promise<void> {
  const copied = await written(text);
  if (copied) tell("info", `${what} is in the clipboard.`);
  else tell("warning", `The browser did not let us copy. Select it and copy it by hand: ${text}`);
}

async function written(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return byHand(text);
  }
}

/** Without the Clipboard API: on addresses without https, or where it is refused. */
function byHand(text: string): boolean {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "said";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  return done;
}
