// Dispose: the symbol behind `await using`, also where a runtime does not have it yet.
// Holds   one symbol.
// Never   replaces the runtime's own.
// Source  our own; ECMAScript, explicit resource management.

/** `Symbol.asyncDispose`; defined here for runtimes such as Safari's, so that compilers find it. */
export const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? define();

function define(): typeof Symbol.asyncDispose {
  const value = Symbol.for("Symbol.asyncDispose");
  Object.defineProperty(Symbol, "asyncDispose", { value });
  return Symbol.asyncDispose;
}
