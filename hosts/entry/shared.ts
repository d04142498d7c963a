// Shared: openShared with the core and the worker's script already in hand.
// Holds   the option that names the core, in place of a compiled module.
// Never   runs but in a browser.
// Source  our own.

import {
  openShared,
  type SharedOptions as PlainOptions,
  type SharedStore,
} from "../browser/tabs.ts";
import { type CompileAt, compile, type WasmSource } from "./wasm.ts";

/** Options of `openShared`. */
export interface SharedOptions extends Omit<PlainOptions, "module"> {
  /** The core, instead of the one that comes with the package. */
  readonly wasm?: WasmSource | undefined;
}

/** What a page has: no `coreModule` where the worker fetches it, no `worker` where a script is not known. */
export interface SharedParts {
  readonly compileAt: CompileAt;
  readonly coreModule: (() => Promise<WebAssembly.Module>) | null;
  readonly worker: (() => Worker) | null;
}

/** Makes the `openShared` of an entry. */
export function sharedOpener({ compileAt, coreModule, worker }: SharedParts) {
  return async (options: SharedOptions = {}): Promise<SharedStore> => {
    const { wasm, ...rest } = options;
    const module = wasm === undefined ? await coreModule?.() : await compile(wasm, compileAt);
    return await openShared({ ...rest, module, worker: rest.worker ?? worker ?? undefined });
  };
}
