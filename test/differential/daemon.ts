// Daemon side: a running daemon as one side of a differential run.
// Holds   the links to it, and how it is known that everything a step caused has arrived.
// Never   compares, and never closes a link that the step did not close.
// Source  our own; order of output is that of the XenStore protocol.
//
// Everything a request causes is queued before its reply. So once the reply is there, a second,
// harmless request on every connection that could hear something brings the rest along.

import {
  XS_GET_DOMAIN_PATH,
  XS_INTRODUCE,
  XS_RELEASE,
  XS_RESET_WATCHES,
  XS_WATCH,
} from "../../assembly/xs_wire.ts";
import { ERROR, type Message } from "../message.ts";
import { type Link, LinkClosed, SocketLink } from "../peers/link.ts";
import type { Peer } from "../peers/peer.ts";
import { RingLink, raiseDomainEvent, setDomainState } from "../peers/ring.ts";
import { type Outcome, type Side, SideLost } from "./side.ts";
import type { Act } from "./step.ts";

type Request = Extract<Act, { kind: "request" }>;
type End = { link: Link; watches: boolean };

const REQ_ID = 7;
const SYNC_ID = 0x7fffffff;
const SYNC: Message = { type: XS_GET_DOMAIN_PATH, reqId: SYNC_ID, txId: 0, payload: "0\0" };
/** A daemon that is silent for so long is taken for lost; none of ours or Xen's ever needs it. */
const SILENCE_MS = 30_000;

export class DaemonSide implements Side {
  readonly name: string;
  readonly #peer: Peer;
  readonly #ends = new Map<string, End>();
  readonly #rings = new Map<number, RingLink>();
  readonly #withRings: boolean;
  #control: SocketLink | null = null;
  #lost: string | null = null;

  /** @param withRings  domains that are introduced get a ring page on the fake machine */
  constructor(peer: Peer, withRings: boolean) {
    this.name = peer.name;
    this.#withRings = withRings;
    this.#peer = peer;
    peer.ended.then((how) => this.#lose(`${peer.name} ended: ${how}`));
  }

  async act(act: Act): Promise<Outcome> {
    const watchdog = setTimeout(() => this.#lose(`${this.name} does not answer`), SILENCE_MS);
    try {
      if (act.kind === "request") return await this.#request(act);
      if (act.kind === "disconnect") return await this.#disconnect(act.conn);
      return await this.#domain(act);
    } catch (error) {
      if (error instanceof LinkClosed) throw new SideLost(this.#lost ?? `${this.name} hung up`);
      throw error;
    } finally {
      clearTimeout(watchdog);
    }
  }

  async stop(): Promise<void> {
    for (const { link } of this.#ends.values()) link.close();
    for (const ring of this.#rings.values()) ring.close();
    this.#control?.close();
    await this.#peer.stop();
  }

  async #request(act: Request): Promise<Outcome> {
    const { conn, type, txId, payload } = act;
    const end = await this.#end(conn);
    if (type === XS_INTRODUCE) this.#prepareRing(Number.parseInt(payload, 10));
    end.link.send({ type, reqId: REQ_ID, txId, payload });
    // The first event of a watch comes behind the reply.
    const more = end.watches || type === XS_WATCH;
    if (more) end.link.send(SYNC);
    const messages = await end.link.until(REQ_ID);
    const ok = messages[messages.length - 1].type !== ERROR;
    if (more) messages.push(...(await end.link.until(SYNC_ID)).slice(0, -1));
    if (ok) this.#follow(end, type, payload);
    const outcome: Outcome = new Map([[conn, { messages, closed: false }]]);
    await this.#collect(outcome, conn);
    return outcome;
  }

  /** Keeps up with what a request that was carried out means for the links. */
  #follow(end: End, type: number, payload: string): void {
    if (type === XS_WATCH) end.watches = true;
    if (type === XS_RESET_WATCHES) end.watches = false;
    if (type !== XS_INTRODUCE && type !== XS_RELEASE) return;
    const domid = Number.parseInt(payload, 10);
    const guest = this.#ends.get(`dom${domid}`);
    if (guest !== undefined && domid !== 0) guest.watches = false;
    if (type === XS_RELEASE) return;
    this.#rings.get(domid)?.attach();
    this.#rings.get(domid)?.restart();
  }

  async #disconnect(conn: string): Promise<Outcome> {
    const end = await this.#end(conn);
    end.link.close();
    this.#ends.delete(conn);
    return await this.#settled();
  }

  async #domain(act: Extract<Act, { kind: "domain" }>): Promise<Outcome> {
    const dies = act.state === "dies";
    setDomainState(this.#peer.machine, act.domid, dies ? "dying" : "shutdown");
    raiseDomainEvent(this.#peer.machine);
    const guest = this.#ends.get(`dom${act.domid}`);
    if (dies && guest !== undefined) guest.watches = false;
    const outcome = await this.#settled();
    setDomainState(this.#peer.machine, act.domid, null);
    return outcome;
  }

  /** Waits until what happened without a request has been dealt with. */
  async #settled(): Promise<Outcome> {
    this.#control ??= await SocketLink.open(this.#peer.socket);
    // The first round may be answered before the daemon looks at what happened.
    for (let round = 0; round < 2; round += 1) {
      this.#control.send(SYNC);
      await this.#control.until(SYNC_ID);
    }
    const outcome: Outcome = new Map();
    await this.#collect(outcome, "");
    return outcome;
  }

  /** Brings in the events of all connections but `except`, which has been asked already. */
  async #collect(outcome: Outcome, except: string): Promise<void> {
    const asked = [...this.#ends].filter(([name, end]) => end.watches && name !== except);
    for (const [, { link }] of asked) link.send(SYNC);
    for (const [name, { link }] of asked) {
      const messages = (await link.until(SYNC_ID)).slice(0, -1);
      if (messages.length > 0) outcome.set(name, { messages, closed: false });
    }
  }

  async #end(conn: string): Promise<End> {
    const known = this.#ends.get(conn);
    if (known !== undefined) return known;
    const domid = Number(/^dom(\d+)/.exec(conn)?.[1] ?? 0);
    const link = domid === 0 ? await SocketLink.open(this.#peer.socket) : this.#rings.get(domid);
    if (link === undefined) throw new Error(`${conn} is not introduced`);
    const end = { link, watches: false };
    this.#ends.set(conn, end);
    return end;
  }

  #prepareRing(domid: number): void {
    if (!this.#withRings || !(domid > 0) || this.#rings.has(domid)) return;
    this.#rings.set(domid, new RingLink(this.#peer.machine, domid));
  }

  #lose(why: string): void {
    this.#lost ??= why;
    for (const { link } of this.#ends.values()) link.close();
    for (const ring of this.#rings.values()) ring.close();
    this.#control?.close();
  }
}
