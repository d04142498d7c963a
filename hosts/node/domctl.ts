// Domctl: the hypervisor's word on its domains.
// Holds   a handle of Xen's control library.
// Never   keeps an answer.
// Source  Xen's public header domctl.h, XEN_DOMCTL_getdomaininfo.
//
// The hypercall itself changes with every release of Xen; its library, which belongs to the
// release that runs, hides that. What is read of the answer has been the same in all of them:
//
//   0 domid (u16)   4 flags (u32): bit 0 dying, bit 2 shut down (crashed too)

import fs from "node:fs";
import type { LibraryHandle } from "koffi";
import { DOMAIN_GONE, DOMAIN_RUNNING, DOMAIN_SHUTDOWN } from "../../assembly/abi.ts";
import { type XenDevice, XenError } from "./xen_device.ts";

const VERSION = "/sys/hypervisor/version";
const FLAG_DYING = 1;
const FLAG_SHUTDOWN = 4;
/** More than the answer for one domain takes, in any release. */
const INFO_SIZE = 1024;

export class DomainControl {
  #handle: unknown;
  #close: (handle: unknown) => number;
  #infoList: (handle: unknown, first: number, most: number, info: Uint8Array) => number;
  #info = new Uint8Array(INFO_SIZE);
  #view = new DataView(this.#info.buffer);

  /** Throws XenError when the library can't be had, or the hypervisor does not let us ask. */
  constructor(device: XenDevice) {
    const library = load(device);
    const open = library.func("void *xc_interface_open(void *, void *, unsigned int)");
    this.#close = library.func("int xc_interface_close(void *)");
    this.#infoList = library.func(
      "int xc_domain_getinfolist(void *, uint32_t, unsigned int, _Out_ uint8_t *)",
    );
    this.#handle = open(null, null, 0);
    if (!this.#handle) throw device.failure("the hypervisor's control interface");
    if (this.#ask(0) < 0) throw device.failure("asking the hypervisor about domain 0");
  }

  /** DOMAIN_* of abi.ts; nothing is said to be gone because the question failed. */
  state(domid: number): number {
    const count = this.#ask(domid);
    if (count < 0) return DOMAIN_RUNNING;
    // The answer is about the first domain from this number on.
    if (count === 0 || this.#view.getUint16(0, true) !== domid) return DOMAIN_GONE;
    const flags = this.#view.getUint32(4, true);
    if (flags & FLAG_DYING) return DOMAIN_GONE;
    return flags & FLAG_SHUTDOWN ? DOMAIN_SHUTDOWN : DOMAIN_RUNNING;
  }

  close(): void {
    this.#close(this.#handle);
  }

  #ask(domid: number): number {
    return this.#infoList(this.#handle, domid, 1, this.#info);
  }
}

/** The library of the running release, by the name that its installation gave it. */
function load(device: XenDevice): LibraryHandle {
  const [major, minor] = ["major", "minor"].map(versionPart);
  const names = [`libxenctrl.so.${major}.${minor}`, "libxenctrl.so"];
  const reasons: string[] = [];
  for (const name of names) {
    try {
      return device.koffi.load(name);
    } catch (error) {
      reasons.push(`${name}: ${(error as Error).message}`);
    }
  }
  throw new XenError(`Xen's control library can't be loaded: ${reasons[0]}`);
}

function versionPart(name: string): string {
  try {
    return fs.readFileSync(`${VERSION}/${name}`, "latin1").trim();
  } catch {
    return "";
  }
}
