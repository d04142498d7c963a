// Machine (simulated): guests for a computer without Xen; domains are files in one folder.
// Holds   the rings that are mapped, and the domains whose end is to be told.
// Never   needs anything but files: whoever can open them can play a guest.
// Source  our own.
//
//   ring-<domid>    the domain's page, 4096 bytes; made by whoever plays the guest, ring-0 by us
//   dom-<domid>     its state in a word: running, paused, shutdown, crashed or dying; a domain
//                   without this file runs, one without a page gets a page of its own
//   evtchn          pipe to us: records of two u32, domid and the guest's port, for each event;
//                   0xffffffff and 3 after a change of a dom-* file
//   evtchn-<domid>  pipe to the guest, made by it or else by us: a u32, its own port, for each event

import fs from "node:fs";
import path from "node:path";
import { DOMAIN_GONE, DOMAIN_SHUTDOWN } from "../../assembly/abi.ts";
import { DOMID_FIRST_RESERVED, XENSTORE_RING_PAGE } from "../../assembly/xs_wire.ts";
import {
  type HandedMachine,
  type Machine,
  type MachineSink,
  MemoryPage,
  type Page,
  type Ring,
} from "../shared/machine.ts";
import { closeHanded } from "./exec.ts";
import { FifoReader, FifoWriter, makeFifo } from "./fifo.ts";
import { type MapFile, type OpenPage, openPage } from "./file_page.ts";
import { makeFolder } from "./folder.ts";
import { shortHash } from "./hash.ts";
import type { Libc } from "./libc.ts";
import type { Watch } from "./transport.ts";

/** In place of a domid: the machine itself has something to tell. */
export const VIRQ_DOMID = 0xffffffff;
/** A domain was made, shut down or has died. */
export const VIRQ_DOM_EXC = 3;
/** The port of the control domain's kernel. */
const CONTROL_PORT = 1;
/** Event channels of a domain have smaller numbers. */
const PORT_MAX = 0x1ffff;
/** Bytes of a record in the pipe to us. */
const RECORD_SIZE = 8;
const NOTHING = new Uint8Array(0);

/** Names of a machine's files. */
export const machineFile = {
  ring: (folder: string, domid: number) => path.join(folder, `ring-${domid}`),
  state: (folder: string, domid: number) => path.join(folder, `dom-${domid}`),
  events: (folder: string) => path.join(folder, "evtchn"),
  eventsOf: (folder: string, domid: number) => path.join(folder, `evtchn-${domid}`),
};

export class SimMachine implements Machine {
  readonly name = "simulated";
  readonly folder: string;
  #watch: Watch | null;
  #mapFile: MapFile | null;
  #sink: MachineSink | null = null;
  #events: FifoReader | null = null;
  #rings = new Map<number, SimRing>();
  #known = new Set<number>();
  /** The beginning of a record whose end has not come yet. */
  #rest: Uint8Array = NOTHING;
  #handed: HandedMachine | null;
  #libc: Libc | null;

  /**
   * @param folder  where the files lie; made if it is missing
   * @param watch   how to wait for a descriptor; null: with what Node brings
   * @param mapFile how to map a page; null: with what Node brings, pages are read and written
   * @param handed  what the process before had open; null: there was none
   * @param libc    with what to read and write pipes; null: with what Node brings
   */
  constructor(
    folder: string,
    watch: Watch | null,
    mapFile: MapFile | null,
    handed: HandedMachine | null = null,
    libc: Libc | null = null,
  ) {
    this.#libc = libc;
    this.#handed = handed;
    this.folder = path.resolve(folder);
    this.#watch = watch;
    this.#mapFile = mapFile;
  }

