// Every bound that xs_wire.h does not give.
// Holds   constants only.
// Never   imports anything: the core and the hosts both read this file.
// Source  quota.md and transactions.md of the specification, else our own choice.

/** Deepest path: a slash and a letter for each level of 3072 bytes. */
export const DEPTH_MAX: u32 = 1536;

/** Bytes waiting to be sent above which a connection's requests are not served. */
export const OUT_HIGH: u32 = 262144;
/** Bytes of undelivered output at which a connection is closed. */
export const OUT_MAX: u32 = 33554432;

/** Bytes that older versions of nodes may take before the oldest snapshot is given up. */
export const UNDO_MAX: u32 = 268435456;

// Write rate limit of unprivileged domains, in units of 1/1000 of a write.
export const CREDIT_REFILL_PER_S: i32 = 200000;
export const CREDIT_CAP: i32 = 10000;
export const CREDIT_RESERVE_CAP: i32 = 1000000;
export const CREDIT_RESERVE_FLOOR: i32 = -50000;
