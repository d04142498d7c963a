// Header help: what the page is, what its views show, and its keys.
// Holds   the text of the help.
// Never   tells what a view tells of itself.
// Source  our own.

import { signal } from "@preact/signals";
import { Dialog } from "./dialog.tsx";
import { KEYS } from "./tree_keys.ts";

export const helpIsOpen = signal(false);

const VIEWS: readonly (readonly [string, string])[] = [
  ["Tree", "all nodes, live: read, edit, filter, or look at them as one of the domains"],
  ["Domains", "add, shut down, destroy domains; each has a console with the xenstore commands"],
  ["Packets", "every message with its header and payload, and which belong together"],
  ["Timeline", "who did what when, and which events a change caused"],
  ["Transactions", "what an open one has seen and changed, and why it would fail"],
  ["Rings", "the shared page of a domain, byte by byte; move it by hand or break it"],
  ["Quotas", "what a domain has used up of what it may have"],
  ["Script", "JavaScript with the client library, against this store"],
  ["Share & keep", "a link to all this, files in and out, sessions that were kept"],
];

const PAGE_KEYS: readonly (readonly [string, string])[] = [
  ["Ctrl+Z, Ctrl+Shift+Z", "undo, redo"],
  ["Alt+Left, Alt+Right", "the moment before, the moment after"],
  ["Ctrl+Enter", "write what is typed into the value"],
  ["Left, Right on a tab", "the next view"],
];

export function HelpDialog() {
  if (!helpIsOpen.value) return null;
  return (
    <Dialog
      title="The playground"
      testid="help"
      onClose={() => {
        helpIsOpen.value = false;
      }}
    >
      <p>
        XenStore is the small shared database of a Xen host: a tree of nodes through which the
        domains find each other, set up their devices and tell each other of changes. Here a whole
        store runs in your browser, with several domains that talk to it as real ones do. Nothing
        leaves this page, and nothing in it can break a real host.
      </p>
      <p>
        A good start is a story from the guide: it shows one thing step by step. Or type{" "}
        <code>help</code> into the console of a domain.
      </p>
      <h3>Views</h3>
      <Pairs pairs={VIEWS} />
      <h3>Keys everywhere</h3>
      <Pairs pairs={PAGE_KEYS} />
      <h3>Keys in the tree</h3>
      <Pairs pairs={KEYS} />
    </Dialog>
  );
}

export function Pairs({ pairs }: { pairs: readonly (readonly [string, string])[] }) {
  return (
    <table class="data">
      <tbody>
        {pairs.map(([name, what]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{what}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