  start(sink: MachineSink): void {
    this.#sink = sink;
    makeFolder(this.folder, 0o700);
    const pipe = machineFile.events(this.folder);
    makeFifo(pipe);
    this.#events = new FifoReader(pipe, this.#watch, (bytes) => this.#came(bytes), this.#libc);
    // It has kept what came in meanwhile; a process with another folder had another pipe.
    if (this.#handed) closeHanded(this.#libc, this.#handed.events);
  }

  control(): Ring | null {
    const page = openPage(machineFile.ring(this.folder, 0), true, this.#mapFile);
    return page && this.#ring(0, CONTROL_PORT, page);
  }

  exists(domid: number): boolean {
    if (domid >= DOMID_FIRST_RESERVED || this.#state(domid) === "dying") return false;
    this.#known.add(domid);
    return true;
  }

  map(domid: number, port: number): Ring | null {
    if (!this.exists(domid)) return null;
    try {
      const page = this.open(domid);
      if (page) makeFifo(machineFile.eventsOf(this.folder, domid));
      return this.#ring(domid, port, page);
    } catch {
      return null;
    }
  }

  /** A domain of the same number that comes later makes its page anew. */
  identity(domid: number): number {
    const file = machineFile.ring(this.folder, domid);
    const stat = fs.statSync(file, { bigint: true, throwIfNoEntry: false });
    if (!stat) return -1;
    if (!tellsBirth(this.folder)) return 0;
    return shortHash(`${stat.ino}:${stat.birthtimeNs}`);
  }

  /** The domain's page; null when it has none to share. Throws the system's error. */
  open(domid: number): OpenPage | null {
    return openPage(machineFile.ring(this.folder, domid), false, this.#mapFile);
  }

  /** The domain's pipe; null when it has none. */
  toGuest(domid: number): FifoWriter | null {
    return FifoWriter.open(machineFile.eventsOf(this.folder, domid), this.#libc);
  }

  handOver(): HandedMachine {
    const ports = new Map([...this.#rings.values()].map(({ domid, port }) => [domid, port]));
    return { events: this.#events?.fd ?? -1, ports };
  }

  goOn(): void {}

  stop(): void {
    this.#events?.close();
    for (const ring of [...this.#rings.values()]) ring.unmap();
    this.#known.clear();
    this.#sink = null;
  }

  /** A ring has been unmapped. */
  forget(ring: SimRing): void {
    if (this.#rings.get(ring.domid) === ring) this.#rings.delete(ring.domid);
  }

  #ring(domid: number, port: number, page: OpenPage | null): SimRing {
    const ring = new SimRing(this, domid, port, page);
    this.#rings.set(domid, ring);
    return ring;
  }

  /** The first word of the domain's file. */
  #state(domid: number): string {
    const file = machineFile.state(this.folder, domid);
    if (!fs.existsSync(file)) return "";
    try {
      return /^\w*/.exec(fs.readFileSync(file, "latin1"))?.[0] ?? "";
    } catch {
      return "";
    }
  }

  #came(bytes: Uint8Array): void {
    const all = this.#rest.length ? Buffer.concat([this.#rest, bytes]) : bytes;
    const view = new DataView(all.buffer, all.byteOffset, all.length);
    let at = 0;
    let changed = false;
    let lost = false;
    while (at + RECORD_SIZE <= all.length) {
      const domid = view.getUint32(at, true);
      const port = view.getUint32(at + 4, true);
      const virq = domid === VIRQ_DOMID && port === VIRQ_DOM_EXC;
      const bound = this.#rings.get(domid)?.hears(port) ?? false;
      changed ||= virq;
      if (bound) this.#sink?.notified(domid);
      // A guest that wrote half a record must not cost the others their events: what means
      // nothing is left out byte by byte, until something does.
      lost ||= !virq && !bound;
      at += virq || bound ? RECORD_SIZE : 1;
    }
    // What seemed to mean something may have been the end of one record and the start of the next.
    if (lost) for (const domid of this.#rings.keys()) this.#sink?.notified(domid);
    this.#rest = at < all.length ? all.slice(at) : NOTHING;
    if (changed) this.look();
    this.#sink?.settled();
  }

  look(): void {
    for (const name of fs.readdirSync(this.folder)) {
      const domid = Number(/^dom-(\d+)$/.exec(name)?.[1] ?? Number.NaN);
      if (!this.#known.has(domid)) continue;
      const state = this.#state(domid);
      if (state === "shutdown" || state === "crashed") {
        this.#sink?.domainState(domid, DOMAIN_SHUTDOWN);
      } else if (state === "dying") {
        this.#known.delete(domid);
        this.#sink?.domainState(domid, DOMAIN_GONE);
      }
    }
  }
}

/**
 * Does the system know when a file was made? Where it does not it says nothing, or the time of the
 * last change; the folder has changed since it was made.
 */
function tellsBirth(folder: string): boolean {
  const { birthtimeNs, ctimeNs } = fs.statSync(folder, { bigint: true });
  return birthtimeNs !== 0n && birthtimeNs !== ctimeNs;
}

class SimRing implements Ring {
  readonly domid: number;
  page: Page;
  port: number;
  #machine: SimMachine;
  #file: OpenPage | null = null;
  #out: FifoWriter | null = null;
  #record = new Uint32Array(1);
  #recordBytes = new Uint8Array(this.#record.buffer);

  /** @param file  null: nobody else can see the page */
  constructor(machine: SimMachine, domid: number, port: number, file: OpenPage | null) {
    this.#machine = machine;
    this.domid = domid;
    this.port = port;
    this.page = new MemoryPage(new ArrayBuffer(XENSTORE_RING_PAGE));
    this.#record[0] = port;
    this.#share(file);
  }

  #share(file: OpenPage | null): void {
    this.#file = file;
    if (file) this.page = file;
  }

  /** Is this the port that was bound? Who was before has perhaps not said which that is. */
  hears(port: number): boolean {
    if (this.port === 0 && port <= PORT_MAX) this.port = port;
    this.#record[0] = this.port;
    return this.port === port;
  }

  rebind(port: number): boolean {
    // The guest may have made its pipe anew, or its page only now.
    this.#out?.close();
    this.#out = null;
    this.port = port;
    this.#record[0] = port;
    try {
      if (!this.#file) this.#share(this.#machine.open(this.domid));
      return true;
    } catch {
      return false;
    }
  }

  notify(): void {
    if (!this.#file) return;
    this.#out ??= this.#machine.toGuest(this.domid);
    this.#out?.write(this.#recordBytes);
  }

  unmap(): void {
    this.#machine.forget(this);
    this.#out?.close();
    this.#file?.close();
    this.#out = null;
    this.#file = null;
  }
}
