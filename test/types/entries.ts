// Entries: the modules of all runtimes have the same names with the same types.
// Holds   types only; the compiler is the test.
// Never   runs.
// Source  our own.

import type * as browser from "../../hosts/entry/browser.ts";
import type * as deno from "../../hosts/entry/deno.ts";
import type * as inline from "../../hosts/entry/inline.ts";
import type * as inlineNode from "../../hosts/entry/inline_node.ts";
import type * as node from "../../hosts/entry/node.ts";
import type * as testing from "../../hosts/entry/testing.ts";
import type * as testingNode from "../../hosts/entry/testing_node.ts";

/** A type if both fit each other, else never. */
type Same<A, B> = A extends B ? (B extends A ? true : never) : never;

/** Each is `true`; a `never` does not fit there. */
export const SAME: {
  readonly deno: Same<typeof node, typeof deno>;
  readonly browser: Same<typeof node, typeof browser>;
  readonly inline: Same<typeof node, typeof inline>;
  readonly inlineNode: Same<typeof node, typeof inlineNode>;
  readonly testing: Same<typeof testing, typeof testingNode>;
} = { deno: true, browser: true, inline: true, inlineNode: true, testing: true };
