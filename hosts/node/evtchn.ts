// Evtchn: Xen's event channels, through the driver's device file.
// Holds   one descriptor of /dev/xen/evtchn, to which all ports are bound.
// Never   waits: the event loop tells when something has come in.
// Source  the user interface of Linux's evtchn driver.

import fs from "node:fs";
import { ioctlNumber, type XenDevice } from "./xen_device.ts";

const DEVICE = "/dev/xen/evtchn";
const BIND_VIRQ = ioctlNumber("E", 0, 4);
const BIND_INTERDOMAIN = ioctlNumber("E", 1, 8);
const UNBIND = ioctlNumber("E", 3, 4);
const NOTIFY = ioctlNumber("E", 4, 4);

/** Ports taken at once; the driver gives out a page of them at most. */
const PORTS = 1024;

export class EventChannels {
  /** Becomes readable when an event has come in. */
  readonly fd: number;
  #device: XenDevice;
  #pair = new Uint32Array(2);
  #port = new Uint32Array(1);
  #pending = new Uint32Array(PORTS);

  /**
   * Throws XenError when the device can't be opened.
   * @param handed  descriptor of the process before, with its ports; -1: there was none
   */
  constructor(device: XenDevice, handed = -1) {
    this.#device = device;
    this.fd = handed >= 0 ? handed : device.open(DEVICE, fs.constants.O_NONBLOCK);
  }

  /** Binds a port that a domain keeps for us. @returns our port. Throws XenError */
  bindInterdomain(domid: number, port: number): number {
    this.#pair.set([domid, port]);
    const what = `event channel ${port} of domain ${domid}`;
    return this.#device.ioctl(what, this.fd, BIND_INTERDOMAIN, this.#pair);
  }

  /** Binds an interrupt of the hypervisor's own. @returns our port. Throws XenError */
  bindVirq(virq: number): number {
    this.#port[0] = virq;
    return this.#device.ioctl(`virtual interrupt ${virq}`, this.fd, BIND_VIRQ, this.#port);
  }

  unbind(port: number): void {
    this.#port[0] = port;
    this.#device.tryIoctl(this.fd, UNBIND, this.#port);
  }

  /** Raises the event at the other end; nothing happens if that is gone. */
  notify(port: number): void {
    this.#port[0] = port;
    this.#device.tryIoctl(this.fd, NOTIFY, this.#port);
  }

  /**
   * Takes the ports whose events have come in. They can raise the next from here on, so whoever
   * looks at their rings afterwards misses nothing.
   */
  take(): readonly number[] {
    const bytes = this.#read();
    if (bytes === 0) return [];
    fs.writeSync(this.fd, this.#pending, 0, bytes);
    return [...this.#pending.subarray(0, bytes >> 2)];
  }

  close(): void {
    fs.closeSync(this.fd);
  }

  #read(): number {
    try {
      return fs.readSync(this.fd, this.#pending, 0, this.#pending.byteLength, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EAGAIN" || code === "EINTR") return 0;
      throw error;
    }
  }
}
