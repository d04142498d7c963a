// Numbers that the core and its hosts agree on; see "The boundary" in ARCHITECTURE.md.
// Holds   constants only.
// Never   imports anything: the core and the hosts both read this file.
// Source  our own.

/** Changes whenever a host written for the old numbers would misbehave. */
export const ABI_VERSION: u32 = 2;

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
/**
 * As CONN_DOMAIN, of a domain that was introduced, but beside the connection that it has or may
 * get: any number of them. They end with their domain.
 */
export const CONN_BESIDE: u32 = 5;
/** The same, and may not change the store: EROFS. */
export const CONN_BESIDE_READ_ONLY: u32 = 6;

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
/** Changes wait to be stored: take them with `journal_take` before anything else leaves. */
export const WANT_STORE: u32 = 512;
/** A request waits for work that takes the host some time: see `task_kind`. */
export const WANT_TASK: u32 = 1024;

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

// The database: changes as frames of a journal, the whole as a stream of records.

/** 1: every change is put down for the journal. */
export const OPT_JOURNAL: u32 = 27;
/** What requests that change something are refused with: STORAGE_*. */
export const OPT_STORAGE: u32 = 28;

/** How storing went, for `journal_done` and OPT_STORAGE. */
export const STORAGE_OK: u32 = 0;
/** The medium fails: EIO. */
export const STORAGE_BROKEN: u32 = 1;
/** There is no room: ENOSPC. */
export const STORAGE_FULL: u32 = 2;

// What `dump_begin` writes.
/** The state as it is at `dump_begin`, for the database; requests may be served between chunks. */
export const DUMP_SNAPSHOT: u32 = 1;
/** Everything, for a successor process. Nothing may be served until `dump_end`. */
export const DUMP_UPDATE: u32 = 2;
/** As DUMP_UPDATE, in version 1 of the format and without what only ours reads. */
export const DUMP_FOREIGN: u32 = 3;

// What `load_begin` reads.
/** A stream written for the database; every byte of it is checked. */
export const LOAD_SNAPSHOT: u32 = 1;
/** The same, damaged: whatever is whole is taken. */
export const LOAD_SALVAGE: u32 = 2;
/** A journal: its frames are applied to what was loaded before. */
export const LOAD_JOURNAL: u32 = 3;
/** A stream from another process, ours or the C daemon's, with descriptors. */
export const LOAD_UPDATE: u32 = 4;
/** A journal is only checked, as by LOAD_JOURNAL. */
export const LOAD_CHECK: u32 = 5;

// What `load_end` says.
export const LOADED: u32 = 0;
/** The journal's last frame was not written to its end: everything before `load_offset` counts. */
export const LOADED_TORN: u32 = 1;
/** Damaged at `load_offset`. */
export const LOADED_DAMAGED: u32 = 2;
/** Written by a newer version of this program. */
export const LOADED_NEWER: u32 = 3;
/** Not such a file at all. */
export const LOADED_FOREIGN: u32 = 4;
/** Out of memory. */
export const LOADED_NO_MEMORY: u32 = 5;

// Figures of a load, for `load_count`.
export const COUNT_NODES: u32 = 0;
/** Frames that were applied. */
export const COUNT_FRAMES: u32 = 1;
/** Frames behind the damage, or blocks and nodes that could not be used. */
export const COUNT_LOST: u32 = 2;
/** Number of the snapshot or journal, as it says itself. */
export const COUNT_NUMBER: u32 = 3;
/** 1: it was written while the machine ran that runs now. */
export const COUNT_SAME_BOOT: u32 = 4;
/** Number of the first frame that a journal can hold, as its head says. */
export const COUNT_FIRST: u32 = 5;

/** Bytes that name the run of the machine, at `boot_ptr()`: written by the host before `init`. */
export const BOOT_SIZE: u32 = 16;

// Work that takes time: `task_kind`.
export const TASK_NONE: u32 = 0;
/** Is the file in `task_text` there, and a program? Answer with a text; empty: yes. */
export const TASK_FILE: u32 = 1;
/**
 * Replace this process by the program in `task_text`: file, NUL, then the command line or nothing
 * (then the present one). Answer with a text only when that failed.
 */
export const TASK_UPDATE: u32 = 2;
/** Check the database; the answer is a text for people, empty when there is none. */
export const TASK_CHECK: u32 = 3;

// Descriptors that are handed to a successor: `handle` and `set_handle`.
export const HANDLE_SOCKET: u32 = 0;
export const HANDLE_SOCKET_READ_ONLY: u32 = 1;
/** The event channel device. */
export const HANDLE_EVENTS: u32 = 2;
/** The pid file, locked. */
export const HANDLE_PID_FILE: u32 = 3;
export const NO_HANDLE: i32 = -1;
