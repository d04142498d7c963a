// Poll: hears when a descriptor is readable where the event loop can't be asked: on Deno.
// Holds   for each watched descriptor one call of poll(2), on a thread of koffi's.
// Never   keeps the process from ending for longer than one call takes.
// Source  poll(2) of the Linux system call interface.

const POLLIN = 1;
/** A call that nobody wants any more ends by itself after this. */
const TURN_MS = 1000;

/** poll(2) on a thread: calls back with an error of the binding, or the result. */
export type AsyncPoll = (
  entry: Int32Array,
  count: number,
  timeoutMs: number,
  done: (error: unknown, result: number) => void,
) => void;

/** Calls back while `fd` is readable, until it is closed; the same as Libc.watch. */
export function pollWatch(poll: AsyncPoll, fd: number, readable: () => void): { close(): void } {
  // struct pollfd: the descriptor, then two shorts; what was found stands in the upper one.
  const entry = new Int32Array([fd, POLLIN]);
  let open = true;
  const turn = () => {
    entry[1] = POLLIN;
    poll(entry, 1, TURN_MS, (error, result) => {
      if (!open) return;
      if (!error && result > 0) readable();
      if (open) turn();
    });
  };
  turn();
  return {
    close: () => {
      open = false;
    },
  };
}
