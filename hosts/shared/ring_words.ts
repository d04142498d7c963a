// Ring words: where the words of a ring's page stand when they are read or written together.
// Holds   constants only.
// Never   says which side may write a word: ring_copy.ts and guest_ring.ts do.
// Source  the XenStore protocol, ring.

// Counted in u32 from XENSTORE_RING_REQ_CONS on.
export const REQ_CONS = 0;
export const REQ_PROD = 1;
export const RSP_CONS = 2;
export const RSP_PROD = 3;
export const FEATURES = 4;
export const CONNECTION = 5;
export const ERROR = 6;
export const WORDS = 7;
