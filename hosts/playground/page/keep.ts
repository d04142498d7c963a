// Keep: small settings that outlive a reload.
// Holds   access to the browser's local storage, which may be refused.
// Never   keeps anything of a store: that is the engine's.
// Source  our own.

const PREFIX = "xenstore-playground:";

/** What was kept under this name; null: nothing, or the browser refuses. */
export function kept(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/** Keeps it where the browser lets us; else it holds until the page is closed. */
export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // Private windows and blocked storage: nothing depends on it.
  }
}
