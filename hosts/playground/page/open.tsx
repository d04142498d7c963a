// Open: what somebody brings, looked at before it is opened.
// Holds   the dialog that says what was found, and what of it can't be read.
// Never   opens anything before somebody has agreed.
// Source  our own.

import { signal } from "@preact/signals";
import { render } from "preact";
import type { Found } from "../model/protocol.ts";
import { Dialog } from "./dialog.tsx";
import { act, call, seen, tell } from "./state.ts";

type Data = Uint8Array | string;

interface Asked {
  readonly found: Found;
  readonly name: string;
  answer(open: boolean): void;
}

/** Larger files would only stop the page. */
export const FILE_MAX = 64 * 1024 * 1024;

const asked = signal<Asked | null>(null);
let place: HTMLElement | null = null;

/**
 * Says what a text or a file is and, when its user agrees, opens it as a session of its own.
 * @param name  of the file; "" for pasted text
 * @returns     whether it was opened; what went wrong was told
 */
export async function confirmOpen(data: Data, name: string): Promise<boolean> {
  const given = name === "" ? { data } : { data, name };
  try {
    const found = await call("open.look", given);
    asked.value?.answer(false);
    const wanted = await new Promise<boolean>((answer) => {
      asked.value = { found, name, answer };
      show();
    });
    asked.value = null;
    return wanted && (await act("open.do", given));
  } catch (error) {
    tell("error", `${name === "" ? "" : `${name}: `}${(error as Error).message}`);
    return false;
  }
}

/** As confirmOpen, for a file that was chosen or dropped. */
export async function confirmFile(file: File): Promise<boolean> {
  if (file.size > FILE_MAX) {
    tell("error", `${file.name} has more than 64 MiB: this page can't open it.`);
    return false;
  }
  try {
    return await confirmOpen(new Uint8Array(await file.arrayBuffer()), file.name);
  } catch (error) {
    tell("error", `${file.name} could not be read: ${(error as Error).message}`);
    return false;
  }
}

/** Outside of the shell, so that it can be asked from anywhere. */
function show(): void {
  if (place) return;
  place = document.createElement("div");
  document.body.append(place);
  render(<OpenDialog />, place);
}

const KINDS: Readonly<Record<Found["kind"], string>> = {
  listing: "A listing, as xenstore-ls prints it",
  trace: "A trace",
  session: "A session of this playground",
  export: "An export as JSON",
};

function OpenDialog() {
  if (!asked.value) return null;
  const { found, name, answer } = asked.value;
  const { kind, what, problemCount } = found;
  const kept = seen.session.value?.kept;
  return (
    <Dialog
      title={name === "" ? "Open this?" : `Open ${name}?`}
      testid="open-dialog"
      close="Cancel"
      closeTestid="open-cancel"
      onClose={() => answer(false)}
      action={
        <button
          type="button"
          class="primary"
          data-testid="open-confirm"
          onClick={() => answer(true)}
        >
          {problemCount > 0 ? "Open what could be read" : "Open"}
        </button>
      }
    >
      <p>
        {KINDS[kind]}: <strong>{what}</strong>.{" "}
        {kind === "trace" && "It is played again, message by message, on a new store."}
      </p>
      {problemCount > 0 && <Problems found={found} />}
      {kept === true || kept === undefined ? (
        <p class="dim">It opens as a session of its own; the one that is open is kept.</p>
      ) : (
        <p class="open-warning">
          It takes the place of the session that is open, which is not kept. {kept}
        </p>
      )}
    </Dialog>
  );
}

function Problems({ found: { problems, problemCount } }: { readonly found: Found }) {
  const lines = problemCount === 1 ? "One line" : `${problemCount.toLocaleString("en")} lines`;
  const more = problemCount - problems.length;
  return (
    <>
      <p class="open-warning">{lines} can't be read, and will be left out:</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys */}
      <section class="open-problems scroll" aria-label="What can't be read" tabIndex={0}>
        <table class="data">
          <thead>
            <tr>
              <th scope="col">Line</th>
              <th scope="col">Text</th>
              <th scope="col">Why</th>
            </tr>
          </thead>
          <tbody>
            {problems.map(({ line, text, why }) => (
              <tr key={line}>
                <td>{line}</td>
                <td class="mono">{text}</td>
                <td>{why}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {more > 0 && <p class="dim">and {more.toLocaleString("en")} more</p>}
    </>
  );
}
