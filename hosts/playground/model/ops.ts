// Ops: all that the page can ask of the engine.
// Holds   types only.
// Never   says how something is done.
// Source  our own.

import type {
  Difference,
  Found,
  KeptSession,
  Operation,
  PacketRow,
  RingFault,
  RingWords,
} from "./protocol.ts";

/** All calls: what goes in, what comes back. Errors are sentences for people. */
export interface Ops {
  // Tree: as the control domain, by ordinary requests.
  "tree.expand": (args: { path: string; expanded: boolean; deep?: boolean }) => void;
  /** Row of a node, after what is above it was expanded; -1: there is none. */
  "tree.reveal": (args: { path: string }) => number;
  "node.write": (args: { path: string; value: Uint8Array }) => void;
  "node.create": (args: { path: string; value: Uint8Array }) => void;
  "node.remove": (args: { path: string }) => void;
  "node.perms": (args: { path: string; perms: string }) => void;
  /** All of it, where the row had only the beginning. */
  "node.read": (args: { path: string }) => { value: Uint8Array; perms: string } | null;

  /** Without a number the next free one; returns it. */
  "domain.add": (args: { domid?: number; name?: string; home?: "own" | "xl" }) => number;
  "domain.introduce": (args: { domid: number }) => void;
  "domain.release": (args: { domid: number }) => void;
  "domain.shutdown": (args: { domid: number }) => void;
  "domain.kill": (args: { domid: number }) => void;
  "domain.reboot": (args: { domid: number }) => void;
  /** null: another domain's target is taken away by releasing and introducing it. */
  "domain.target": (args: { domid: number; target: number }) => void;
  /** Forgets a dead one. */
  "domain.forget": (args: { domid: number }) => void;

  /** Starts a command; what it prints comes as ConsoleLines. Returns its number. */
  "console.run": (args: { domid: number; line: string }) => number;
  /** As "console.run", and waits until it has ended; for a watch: until it is set. */
  "console.do": (args: { domid: number; line: string }) => {
    run: number;
    code: number | null;
    out: string;
    err: string;
  };
  "console.stop": (args: { domid: number; run: number }) => void;
  /** What could stand in the place of the text from `from` to the cursor. */
  "console.complete": (args: { domid: number; line: string; cursor: number }) => {
    from: number;
    options: readonly string[];
  };

  /** Takes the ring from the domain's kernel, to be moved by hand. */
  "ring.hold": (args: { domid: number }) => void;
  "ring.compose": (args: {
    domid: number;
    type: string;
    path: string;
    value: string;
    txId?: number;
  }) => void;
  /** Puts so many of the waiting bytes into the queue and raises the event. */
  "ring.put": (args: { domid: number; count: number | "header" | "message" }) => void;
  "ring.take": (args: { domid: number; count: number | "header" | "message" }) => void;
  "ring.poke": (args: { domid: number; word: keyof RingWords; value: number }) => void;
  "ring.notify": (args: { domid: number }) => void;
  "ring.break": (args: { domid: number; how: RingFault }) => void;
  /** By the protocol's reconnection; the ring is the kernel's again. */
  "ring.reconnect": (args: { domid: number }) => void;

  "tx.begin": (args: { domid: number }) => number;
  /** A line such as `write key value`; returns what it printed. */
  "tx.run": (args: { handle: number; line: string }) => string;
  /** Returns "" or the error's code. */
  "tx.commit": (args: { handle: number }) => string;
  "tx.abort": (args: { handle: number }) => void;
  /** Begins it anew and runs the same lines; returns the new handle. */
  "tx.retry": (args: { handle: number }) => number;
  /** Forgets those that have ended. */
  "tx.clear": (args: Record<string, never>) => void;

  /** null: back to now. */
  "history.go": (args: { at: number | null }) => void;
  "history.operation": (args: { n: number }) => Operation | null;
  "history.diff": (args: { from: number; to: number }) => {
    differences: readonly Difference[];
    total: number;
  };
  "history.undo": (args: Record<string, never>) => void;
  "history.redo": (args: Record<string, never>) => void;
  /** A session of its own that goes on from that moment; this one is kept as it is. */
  "history.fork": (args: { at: number }) => void;
  "packets.one": (args: { n: number }) => PacketRow | null;

  "quota.set": (args: { domid: number; name: string; value: number }) => void;

  /** Looks at what was given without opening it. Files as bytes, pasted text as text. */
  "open.look": (args: { data: Uint8Array | string; name?: string }) => Found;
  /** Opens it as a session of its own; what could not be read is left out. */
  "open.do": (args: { data: Uint8Array | string; name?: string }) => void;
  "open.link": (args: { fragment: string }) => void;
  "open.scenario": (args: { id: string }) => void;
  "open.empty": (args: Record<string, never>) => void;
  "open.kept": (args: { id: string }) => void;
  "kept.list": (args: Record<string, never>) => readonly KeptSession[];
  "kept.remove": (args: { id: string }) => void;
  "session.rename": (args: { name: string }) => void;
  "session.script": (args: { text: string }) => void;
  /** A fragment for a link, without "#". */
  "share.link": (args: { what: "everything" | "tree" }) => { fragment: string };
  "export.session": (args: Record<string, never>) => Uint8Array;
  "export.trace": (args: Record<string, never>) => string;
  /** As `xenstore-ls -fp` prints it. */
  "export.listing": (args: Record<string, never>) => string;

  /** Runs a step of the scenario that is open. */
  "scenario.step": (args: { step: number }) => void;
  /** Writes to so many nodes a second, as several domains; 0 stops it. */
  "load.set": (args: { rate: number }) => void;
  /** The port of a script's worker: it gets clients of this store over it. */
  "script.port": (args: { port: MessagePort; domid: number }) => void;
}

export type OpName = keyof Ops;
