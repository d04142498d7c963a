// Dispose: the symbol behind `await using` in a runtime that has none.
// Holds   the runtime's own symbol while it is taken away.
// Never   leaves a runtime without it.
// Source  our own.

import { expect, it, vi } from "vitest";

it("the symbol behind await using is defined where a runtime lacks it, and kept where not", async () => {
  const own = Symbol.asyncDispose;
  const load = async () => {
    vi.resetModules();
    return (await import("../../hosts/client/dispose.ts")).asyncDispose;
  };
  expect(await load()).toBe(own);
  const real = Symbol;
  const plain = (name?: string) => real(name);
  const bare = new Proxy(plain, {
    get: (target, key) =>
      Object.hasOwn(target, key) || key === "asyncDispose"
        ? Reflect.get(target, key)
        : Reflect.get(real, key),
  }) as unknown as SymbolConstructor;
  vi.stubGlobal("Symbol", bare);
  try {
    const made = await load();
    expect(typeof made).toBe("symbol");
    expect(bare.asyncDispose).toBe(made);
  } finally {
    vi.unstubAllGlobals();
  }
});
