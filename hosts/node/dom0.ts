// Dom0: is this the control domain of a Xen host, and the ring that its kernel offers.
// Holds   nothing.
// Never   binds the port, so looking does no harm.
// Source  the XenStore protocol, domains (start-up); Linux's xenfs and xenbus_backend.

import fs from "node:fs";
import { ioctlNumber, type Mapping, type XenDevice, XenError } from "./xen_device.ts";

const CAPABILITIES = "/proc/xen/capabilities";
const PORT = "/proc/xen/xsd_port";
const PAGE = "/proc/xen/xsd_kva";
/** Offers both; there in a control domain only, with or without xenfs. */
const BACKEND = "/dev/xen/xenbus_backend";
const BACKEND_PORT = ioctlNumber("B", 0, 0);

/** The page that the kernel shares with its store, and the port it keeps for it. */
export interface KernelRing {
  readonly mapping: Mapping;
  readonly port: number;
}

/** Does this system run as the control domain of a Xen host? */
export function isXenHost(): boolean {
  return text(CAPABILITIES).includes("control_d") || fs.existsSync(BACKEND);
}

/** Maps the kernel's page. Throws XenError when it can't be had. */
export function kernelRing(device: XenDevice): KernelRing {
  const fromXenfs = fs.existsSync(PORT);
  const fd = device.open(fromXenfs ? PAGE : BACKEND);
  try {
    const port = fromXenfs
      ? Number.parseInt(text(PORT), 10)
      : device.ioctl(BACKEND, fd, BACKEND_PORT, null);
    if (!(port > 0)) throw new XenError(`${PORT}: it names no event channel`);
    return { mapping: device.map(fromXenfs ? PAGE : BACKEND, fd), port };
  } finally {
    fs.closeSync(fd);
  }
}

function text(file: string): string {
  try {
    return fs.readFileSync(file, "latin1");
  } catch {
    return "";
  }
}
