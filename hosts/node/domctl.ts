// Domctl: the hypervisor's word on its domains.
// Holds   a handle of Xen's control library.
// Never   keeps an answer.
// Source  Xen's public headers: domctl.h, XEN_DOMCTL_getdomaininfo; event_channel.h, evtchn_status.
//
// The hypercall itself changes with every release of Xen; its library, which belongs to the
// release that runs, hides that. What is read of the answer has been the same since Xen 4.3:
//
//   0 domid (u16)   4 flags (u32): bit 0 dying, bit 2 shut down (crashed too)   76 handle (16)
//
// Of an event channel, asked by domid (u16) and, at 4, port (u32):
//
//   8 status (u32): 2 another domain's port is bound to it   20 that port (u32)

import fs from "node:fs";
import type { LibraryHandle } from "koffi";
import { DOMAIN_GONE, DOMAIN_RUNNING, DOMAIN_SHUTDOWN } from "../../assembly/abi.ts";
import { shortHash } from "./hash.ts";
import { type XenDevice, XenError } from "./xen_device.ts";

const VERSION = "/sys/hypervisor/version";
const FLAG_DYING = 1;
const FLAG_SHUTDOWN = 4;
const HANDLE = 76;
const HANDLE_SIZE = 16;
const DOMID_SELF = 0x7ff0;
const EVTCHN_SIZE = 24;
const EVTCHN_INTERDOMAIN = 2;
/** More than the answer for one domain takes, in any release. */
const INFO_SIZE = 1024;

export class DomainControl {
  #handle: unknown;
  #close: (handle: unknown) => number;
  #infoList: (handle: unknown, first: number, most: number, info: Uint8Array) => number;
  #evtchnStatus: (handle: unknown, status: Uint8Array) => number;
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
    this.#evtchnStatus = library.func("int xc_evtchn_status(void *, _Inout_ uint8_t *)");
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

  /** A number made of the domain's handle, its UUID; 0 when it is not there, or has none. */
  identity(domid: number): number {
    if (this.#ask(domid) <= 0 || this.#view.getUint16(0, true) !== domid) return 0;
    const handle = this.#info.subarray(HANDLE, HANDLE + HANDLE_SIZE);
    return handle.every((byte) => byte === 0) ? 0 : shortHash(handle);
  }

  /** The other end of a port of ours that is bound to another domain's; 0: it is not. */
  remotePort(port: number): number {
    const status = new Uint8Array(EVTCHN_SIZE);
    const view = new DataView(status.buffer);
    view.setUint16(0, DOMID_SELF, true);
    view.setUint32(4, port, true);
    if (this.#evtchnStatus(this.#handle, status) !== 0) return 0;
    return view.getUint32(8, true) === EVTCHN_INTERDOMAIN ? view.getUint32(20, true) : 0;
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
