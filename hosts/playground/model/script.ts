// Script: what the page and the worker that runs a script say to each other.
// Holds   types only.
// Never   trusts: a script may post anything, so the page looks at whatever comes.
// Source  our own.

/** From the page, once: the address of the module to be run. */
export interface ToScript {
  readonly run: string;
}

export type OutputKind = "log" | "info" | "debug" | "warn" | "error" | "uncaught";

/** Something that was printed. A place in the script stands in the text as `script:LINE:COLUMN`. */
export interface OutputLine {
  readonly kind: OutputKind;
  /** Since the script began. */
  readonly ms: number;
  readonly text: string;
}

/** From the worker. */
export type FromScript =
  /** What was printed; so many lines before it were left out, since there were too many. */
  | { readonly lines: readonly OutputLine[]; readonly dropped: number }
  | { readonly clear: true }
  /** A connection is wanted: the other end of this port is to be served for a domain. */
  | { readonly port: MessagePort; readonly domid: number }
  /** The last line has run, and so many connections and timers are still open. */
  | { readonly waiting: { readonly connections: number; readonly timers: number } }
  /** It is over; `failed`: by an error that nobody caught. `syntax`: it could not even begin. */
  | { readonly end: "finished" | "failed" | "syntax" };
