// Start: what the page does of itself: opens the link it was called with, and what is dropped on it.
// Holds   whether a file is being dragged over the page.
// Never   runs a script, whoever sent it.
// Source  our own; the HTML standard, Drag and drop.

import { SCENARIOS } from "../scenarios/index.ts";
import { openScenario } from "./guide_state.ts";
import { confirmFile } from "./open.tsx";
import { act, fragment } from "./state.ts";

/** Once, when the page is there. */
export function start(): void {
  if (fragment !== "") void openLink(fragment);
  // A link that is pasted into the address of an open page.
  addEventListener("hashchange", () => {
    if (location.hash.length > 1) void openLink(location.hash.slice(1));
  });
  document.addEventListener("dragover", dragged);
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (relatedTarget === null) over(false);
  });
  // Before the script's editor, which would put a file's text into the script.
  document.addEventListener("drop", dropped, { capture: true });
}

/**
 * Opens what a link holds: a session, or a scenario as in `#scenario=hello`. After that the address
 * is the page's own, so that a reload goes on. Of a link that can't be opened the engine says why,
 * and the page begins as without one.
 */
async function openLink(text: string): Promise<void> {
  history.replaceState(null, "", location.pathname + location.search);
  const id = /^scenario=([\w-]+)$/.exec(text)?.[1];
  if (id !== undefined && SCENARIOS.some((one) => one.id === id)) await openScenario(id);
  else await act("open.link", { fragment: text });
}

const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") === true;

function dragged(event: DragEvent): void {
  if (!hasFiles(event)) return;
  event.preventDefault();
  if (event.dataTransfer) event.dataTransfer.dropEffect = "copy";
  over(true);
}

function dropped(event: DragEvent): void {
  over(false);
  if (!hasFiles(event)) return;
  event.preventDefault();
  event.stopPropagation();
  const [file] = event.dataTransfer?.files ?? [];
  if (file) void confirmFile(file);
}

/** The style sheet says over the page what a drop would do. */
function over(yes: boolean): void {
  document.documentElement.toggleAttribute("data-drop", yes);
}
