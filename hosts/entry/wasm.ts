// Wasm: the core as a compiled module, from whatever form of it a program has.
// Holds   which forms there are.
// Never   knows where the core lies.
// Source  our own; the WebAssembly JavaScript interface.

/**
 * The core in any form: a compiled module, its bytes, or the address of the file `core.wasm` of
 * this package. A string is an address, too; relative ones count from the page or the working
 * folder.
 */
export type WasmSource = WebAssembly.Module | Uint8Array | ArrayBuffer | URL | string;

/** Compiles what lies at an address. */
export type CompileAt = (address: URL | string) => Promise<WebAssembly.Module>;

/** Compiles the core from any form of it. Errors: Error, if it is no whole module. */
export async function compile(source: WasmSource, compileAt: CompileAt) {
  if (source instanceof WebAssembly.Module) return source;
  if (typeof source === "string" || source instanceof URL) return await compileAt(source);
  return await compileBytes(source, "the bytes that were given");
}

/** Compiles bytes that came from `place`. Errors: Error, if they are no whole module. */
export async function compileBytes(
  bytes: Uint8Array | ArrayBuffer,
  place: string,
): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes as ArrayBuffer);
  } catch (error) {
    throw new Error(`${place}: no whole wasm module; core.wasm of this package is one`, {
      cause: error,
    });
  }
}

/** Makes a module when it is first asked for, and once; after a failure again. */
export function once(make: () => Promise<WebAssembly.Module>): () => Promise<WebAssembly.Module> {
  let made: Promise<WebAssembly.Module> | undefined;
  return () => {
    made ??= make();
    made.catch(() => {
      made = undefined;
    });
    return made;
  };
}
