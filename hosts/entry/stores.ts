// Stores: createStore and createTestStore with the core already in hand.
// Holds   the option that names the core, in place of a compiled module.
// Never   knows where the core lies: the entries bind that.
// Source  our own.

import type { StoreOptions as PlainOptions, Store } from "../embed/api.ts";
import { createStore } from "../embed/store.ts";
import { type CompileAt, compile, type WasmSource } from "./wasm.ts";

/** Options of `createStore`. */
export interface StoreOptions extends Omit<PlainOptions, "module"> {
  /** The core, instead of the one that comes with the package. */
  readonly wasm?: WasmSource | undefined;
}

/** Where a runtime has the core. */
export interface CoreSource {
  readonly compileAt: CompileAt;
  readonly coreModule: () => Promise<WebAssembly.Module>;
}

/** Makes the `createStore` of an entry. */
export function storeMaker(source: CoreSource) {
  return async (options: StoreOptions = {}): Promise<Store> => {
    return await createStore(await withModule(options, source));
  };
}

/** The options with the compiled core in them. */
export async function withModule<Options extends { readonly wasm?: WasmSource | undefined }>(
  options: Options,
  { compileAt, coreModule }: CoreSource,
): Promise<Omit<Options, "wasm"> & { module: WebAssembly.Module }> {
  const { wasm, ...rest } = options;
  const module = wasm === undefined ? await coreModule() : await compile(wasm, compileAt);
  return { ...rest, module };
}
