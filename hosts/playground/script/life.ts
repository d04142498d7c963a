// Life: when a script is over: its last line has run, and nothing it has opened goes on.
// Holds   how many connections and timers are open.
// Never   ends a script that still hears or waits.
// Source  our own; as Node ends a program.

export class ScriptLife {
  onChange: () => void = () => {};
  connections = 0;
  #timers = new Set<unknown>();

  get timers(): number {
    return this.#timers.size;
  }

  /** Counts something that is being opened until it is closed, or could not be opened. */
  async hold<T extends { readonly closed: Promise<unknown> }>(opening: Promise<T>): Promise<T> {
    this.connections++;
    const done = () => {
      this.connections--;
      this.onChange();
    };
    try {
      const opened = await opening;
      opened.closed.then(done, done);
      return opened;
    } catch (error) {
      done();
      throw error;
    }
  }

  /** Puts timers in the scope that are counted. */
  countTimers(scope: typeof globalThis): void {
    const { setTimeout: later, setInterval: often } = scope;
    const { clearTimeout: notLater, clearInterval: notOften } = scope;
    type Call = (...args: unknown[]) => void;
    const forget = (id: unknown) => {
      if (this.#timers.delete(id)) this.onChange();
    };
    const own = {
      setTimeout: (call: Call, ms?: number, ...args: unknown[]) => {
        const id: unknown = later(() => {
          try {
            call(...args);
          } finally {
            forget(id);
          }
        }, ms);
        this.#timers.add(id);
        return id;
      },
      setInterval: (call: Call, ms?: number, ...args: unknown[]) => {
        const id: unknown = often(() => call(...args), ms);
        this.#timers.add(id);
        return id;
      },
      clearTimeout: (id: unknown) => {
        notLater(id as number);
        forget(id);
      },
      clearInterval: (id: unknown) => {
        notOften(id as number);
        forget(id);
      },
    };
    Object.assign(scope, own);
  }
}
