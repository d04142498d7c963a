// Stream: the numbers of Xen's migration stream, and of the records that are our own.
// Holds   constants only.
// Never   needs a reader to know ours: the format says that unknown records are skipped.
// Source  the XenStore protocol, migration stream.
//
//   header  "xenstore"  8 u32 version, big endian  12 u32 flags, big endian (bit 0: big endian)
//   record  u32 type  u32 length, here with the zeros that fill the body up to a multiple of 8

export const STREAM_MAGIC: u64 = 0x6572_6f74_736e_6578;
export const STREAM_HEAD: u32 = 16;
export const STREAM_VERSION: u32 = 2;
export const RECORD_HEAD: u32 = 8;

export const S_END: u32 = 0;
export const S_GLOBAL: u32 = 1;
export const S_CONNECTION: u32 = 2;
export const S_WATCH: u32 = 3;
export const S_TRANSACTION: u32 = 4;
export const S_NODE: u32 = 5;
export const S_GLOBAL_QUOTA: u32 = 6;
export const S_DOMAIN: u32 = 7;
export const S_WATCH_DEPTH: u32 = 8;

/** u64 CHECK_MAGIC  8 u32 CRC of all since the last of these  12 u32 number of the block */
export const S_CHECK: u32 = 0xffff_0000;
export const CHECK_MAGIC: u64 = 0x6b63_6568_6378_7378;
export const CHECK_SIZE: u32 = 16;
/** What holds for the whole store; see STORE_SIZE. */
export const S_STORE: u32 = 0xffff_0001;
/** Of the connection in front: what the format has no place for. */
export const S_CONNECTION_MORE: u32 = 0xffff_0002;
/** u32 connection, u32 n, n times u64: numbers of registration of its watches in front */
export const S_WATCH_ORDER: u32 = 0xffff_0003;
/** u32 n, 0, n times u64: generations of the last n public nodes */
export const S_GENERATIONS: u32 = 0xffff_0004;
/** u32 n, 0, n entries of 8 bytes: permissions of the node in front that do not fit its record */
export const S_PERMS_MORE: u32 = 0xffff_0005;
/** A node that only snapshots see. u64 generation, u16 path length, u16 entries, u32 value length */
export const S_GHOST: u32 = 0xffff_0006;
/** An older version of the node in front, oldest first. */
export const S_OLDER: u32 = 0xffff_0007;
/** As `putDomain`, then i32 credit, u32 quotas named, u32 bits, 0, u32 highest use (6) */
export const S_DOMAIN_MORE: u32 = 0xffff_0008;
export const S_TRANSACTION_MORE: u32 = 0xffff_0009;
export const S_TOUCHED: u32 = 0xffff_000a;
/** u32 connection, u32 transaction, u32 n, 0, n times u32 parent, u32 child: places in the order */
export const S_MADE: u32 = 0xffff_000b;
/** u32 connection, u32 n, n times u32 request, u32 its connection, u32 age in ms, u32 place in out */
export const S_PENDING: u32 = 0xffff_000c;

export const DATABASE_VERSION: u32 = 1;
/**
 * u32 DATABASE_VERSION  4 u32 number  8 boot (16)  24 u64 last change  32 u64 next frame
 * 40 u64 last watch  48 u64 newest snapshot  56 u64 snapshots lost before
 * 64 u32 quotas set  68 u32 last salt  72 i32 reserve  76 u32 owed ms  80 u32 trace switches
 * 84 u32 DUMP_*  88 u32 highest use of each quota (10)
 */
export const STORE_SIZE: u32 = 128;
/** u32 connection  4 u32 flags  8 u32 domid  12 u32 next transaction  16 u32 requests done
 *  20 u32 shown  24 u32 bytes of input behind those in front  28 0  32 that input */
export const CONNECTION_MORE: u32 = 32;
export const DOMAIN_MORE: u32 = 40;
/** u32 connection  4 u32 transaction  8 u64 start  16 u32 age in ms  20 u32 error  24 u32 bits */
export const TRANSACTION_MORE: u32 = 40;
/** u32 connection  4 transaction  8 u64 as of  16 u64 generation  24 u32 flags  28 u32 saw
 *  32 u32 bytes of children  36 u32 removed children  40 u32 charge  44 u32 value length
 *  48 u16 entries at first  50 u16 entries now  52 u32 bit 0 it was there  56 entries, value */
export const TOUCHED: u32 = 56;
/** u32 aspects  4 u32 bytes of children  8 u64 change  16 u64 generation  24 u16 entries
 *  26 u16 value length  28 0  32 entries, value */
export const OLDER: u32 = 32;

/** How numbers that the format wants big endian are turned. */
export function swapped(value: u32): u32 {
  return ((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >> 8) & 0xff00) | (value >> 24);
}
