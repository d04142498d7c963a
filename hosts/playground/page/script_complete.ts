// Script complete: what the editor offers: members of a client, exports of the library, paths.
// Holds   the options made of script_words.ts.
// Never   offers anything in a comment.
// Source  CodeMirror's reference, Autocompletion.

import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { scopeCompletionSource } from "@codemirror/lang-javascript";
import { syntaxTree } from "@codemirror/language";
import {
  CLIENT_WORDS,
  DOMAIN_WORDS,
  IMPORT_WORDS,
  NODE_WORDS,
  TRANSACTION_WORDS,
  WATCH_WORDS,
  type Word,
} from "./script_words.ts";
import { call } from "./state.ts";

const option =
  (boost: number) =>
  ([label, detail, info]: Word): Completion => ({
    label,
    detail,
    info,
    boost,
    type: detail === "" ? "property" : "method",
  });

const MEMBERS: readonly Completion[] = [
  ...NODE_WORDS.map(option(20)),
  ...CLIENT_WORDS.map(option(10)),
  ...[...TRANSACTION_WORDS, ...DOMAIN_WORDS, ...WATCH_WORDS].map(option(0)),
];
const IMPORTS: readonly Completion[] = IMPORT_WORDS.map(option(0));

/** What every script has besides. */
const SCOPE = { Array, Date, JSON, Map, Math, Number, Object, Promise, Set, String, console };
const completeScope = scopeCompletionSource(SCOPE);

const OF_SCOPE = new RegExp(`\\b(${Object.keys(SCOPE).join("|")})\\.\\w*$`);

/** Members behind a dot, and names between the braces of an import. */
export function completeMembers(
  context: CompletionContext,
): CompletionResult | null | Promise<CompletionResult | null> {
  const node = syntaxTree(context.state).resolveInner(context.pos, -1);
  if (/String|Comment|RegExp/.test(node.name)) return null;
  if (context.matchBefore(OF_SCOPE)) return completeScope(context);
  const member = context.matchBefore(/\.\w*/);
  if (member) return { from: member.from + 1, options: [...MEMBERS], validFor: /^\w*$/ };
  for (let at: typeof node | null = node; at; at = at.parent) {
    if (at.name !== "ImportGroup") continue;
    const word = context.matchBefore(/\w*/);
    return { from: word?.from ?? context.pos, options: [...IMPORTS], validFor: /^\w*$/ };
  }
  return null;
}

/** Paths of the store, in a string that begins with a slash. */
export async function completePaths(context: CompletionContext): Promise<CompletionResult | null> {
  const node = syntaxTree(context.state).resolveInner(context.pos, -1);
  if (node.name !== "String") return null;
  const path = context.state.sliceDoc(node.from + 1, context.pos);
  if (!/^\/[\w@/-]*$/.test(path)) return null;
  const line = `read ${path}`;
  try {
    const found = await call("console.complete", { domid: 0, line, cursor: line.length });
    const from = context.pos - (line.length - found.from);
    const options = found.options.map((label) => ({ label, type: "text" }));
    return options.length === 0 ? null : { from, options };
  } catch {
    return null;
  }
}
