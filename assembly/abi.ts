// Numbers that the core and its hosts agree on; see "The boundary" in ARCHITECTURE.md.
// Holds   constants only.
// Never   imports anything: the core and the hosts both read this file.
// Source  our own.

/** Changes whenever a host written for the old numbers would misbehave. */
export const ABI_VERSION: u32 = 1;

/** Bytes of the staging buffer at `input_ptr()`: the most one `receive` may carry. */
export const INPUT_SIZE: u32 = 65536;

// Kinds of connection, for `connect`.
export const CONN_SOCKET: u32 = 1;
/** A socket client that may not change the store: EROFS. */
export const CONN_SOCKET_READ_ONLY: u32 = 2;
/** A stream that speaks as one domain, with that domain's rights and quotas. */
export const CONN_DOMAIN: u32 = 3;
/** A domain's ring: its bytes move through the copy of the page at `ring_page(conn)`. */
export const CONN_RING: u32 = 4;

// What a connection wants from its host: bits returned by receive, sent, end_input and status.
/** `out_len(conn)` bytes at `out_ptr(conn)` want to leave; say how many did with `sent`. */
export const WANT_SEND: u32 = 1;
/** Close it once the bytes above are out, then call `disconnect`. */
export const WANT_CLOSE: u32 = 2;
/** Its requests are held back: stop reading from it until this bit is gone. */
export const WANT_PAUSE: u32 = 4;
/** Its ring page changed: copy the store's fields out, then tell the other end. */
export const WANT_NOTIFY: u32 = 8;
/** Other connections want something: call `poll` until it returns 0. */
export const WANT_POLL: u32 = 16;
/** Records wait at `log_ptr()`. */
export const WANT_LOG: u32 = 32;
/** The core asks about a domain: see `ask_kind`, and `answer`. */
export const WANT_MACHINE: u32 = 64;
/** Its ring holds half a request or unsent output: look again within LOOK_AGAIN_MS unasked. */
export const WANT_LOOK: u32 = 128;
/** Its ring was reset: copy out all four indexes, connection and error, not only the store's. */
export const WANT_RESET: u32 = 256;

/** Some guests do not notify when they should. */
export const LOOK_AGAIN_MS: u32 = 100;

// What the core asks the host: `ask_kind`. The request that needs it is served again after `answer`.
export const ASK_NOTHING: u32 = 0;
/** Does domain `ask_domid` exist? Answer 1 or 0. */
export const ASK_EXISTS: u32 = 1;
/**
 * Map the ring page of `ask_domid` and bind its event channel `ask_port`, then `connect` it as
 * CONN_RING, unless it is connected: then only bind anew. Answer 1, or 0 if that can't be done.
 */
export const ASK_MAP: u32 = 2;

// Records in the log buffer: u8 kind, u24 length (little endian), bytes.
/** A line for the trace file. The byte 1 stands where the local time belongs. */
export const LOG_TRACE: u32 = 1;
/** A line for the system's log. */
export const LOG_NOTICE: u32 = 2;
/** Open the trace file of this name; an empty name means the one in use before. */
export const LOG_TRACE_OPEN: u32 = 3;
export const LOG_TRACE_CLOSE: u32 = 4;
/** Text for the daemon's own output (CONTROL print). */
export const LOG_PRINT: u32 = 5;
/** A report for a file: name, NUL, text. An empty name means the trace file. */
export const LOG_REPORT: u32 = 6;

// Keys of `configure(key, value)`.
// 0 to 9: the hard quotas, in the order of GET_QUOTA; 0 switches one off.
export const OPT_QUOTA_NODES: u32 = 0;
export const OPT_QUOTA_WATCHES: u32 = 1;
export const OPT_QUOTA_OUTSTANDING: u32 = 2;
export const OPT_QUOTA_MEMORY: u32 = 3;
export const OPT_QUOTA_SOFT_MEMORY: u32 = 4;
export const OPT_QUOTA_TRANSACTIONS: u32 = 5;
export const OPT_QUOTA_TRANSACTION_NODES: u32 = 6;
export const OPT_QUOTA_NODE_PERMISSIONS: u32 = 7;
export const OPT_QUOTA_PATH_MAX: u32 = 8;
export const OPT_QUOTA_NODE_SIZE: u32 = 9;
/** Milliseconds until an undelivered event for a guest is dropped; 0 = never. */
export const OPT_TIMEOUT_WATCH_EVENT: u32 = 16;
/** 1: nodes of a dead domain go to the control domain instead of being removed. */
export const OPT_KEEP_ORPHANS: u32 = 17;
/** Domain the daemon runs in: what socket clients count as. */
export const OPT_STORE_DOMID: u32 = 18;
/** The control domain: privileged. */
export const OPT_PRIV_DOMID: u32 = 19;
/** 0: conflicts by what was observed; 1: exactly the C daemon's decisions. */
export const OPT_STRICT_CONFLICTS: u32 = 20;
/** 1: a trace file is open. */
export const OPT_TRACE: u32 = 21;
/** Bits of the trace switches: 1 obj, 2 io, 4 wrl, 8 acc, 16 tdb. */
export const OPT_TRACE_SWITCHES: u32 = 22;
/** 1: the host is asked about domains (WANT_MACHINE); 0: every ordinary domid exists. */
export const OPT_MACHINE: u32 = 23;
/** Features offered, bits of XENSTORE_SERVER_FEATURE_*. */
export const OPT_FEATURES: u32 = 24;

// States of a domain, for `domain_state`.
export const DOMAIN_GONE: u32 = 0;
export const DOMAIN_RUNNING: u32 = 1;
export const DOMAIN_SHUTDOWN: u32 = 2;

/** Pages of 64 KiB that linear memory may have: the bound on the whole store. */
export const OPT_MEMORY_PAGES: u32 = 25;
/** Bytes that older versions of nodes may take before open snapshots are given up. */
export const OPT_UNDO_MAX: u32 = 26;

// Figures, for `stat`.
export const STAT_NODES: u32 = 0;
export const STAT_BYTES_USED: u32 = 1;
export const STAT_BYTES_LINEAR: u32 = 2;
export const STAT_WATCHES: u32 = 3;
export const STAT_TRANSACTIONS: u32 = 4;
export const STAT_CONNECTIONS: u32 = 5;
export const STAT_BYTES_VERSIONS: u32 = 6;
/** Faults that a check of the whole store finds; each is named in the log. */
export const STAT_FAULTS: u32 = 7;
