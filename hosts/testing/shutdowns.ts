// Shutdowns: which domains have shut down in a trace that has no line for that.
// Holds   how often each watch of @releaseDomain has a reason to fire.
// Never   finds a shutdown where a line of the trace explains the event.
// Source  the XenStore protocol, domains; traces of Xen hosts, where the hypervisor tells the daemon.

import {
  XS_RELEASE,
  XS_RESET_WATCHES,
  XS_SET_PERMS,
  XS_UNWATCH,
  XS_WATCH,
} from "../../assembly/xs_wire.ts";
import type { TraceMessage, TraceNote, TraceRecord } from "../embed/trace.ts";
import { toText } from "../shared/wire.ts";

const SPECIAL = "@releaseDomain\0";

/** The domain whose ring a connection is, such as `D7`; 0: it is none, or of the control domain. */
export function ringOf(conn: string): number {
  return Number(/^D(\d+)$/.exec(conn)?.[1] ?? 0);
}

/** Whether a line tells that a domain has ended: as a store says it, or as traces of hosts do. */
export function endsDomain({ kind, conn, note }: TraceNote): boolean {
  return ringOf(conn) !== 0 && (note === "destroyed" || (kind === "close" && note === ""));
}

/**
 * Domains that shut down though no line says so, by the index of the event that tells: one of
 * `@releaseDomain` that nothing before it explains. It is the domain that ends next.
 */
export function shutdownsOf(trace: readonly TraceRecord[]): Map<number, number> {
  const found = new Map<number, number>();
  const watches = new Watches();
  for (const [at, record] of trace.entries()) {
    if ("note" in record) {
      if (endsDomain(record) || record.note === "shutdown") watches.fire();
      if (record.kind === "close") watches.forget(record.conn);
    } else if (record.kind !== "event") {
      watches.hear(record);
    } else if (watches.surprises(record)) {
      const domid = nextToEnd(trace, at);
      if (domid === 0) continue;
      found.set(at, domid);
      watches.fire();
      watches.surprises(record);
    }
  }
  return found;
}

/** The watches of `@releaseDomain`, each with the events that are still to come. */
class Watches {
  readonly #due = new Map<string, number>();

  /** The event has happened once more. */
  fire(): void {
    for (const [watch, due] of this.#due) this.#due.set(watch, due + 1);
  }

  forget(conn: string): void {
    for (const watch of [...this.#due.keys()]) {
      if (watch.startsWith(`${conn} `)) this.#due.delete(watch);
    }
  }

  /** A request sets or removes watches, or is a reason to fire; whether it was granted or not. */
  hear(message: TraceMessage): void {
    if (message.kind !== "request") return;
    const { type, conn } = message;
    const special = toText(message.payload).startsWith(SPECIAL);
    if (type === XS_RELEASE || (type === XS_SET_PERMS && special)) this.fire();
    else if (type === XS_RESET_WATCHES) this.forget(conn);
    else if (type === XS_WATCH && special) this.#due.set(nameOf(message), 1);
    else if (type === XS_UNWATCH && special) this.#due.delete(nameOf(message));
  }

  /** Takes an event. @returns whether its watch is known and had no reason to fire */
  surprises(event: TraceMessage): boolean {
    const due = this.#due.get(nameOf(event));
    if (due === undefined) return false;
    if (due > 0) this.#due.set(nameOf(event), due - 1);
    return due === 0;
  }
}

const nameOf = ({ conn, payload }: TraceMessage) => `${conn} ${toText(payload)}`;

/** The domain whose end is the next that the trace tells of, or whose ring was used last. */
function nextToEnd(trace: readonly TraceRecord[], at: number): number {
  const next = trace.slice(at).find((record) => "note" in record && endsDomain(record));
  const last = trace.slice(0, at).findLast(({ conn }) => ringOf(conn) !== 0);
  return ringOf((next ?? last)?.conn ?? "");
}
