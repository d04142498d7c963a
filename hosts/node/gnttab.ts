// Gnttab: pages of other domains, mapped by the grant they gave or by their frame number.
// Holds   the descriptors of the two drivers, opened when they are first needed.
// Never   keeps a page mapped whose bookkeeping failed.
// Source  the user interface of Linux's gntdev and privcmd drivers.

import fs from "node:fs";
import { ioctlNumber, type Mapping, type XenDevice } from "./xen_device.ts";

const GRANT_DEVICE = "/dev/xen/gntdev";
const MAP_GRANT_REF = ioctlNumber("G", 0, 24);
const UNMAP_GRANT_REF = ioctlNumber("G", 1, 16);

const FOREIGN_DEVICE = "/dev/xen/privcmd";
const MMAPBATCH_V2 = ioctlNumber("P", 4, 32);

export class DomainPages {
  #device: XenDevice;
  #grants = -1;
  #frames = -1;

  constructor(device: XenDevice) {
    this.#device = device;
  }

  /**
   * Maps the page that a domain offers by a grant reference. Throws XenError.
   *
   *   u32 count   u32 -   u64 index (out)   u32 domid   u32 reference
   */
  mapGrant(domid: number, reference: number): Mapping {
    const device = this.#device;
    if (this.#grants < 0) this.#grants = device.open(GRANT_DEVICE);
    const fd = this.#grants;
    const what = `grant ${reference} of domain ${domid}`;
    const request = new Uint32Array([1, 0, 0, 0, domid, reference]);
    device.ioctl(what, fd, MAP_GRANT_REF, request);
    const index = request.slice(2, 4);
    // u64 index, u32 count, u32 -
    const release = () => device.tryIoctl(fd, UNMAP_GRANT_REF, new Uint32Array([...index, 1, 0]));
    try {
      const mapping = device.map(what, fd, offsetOf(index));
      return {
        ...mapping,
        unmap: () => {
          mapping.unmap();
          release();
        },
      };
    } catch (error) {
      release();
      throw error;
    }
  }

  /**
   * Maps a domain's page by its frame number; for domains that were built without a grant.
   * Throws XenError.
   *
   *   u32 count   u16 domid   u16 -   u64 address   u64 -> frame numbers   u64 -> errors (out)
   */
  mapFrame(domid: number, frame: number): Mapping {
    const device = this.#device;
    if (this.#frames < 0) this.#frames = device.open(FOREIGN_DEVICE);
    const what = `frame ${frame} of domain ${domid}`;
    const mapping = device.map(what, this.#frames);
    const frames = new BigUint64Array([BigInt(frame)]);
    const errors = new Int32Array(1);
    const request = new BigUint64Array(4);
    request[0] = (BigInt(domid) << 32n) | 1n;
    request[1] = mapping.address;
    request[2] = device.koffi.address(frames);
    request[3] = device.koffi.address(errors);
    try {
      device.ioctl(what, this.#frames, MMAPBATCH_V2, request);
      if (errors[0] !== 0) throw device.failure(what, -(errors[0] as number));
      return mapping;
    } catch (error) {
      mapping.unmap();
      throw error;
    }
  }

  close(): void {
    for (const fd of [this.#grants, this.#frames]) if (fd >= 0) fs.closeSync(fd);
    this.#grants = -1;
    this.#frames = -1;
  }
}

/** The two words of an offset as one number; the driver counts from 0 in pages. */
function offsetOf([low, high]: Uint32Array): number {
  return (high as number) * 0x1_0000_0000 + (low as number);
}
