// Node inspector: all there is to know of the selected node, and where it is edited.
// Holds   the trail of its path and the order of the parts.
// Never   edits anything while a past moment is shown.
// Source  our own.

import { useEffect } from "preact/hooks";
import type { NodeDetail } from "../model/protocol.ts";
import { copyText } from "./copy.ts";
import { ChangedBy, Explained, Hearing, Rights } from "./node_facts.tsx";
import { PermsEditor } from "./node_perms.tsx";
import { ValueEditor } from "./node_value.tsx";
import { act, link, past, seen, selected } from "./state.ts";
import { createChild } from "./tree_edit.tsx";
import { remove, reveal } from "./tree_state.ts";
import { trailOf } from "./tree_window.ts";

export function Inspector() {
  const path = selected.value;
  useEffect(() => link.look({ node: path }), [path]);
  useEffect(() => () => link.look({ node: undefined }), []);
  return (
    <section class="node" data-testid="node" aria-label="Selected node">
      <Trail />
      <Body />
    </section>
  );
}

function Trail() {
  const path = selected.value;
  const steps = trailOf(path);
  return (
    <div class="node-head">
      <nav aria-label="Path of the selected node" class="node-trail mono">
        <ol>
          {steps.map((step, at) => (
            <li key={step.path}>
              <button
                type="button"
                class="plain"
                aria-current={at === steps.length - 1 ? "true" : undefined}
                aria-label={step.path}
                onClick={() => reveal(step.path)}
              >
                {step.name}
              </button>
            </li>
          ))}
        </ol>
      </nav>
      <button type="button" class="plain" onClick={() => copyText(path, "The path")}>
        Copy path
      </button>
    </div>
  );
}

function Body() {
  const node = seen.node.value;
  if (node === undefined) return <p class="node-none dim">The store is starting.</p>;
  if (node === null) {
    return (
      <p class="node-none">
        <Moment />
        There is no node <span class="mono">{selected.value}</span>{" "}
        {past.value ? "at this moment." : "any more. Undo may bring it back."}
      </p>
    );
  }
  return <Parts key={node.path} node={node} />;
}

function Parts({ node }: { node: NodeDetail }) {
  const { path, children } = node;
  return (
    <div class="node-parts" data-node={path}>
      <Moment />
      {node.explanation && <Explained explanation={node.explanation} />}
      <ValueEditor node={node} />
      <PermsEditor node={node} />
      <div class="node-ways">
        <button type="button" disabled={past.value} onClick={createChild}>
          New child
        </button>
        <button
          type="button"
          data-testid="remove"
          disabled={past.value || path === "/"}
          onClick={() => remove(path, children)}
        >
          Delete
        </button>
        {!past.value && <ChangedBy n={node.changedBy} />}
      </div>
      <Rights node={node} />
      <Hearing watches={node.watches} />
    </div>
  );
}

/** Says that the past is shown, and the way back. */
function Moment() {
  if (!past.value) return null;
  return (
    <span class="node-past">
      <span>This is a moment that is past: nothing can be edited in it.</span>
      <button type="button" onClick={() => act("history.go", { at: null })}>
        Back to now
      </button>
    </span>
  );
}
