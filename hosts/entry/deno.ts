// Deno: what `import "xenstore"` gives on Deno.
// Holds   re-exports only: Deno has what Node's parts need.
// Never   does anything by being imported.
// Source  our own.

export * from "./node.ts";
