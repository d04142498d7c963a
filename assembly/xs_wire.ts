// The protocol's own numbers, as public/io/xs_wire.h gives them.
// Holds   message types, limits and the layout of a header; constants only.
// Never   imports anything: the core and the hosts both read this file.
// Source  wire.md of the specification.

export const XS_CONTROL: u32 = 0;
export const XS_DIRECTORY: u32 = 1;
export const XS_READ: u32 = 2;
export const XS_GET_PERMS: u32 = 3;
export const XS_WATCH: u32 = 4;
export const XS_UNWATCH: u32 = 5;
export const XS_TRANSACTION_START: u32 = 6;
export const XS_TRANSACTION_END: u32 = 7;
export const XS_INTRODUCE: u32 = 8;
export const XS_RELEASE: u32 = 9;
export const XS_GET_DOMAIN_PATH: u32 = 10;
export const XS_WRITE: u32 = 11;
export const XS_MKDIR: u32 = 12;
export const XS_RM: u32 = 13;
export const XS_SET_PERMS: u32 = 14;
export const XS_WATCH_EVENT: u32 = 15;
export const XS_ERROR: u32 = 16;
export const XS_IS_DOMAIN_INTRODUCED: u32 = 17;
export const XS_RESUME: u32 = 18;
export const XS_SET_TARGET: u32 = 19;
// 20 was RESTRICT, removed.
export const XS_RESET_WATCHES: u32 = 21;
export const XS_DIRECTORY_PART: u32 = 22;
export const XS_GET_FEATURE: u32 = 23;
export const XS_SET_FEATURE: u32 = 24;
export const XS_GET_QUOTA: u32 = 25;
export const XS_SET_QUOTA: u32 = 26;
/** Number of message types: from here on every type is answered with ENOSYS. */
export const XS_TYPE_COUNT: u32 = 27;

/** Bytes of struct xsd_sockmsg: type, req_id, tx_id, len, each a little endian u32. */
export const XS_HEADER_SIZE: u32 = 16;
export const XENSTORE_PAYLOAD_MAX: u32 = 4096;
export const XENSTORE_ABS_PATH_MAX: u32 = 3072;

/** Features a server offers: bits of GET_FEATURE and of the ring page. */
export const XENSTORE_SERVER_FEATURE_RECONNECTION: u32 = 1;
export const XENSTORE_SERVER_FEATURE_ERROR: u32 = 2;
export const XENSTORE_SERVER_FEATURE_WATCHDEPTH: u32 = 4;
export const XENSTORE_SERVER_FEATURE_ANYDOMAIN: u32 = 8;
export const XENSTORE_SERVER_FEATURES: u32 = 15;

/** Domain ids with a meaning of their own; ordinary ones are below the first. */
export const DOMID_FIRST_RESERVED: u32 = 0x7ff0;
export const DOMID_SELF: u32 = 0x7ff0;
export const DOMID_INVALID: u32 = 0x7ff4;
export const DOMID_ANY: u32 = 0x7ff5;

// struct xenstore_domain_interface: the page that a guest shares with the store.
export const XENSTORE_RING_PAGE: u32 = 4096;
/** Bytes of each of the two queues; requests begin at 0. */
export const XENSTORE_RING_SIZE: u32 = 1024;
export const XENSTORE_RING_RSP: u32 = 1024;
export const XENSTORE_RING_REQ_CONS: u32 = 2048;
export const XENSTORE_RING_REQ_PROD: u32 = 2052;
export const XENSTORE_RING_RSP_CONS: u32 = 2056;
export const XENSTORE_RING_RSP_PROD: u32 = 2060;
export const XENSTORE_RING_FEATURES: u32 = 2064;
export const XENSTORE_RING_CONNECTION: u32 = 2068;
export const XENSTORE_RING_ERROR: u32 = 2072;
export const XENSTORE_RING_EVTCHN_PORT: u32 = 2076;

/** Why a ring is not served any more, in its error field. */
export const XENSTORE_ERROR_NONE: u32 = 0;
export const XENSTORE_ERROR_COMM: u32 = 1;
export const XENSTORE_ERROR_RINGIDX: u32 = 2;
export const XENSTORE_ERROR_PROTO: u32 = 3;
