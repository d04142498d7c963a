// Kernel: the hypervisor and Linux in the form in which they start quickest.
// Holds   nothing.
// Never   changes a byte of either: they are only taken out of their wrapping.
// Source  the Linux boot protocol (x86), header fields setup_sects and payload_offset.
//
// Unpacking a kernel inside an emulated machine takes longer than its whole start, so that is done
// here. A multiboot hypervisor needs a plain ELF file anyway.

import fs from "node:fs";
import zlib from "node:zlib";
import { run } from "./run.ts";

const SETUP_SECTS = 0x1f1;
const PAYLOAD_OFFSET = 0x248;
const SECTOR = 512;
/** What setup_sects means when it is 0. */
const SETUP_SECTS_DEFAULT = 4;
const XZ_MAGIC = Buffer.from("fd377a585a00", "hex");
const ELF_MAGIC = Buffer.from("7f454c46", "hex");

/** Writes the hypervisor of a gzip file. */
export function unpackXen(from: string, to: string): void {
  putElf(to, zlib.gunzipSync(fs.readFileSync(from)));
}

/** Writes the ELF file that a bzImage carries. */
export function unpackLinux(from: string, to: string): void {
  const image = fs.readFileSync(from);
  const sectors = (image[SETUP_SECTS] as number) || SETUP_SECTS_DEFAULT;
  const start = (sectors + 1) * SECTOR + image.readUInt32LE(PAYLOAD_OFFSET);
  const size = image.readUInt32LE(PAYLOAD_OFFSET + 4);
  const payload = image.subarray(start, start + size);
  if (!payload.subarray(0, XZ_MAGIC.length).equals(XZ_MAGIC)) {
    throw new Error(`${from}: what it carries is not packed with xz`);
  }
  // Behind the xz stream stand four bytes with its size, which xz takes for the next stream.
  const bare = payload.subarray(0, payload.lastIndexOf("YZ") + 2);
  putElf(to, run("xz", ["-dc"], { input: bare }));
}

function putElf(to: string, bytes: Buffer): void {
  if (!bytes.subarray(0, ELF_MAGIC.length).equals(ELF_MAGIC)) {
    throw new Error(`${to}: it would be no ELF file`);
  }
  fs.writeFileSync(to, bytes);
}
