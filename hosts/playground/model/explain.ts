// Explain: what well-known paths are for.
// Holds   the explanations' form; the table itself is in known.ts.
// Never   looks at a store.
// Source  the XenStore protocol, well-known paths.

export interface Explanation {
  /** The pattern that fits, such as /local/domain/<domid>/device/vif/<n>/state. */
  readonly pattern: string;
  /** One to three sentences. */
  readonly text: string;
  /** What its value means, where that is a code: 4 is "Connected". */
  readonly value: string | null;
}
