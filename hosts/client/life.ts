// Life: how one page or worker learns that another one is gone, where the runtime has Web Locks.
// Holds   one lock, as long as this page or worker lives.
// Never   needs a lock: without them the ends of a port are noticed by what the port itself says.
// Source  our own; the Web Locks API. A lock is let go when its holder ends, however that happens.

interface Locks {
  request(name: string, options: object, call: () => unknown): Promise<unknown>;
  query(): Promise<{ held?: { name?: string }[] }>;
}

/** A program of Deno would not end as long as it holds a lock, whatever else it is done with. */
const locks =
  "Deno" in globalThis
    ? undefined
    : (globalThis as { navigator?: { locks?: Locks } }).navigator?.locks;
let own: Promise<string> | undefined;

/** The name of the lock that this page or worker holds while it lives; empty: there are no locks. */
export function ownLife(): Promise<string> {
  own ??= locks ? hold(locks, `xenstore-life-${crypto.randomUUID()}`) : Promise.resolve("");
  return own;
}

function hold(from: Locks, name: string): Promise<string> {
  return new Promise((resolve) => {
    const held = () => {
      resolve(name);
      return new Promise(() => {});
    };
    // A page that may have no locks, such as one without an origin, goes on without.
    from.request(name, {}, held).catch(() => resolve(""));
  });
}

/**
 * Calls back once when the holder of a life is gone.
 * @param life  its name, as it was sent; empty: nothing is ever heard
 * @param sure  the other one is certainly of the same origin; else a lock that nobody holds now
 *              tells nothing, since pages of two origins do not see each other's locks
 * @returns     stops that
 */
export function whenGone(life: string, sure: boolean, gone: () => void): () => void {
  const abort = new AbortController();
  if (life !== "" && locks) {
    waitFor(locks, life, sure, abort.signal).then(
      (ended) => {
        if (ended && !abort.signal.aborted) gone();
      },
      () => {},
    );
  }
  return () => abort.abort();
}

/** Resolves when the lock is free; false: that would say nothing. */
async function waitFor(
  from: Locks,
  life: string,
  sure: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  if (!sure) {
    const { held } = await from.query();
    if (!held?.some(({ name }) => name === life)) return false;
  }
  await from.request(life, { signal }, () => {});
  return true;
}
