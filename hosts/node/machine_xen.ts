// Machine (Xen): the domains of a real Xen host, seen from its control domain.
// Holds   the devices, each mapped ring with its port, and the domains that were asked about.
// Never   waits for anything, and never trusts that a domain is still there.
// Source  the XenStore protocol, ring and domains; Xen's public headers.

import type koffiModule from "koffi";
import { DOMAIN_GONE, DOMAIN_RUNNING } from "../../assembly/abi.ts";
import {
  type HandedMachine,
  type Machine,
  type MachineSink,
  MemoryPage,
  type Page,
  type Ring,
} from "../shared/machine.ts";
import { kernelRing } from "./dom0.ts";
import { DomainControl } from "./domctl.ts";
import { EventChannels } from "./evtchn.ts";
import { DomainPages } from "./gnttab.ts";
import type { Watch } from "./transport.ts";
import { type Mapping, XenDevice, XenError } from "./xen_device.ts";

const CONTROL_DOMID = 0;
/** The grant reference under which every domain offers its ring. */
const GRANT_XENSTORE = 1;
/** Raised when a domain was made, shut down or has died. */
const VIRQ_DOM_EXC = 3;

export class XenMachine implements Machine {
  readonly name = "xen";
  #device: XenDevice;
  #control: DomainControl;
  #channels: EventChannels;
  #pages: DomainPages;
  #watch: Watch;
  #watching: { close(): void } | null = null;
  #sink: MachineSink | null = null;
  #rings = new Set<XenRing>();
  /** Who is at the other end of our ports. */
  #domids = new Map<number, number>();
  /** Domains whose end is to be told. */
  #known = new Set<number>();
  #virq = 0;
  /** Ports that are bound already, by domid. */
  #handed: Map<number, number>;

  /**
   * Opens the devices; throws an Error of one line when that can't be.
   * @param handed  what the process before had open; null: there was none
   */
  constructor(koffi: typeof koffiModule, watch: Watch, handed: HandedMachine | null) {
    this.#device = new XenDevice(koffi);
    this.#control = new DomainControl(this.#device);
    this.#channels = new EventChannels(this.#device, handed?.events);
    this.#handed = new Map(handed?.ports);
    this.#pages = new DomainPages(this.#device);
    this.#watch = watch;
  }

  start(sink: MachineSink): void {
    this.#sink = sink;
    this.#virq = this.#channels.bindVirq(VIRQ_DOM_EXC);
    this.#watching = this.#watch(this.#channels.fd, () => this.#events());
  }

  control(): Ring {
    const { mapping, port } = kernelRing(this.#device);
    const ring = new XenRing(this, CONTROL_DOMID, mapping);
    this.#rings.add(ring);
    try {
      ring.bind(port);
    } catch (error) {
      ring.unmap();
      const reason = (error as Error).message;
      throw new XenError(`${reason}: it can't be bound; does another xenstored have it?`);
    }
    return ring;
  }

  exists(domid: number): boolean {
    const exists = this.#control.state(domid) !== DOMAIN_GONE;
    if (exists) this.#known.add(domid);
    return exists;
  }

  identity(domid: number): number {
    return this.#control.identity(domid);
  }

  remotePort(domid: number): number {
    const port = this.#handed.get(domid);
    return port ? this.#control.remotePort(port) : 0;
  }

  map(domid: number, port: number, frame: number): Ring | null {
    let ring: XenRing | null = null;
    try {
      ring = new XenRing(this, domid, this.#page(domid, frame));
      this.#rings.add(ring);
      ring.bind(port);
    } catch (error) {
      if (!(error instanceof XenError)) throw error;
      ring?.unmap();
      return null;
    }
    this.#known.add(domid);
    return ring;
  }

  handOver(): HandedMachine {
    // Whoever comes after, be it the C daemon, binds it anew.
    this.#channels.unbind(this.#virq);
    const ports = new Map([...this.#domids].map(([port, domid]) => [domid, port]));
    return { events: this.#channels.fd, ports };
  }

  goOn(): void {
    this.#virq = this.#channels.bindVirq(VIRQ_DOM_EXC);
    this.look();
  }

  stop(): void {
    this.#watching?.close();
    for (const ring of this.#rings) ring.unmap();
    if (this.#virq) this.#channels.unbind(this.#virq);
    this.#channels.close();
    this.#pages.close();
    this.#control.close();
  }

  /** Binds a domain's port; its events are told from now on. Throws XenError. @returns our port */
  bind(domid: number, remote: number): number {
    const handed = this.#handed.get(domid);
    this.#handed.delete(domid);
    const port = handed || this.#channels.bindInterdomain(domid, remote);
    this.#domids.set(port, domid);
    return port;
  }

  unbind(port: number): void {
    this.#domids.delete(port);
    this.#channels.unbind(port);
  }

  notify(port: number): void {
    this.#channels.notify(port);
  }

  forget(ring: XenRing): void {
    this.#rings.delete(ring);
  }

  /** Maps by the grant; by the frame's number when there is no grant. */
  #page(domid: number, frame: number): Mapping {
    try {
      return this.#pages.mapGrant(domid, GRANT_XENSTORE);
    } catch (error) {
      if (frame === 0) throw error;
      return this.#pages.mapFrame(domid, frame);
    }
  }

  #events(): void {
    const ports = this.#channels.take();
    for (const port of ports) {
      // What was told before may have unbound the port.
      const domid = this.#domids.get(port);
      if (domid !== undefined) this.#sink?.notified(domid);
    }
    if (ports.includes(this.#virq)) this.look();
    this.#sink?.settled();
  }

  /** The hypervisor does not say whom its interrupt is about, so each domain is looked at. */
  look(): void {
    this.#dropHanded();
    for (const domid of [...this.#known]) {
      const state = this.#control.state(domid);
      if (state === DOMAIN_RUNNING) continue;
      if (state === DOMAIN_GONE) this.#known.delete(domid);
      this.#sink?.domainState(domid, state);
    }
  }

  /** Ports of rings that could not be had again: a later domain of that number has others. */
  #dropHanded(): void {
    for (const port of this.#handed.values()) this.#channels.unbind(port);
    this.#handed.clear();
  }
}

class XenRing implements Ring {
  readonly page: Page;
  #machine: XenMachine;
  #domid: number;
  #mapping: Mapping | null;
  #port = 0;

  constructor(machine: XenMachine, domid: number, mapping: Mapping) {
    this.#machine = machine;
    this.#domid = domid;
    this.#mapping = mapping;
    this.page = new MemoryPage(mapping.buffer);
  }

  /** Binds the domain's port. Throws XenError. */
  bind(remote: number): void {
    this.#port = this.#machine.bind(this.#domid, remote);
  }

  rebind(remote: number): boolean {
    this.#unbind();
    try {
      this.bind(remote);
      return true;
    } catch (error) {
      if (error instanceof XenError) return false;
      throw error;
    }
  }

  notify(): void {
    if (this.#port) this.#machine.notify(this.#port);
  }

  unmap(): void {
    this.#unbind();
    this.#mapping?.unmap();
    this.#mapping = null;
    this.#machine.forget(this);
  }

  #unbind(): void {
    if (this.#port) this.#machine.unbind(this.#port);
    this.#port = 0;
  }
}
