// Ring: a guest's end of its ring page on the fake machine, as a link.
// Holds   the page as a file, the event channel as two FIFOs, and the layout of the page.
// Never   keeps an index of its own: the daemon may set all four to 0 at any INTRODUCE.
// Source  the ring of the XenStore protocol, layout and moving bytes; shim.c for the files.
//
//        0        1024       2048                          2064
//        +----------+----------+----------+----------+----------+----------+ ...
//        | requests | replies  | req_cons | req_prod | rsp_cons | rsp_prod |
//        +----------+----------+----------+----------+----------+----------+ ...

import {
  closeSync,
  constants,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { Link } from "./link.ts";

const PAGE_SIZE = 4096;
const QUEUE_SIZE = 1024;
const REQUESTS = 0;
const REPLIES = 1024;
const INDEXES = 2048;
const REQ_PROD = 2052;
const RSP_CONS = 2056;
const VIRQ_DOMID = 0xffffffff;
const VIRQ_DOM_EXC = 3;

/** The port that the guest `domid` uses on its side; INTRODUCE must name it. */
export const portOf = (domid: number): number => 100 + domid;

/** Tells the daemon that the state of a domain changed, as the hypervisor would. */
export function setDomainState(machine: string, domid: number, state: string | null): void {
  const file = join(machine, `dom-${domid}`);
  if (state === null) rmSync(file, { force: true });
  else writeFileSync(file, `${state}\n`);
}

/** Raises the interrupt that makes the daemon look at the states of all domains. */
export function raiseDomainEvent(machine: string): void {
  const fifo = openSync(join(machine, "evtchn"), constants.O_RDWR | constants.O_NONBLOCK);
  writeSync(fifo, pair(VIRQ_DOMID, VIRQ_DOM_EXC));
  closeSync(fifo);
}

/** A guest. Its page is made here; somebody must INTRODUCE it, and then it may `attach`. */
export class RingLink extends Link {
  readonly domid: number;
  readonly #page: number;
  readonly #out: number;
  readonly #machine: string;
  #events: net.Socket | null = null;
  readonly #record: Buffer;
  readonly #indexes = Buffer.alloc(16);
  #unsent: Buffer = Buffer.alloc(0);

  /** Makes the page of domain `domid`; the daemon of `machine` must be running. */
  constructor(machine: string, domid: number) {
    super();
    this.domid = domid;
    this.#page = openSync(join(machine, `ring-${domid}`), "w+");
    ftruncateSync(this.#page, PAGE_SIZE);
    this.#machine = machine;
    this.#out = openSync(join(machine, "evtchn"), constants.O_RDWR | constants.O_NONBLOCK);
    this.#record = pair(domid, portOf(domid));
  }

  /** Listens to the daemon, which has made the channel when it bound the port. */
  attach(): void {
    if (this.#events !== null) return;
    const flags = constants.O_RDWR | constants.O_NONBLOCK;
    const fd = openSync(join(this.#machine, `evtchn-${this.domid}`), flags);
    this.#events = new net.Socket({ fd, readable: true });
    this.#events.on("data", () => this.#move());
    this.#events.on("error", () => this.ended());
  }

  write(bytes: Uint8Array): void {
    this.#unsent = Buffer.concat([this.#unsent, bytes]);
    this.#move();
  }

  /** Forgets what is under way: the daemon drops it too when it introduces a domain anew. */
  restart(): void {
    this.#unsent = Buffer.alloc(0);
    this.restarted();
    this.take();
  }

  close(): void {
    if (this.closed) return;
    this.#events?.destroy();
    closeSync(this.#page);
    closeSync(this.#out);
    this.ended();
  }

  #move(): void {
    if (this.closed) return;
    const took = this.#receive();
    const put = this.#transmit();
    if (took || put) writeSync(this.#out, this.#record);
  }

  /** Puts as much of what is unsent as the queue has room for. */
  #transmit(): boolean {
    if (this.#unsent.length === 0) return false;
    const [cons, prod] = this.#readIndexes();
    const room = QUEUE_SIZE - ((prod - cons) >>> 0);
    const len = Math.min(room, this.#unsent.length);
    if (len <= 0) return false;
    const at = prod % QUEUE_SIZE;
    const first = Math.min(len, QUEUE_SIZE - at);
    writeSync(this.#page, this.#unsent, 0, first, REQUESTS + at);
    if (len > first) writeSync(this.#page, this.#unsent, first, len - first, REQUESTS);
    this.#unsent = this.#unsent.subarray(len);
    this.#writeIndex(REQ_PROD, prod + len);
    return true;
  }

  /** Takes what the daemon has put; says whether the daemon waits for the room. */
  #receive(): boolean {
    const [, , cons, prod] = this.#readIndexes();
    const len = (prod - cons) >>> 0;
    if (len === 0 || len > QUEUE_SIZE) return false;
    const bytes = Buffer.alloc(len);
    const at = cons % QUEUE_SIZE;
    const first = Math.min(len, QUEUE_SIZE - at);
    readSync(this.#page, bytes, 0, first, REPLIES + at);
    if (len > first) readSync(this.#page, bytes, first, len - first, REPLIES);
    this.#writeIndex(RSP_CONS, prod);
    this.came(bytes);
    return true;
  }

  #readIndexes(): [number, number, number, number] {
    readSync(this.#page, this.#indexes, 0, 16, INDEXES);
    return [0, 4, 8, 12].map((at) => this.#indexes.readUInt32LE(at)) as [
      number,
      number,
      number,
      number,
    ];
  }

  #writeIndex(offset: number, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value >>> 0);
    writeSync(this.#page, bytes, 0, 4, offset);
  }
}

function pair(first: number, second: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(first, 0);
  bytes.writeUInt32LE(second, 4);
  return bytes;
}
