// Protocol: what the page and the worker with the store say to each other.
// Holds   types only. Calls are answered one by one; what is to be seen comes by itself, at most
//         once for each frame the page has drawn.
// Never   carries more of a tree or a history than the page shows.
// Source  our own; "The playground" in ARCHITECTURE.md.

import type { RingWords, TransactionNode } from "../../entry/browser.ts";
import type { Explanation } from "./explain.ts";
import type { OpName } from "./ops.ts";
import type { Perm } from "./words.ts";

export type { RingWords } from "../../entry/browser.ts";
export type { OpName, Ops } from "./ops.ts";

/** From the page: a call, or what it wants to see from now on, or that it has drawn a frame. */
export type ToEngine =
  | { readonly call: number; readonly op: OpName; readonly args: unknown }
  | { readonly look: Look }
  | { readonly drawn: number };

/** From the engine. */
export type ToPage =
  | { readonly answer: number; readonly value: unknown }
  /** What went wrong and what to do, for people; `code` such as ENOENT where there is one. */
  | { readonly answer: number; readonly error: string; readonly code?: string }
  | { readonly frame: number; readonly seen: Seen }
  | { readonly console: ConsoleLine }
  | { readonly notice: Notice };

/** Something to tell: it stays until it is closed where `kind` is not "info". */
export interface Notice {
  readonly kind: "info" | "warning" | "error";
  /** One sentence on what, one on what to do. */
  readonly text: string;
}

/** What the page shows, and so wants to hear of. What is absent is not sent. */
export interface Look {
  readonly tree?: {
    /** First row, and how many. */
    readonly from: number;
    readonly count: number;
    /** Rows whose path or value has this text, and those above them; "": all. */
    readonly filter: string;
    /** As which domain the tree is seen; null: as it is. */
    readonly lens: number | null;
  };
  /** The node whose particulars are shown. */
  readonly node?: string;
  readonly packets?: {
    readonly from: number;
    readonly count: number;
    readonly filter: PacketFilter;
    /** `from` counts from the end: the newest are seen. */
    readonly follow: boolean;
  };
  /** Operations up to this one (null: the newest), so many. */
  readonly timeline?: { readonly to: number | null; readonly count: number };
  readonly ring?: number;
  readonly transactions?: boolean;
  readonly quotas?: boolean;
}

/** What has changed of what the page looks at; the others are as they were. */
export interface Seen {
  readonly session?: SessionInfo;
  readonly domains?: readonly DomainInfo[];
  readonly history?: HistoryInfo;
  readonly tree?: TreeWindow;
  /** null: there is no such node at the moment that is shown. */
  readonly node?: NodeDetail | null;
  readonly packets?: PacketWindow;
  readonly timeline?: TimelineWindow;
  /** null: the domain has no ring. */
  readonly ring?: RingInfo | null;
  readonly transactions?: readonly TransactionInfo[];
  readonly quotas?: readonly QuotaInfo[];
}

export interface SessionInfo {
  readonly id: string;
  readonly name: string;
  /** Whether a reload brings it back; else why not and what to do. */
  readonly kept: true | string;
  /** The scenario it was opened from, and the steps that were run. */
  readonly scenario: string | null;
  readonly stepsDone: number;
  readonly nodes: number;
  /** Operations in the last second. */
  readonly rate: number;
  /** A load that runs: operations a second that are asked for; 0: none. */
  readonly load: number;
  readonly script: string;
}

export type DomainState = "running" | "shutdown" | "dead";

export interface DomainInfo {
  readonly domid: number;
  readonly name: string;
  /** 0 to 7: one of the eight colours. */
  readonly colour: number;
  readonly state: DomainState;
  readonly introduced: boolean;
  readonly target: number | null;
  readonly home: string;
  /** Commands that run in its console: a watch goes on until it is stopped. */
  readonly running: readonly { readonly run: number; readonly line: string }[];
  /** XENSTORE_ERROR_* of its ring; 0: served. dom0 has no ring here. */
  readonly ringError: number;
  /** Its ring is stepped by hand. */
  readonly held: boolean;
}

/** Operations are numbered from 1 on; the numbers stay when old ones are dropped. */
export interface HistoryInfo {
  /** The oldest operation that is still known, minus 1: the earliest moment to go to. */
  readonly first: number;
  /** The newest operation. */
  readonly last: number;
  /** The moment that is shown: after this operation; null: now. */
  readonly at: number | null;
  /** What `undo` and `redo` would take back or do again, for people. */
  readonly undo: string | null;
  readonly redo: string | null;
}

export interface TreeRow {
  readonly path: string;
  readonly name: string;
  readonly depth: number;
  readonly children: number;
  readonly expanded: boolean;
  /** Place among its siblings, from 1, and how many there are. */
  readonly pos: number;
  readonly size: number;
  /** At most the first 200 bytes. */
  readonly value: Uint8Array;
  readonly valueLen: number;
  readonly perms: string;
  /** Number of the change that was its last: a larger one than before is to flash. */
  readonly changed: number;
  /** The filter's text is in it, not only below it. */
  readonly hit: boolean;
  /** What the domain of the lens may do; null without a lens. */
  readonly lens: { readonly read: boolean; readonly write: boolean } | null;
}

export interface TreeWindow {
  readonly from: number;
  readonly total: number;
  /** Nodes that the filter finds; all without a filter. */
  readonly hits: number;
  readonly rows: readonly TreeRow[];
}

/** Whether a domain may, and why, in words. */
export interface Right {
  readonly ok: boolean;
  readonly why: string;
}

export interface NodeDetail {
  readonly path: string;
  readonly value: Uint8Array;
  readonly perms: readonly Perm[];
  readonly children: number;
  /** Operation that changed it last; 0: before the history begins. */
  readonly changedBy: number;
  /** What every domain may do with it. */
  readonly rights: readonly {
    readonly domid: number;
    readonly read: Right;
    readonly write: Right;
  }[];
  readonly explanation: Explanation | null;
  /** Watches that hear of a change here. */
  readonly watches: readonly WatchInfo[];
}

export interface WatchInfo {
  readonly conn: string;
  readonly domid: number;
  /** As it was set, and as an absolute path. */
  readonly path: string;
  readonly absolute: string;
  readonly token: string;
  readonly depth: number | null;
  /** Events it has caused. */
  readonly events: number;
}

export interface PacketFilter {
  /** In path, payload or error; "": all. */
  readonly text: string;
  /** A connection's name, such as S2 or D7; "": all. */
  readonly conn: string;
  /** A message type's name, such as WRITE; "": all. */
  readonly type: string;
  readonly kinds: readonly ("request" | "reply" | "event" | "note")[];
}

export interface PacketRow {
  /** Number of the record, from 1 on. */
  readonly n: number;
  readonly kind: "request" | "reply" | "event" | "note";
  readonly ms: number;
  readonly conn: string;
  readonly domid: number;
  /** Name of the type, such as WRITE; of an error reply ERROR; "" for a note. */
  readonly type: string;
  readonly reqId: number;
  readonly txId: number;
  readonly payload: Uint8Array;
  /** For notes. */
  readonly text: string;
  /** The operation it belongs to: a request and its reply, or, for an event, its cause; 0: none. */
  readonly operation: number;
}

export interface PacketWindow {
  readonly from: number;
  /** Records that the filter lets through. */
  readonly total: number;
  /** Records that are known. */
  readonly all: number;
  readonly rows: readonly PacketRow[];
  /** Connections there were, for the filter. */
  readonly conns: readonly string[];
  /** What those of the rows are called, such as "xenstore watch"; not all have a name. */
  readonly labels: Readonly<Record<string, string>>;
}

/** A request with what came of it, or something the host did. */
export interface Operation {
  readonly n: number;
  readonly conn: string;
  readonly domid: number;
  readonly ms: number;
  /** Name of the request's type; or "destroyed", "shutdown" and so on for what the host did. */
  readonly type: string;
  readonly txId: number;
  readonly path: string;
  /** The rest of the payload in short, for people. */
  readonly detail: string;
  /** "": it was carried out; else the error's code; null: there is no reply yet. */
  readonly error: string | null;
  /** Nodes it changed. */
  readonly changes: number;
  /** Events it caused, and on which connections. */
  readonly events: number;
  readonly heard: readonly {
    readonly conn: string;
    readonly path: string;
    readonly token: string;
    /** Number of its record. */
    readonly record: number;
  }[];
  /** Numbers of its records: request, reply (0: none yet). */
  readonly request: number;
  readonly reply: number;
}

export interface TimelineWindow {
  readonly operations: readonly Operation[];
  /** In the order in which they were opened; those of domains behind the privileged ones. */
  readonly lanes: readonly {
    readonly conn: string;
    readonly domid: number;
    readonly label: string;
  }[];
}

export interface RingInfo {
  readonly domid: number;
  readonly words: RingWords;
  /** The two queues as they lie in the page, 1024 bytes each. */
  readonly requests: Uint8Array;
  readonly replies: Uint8Array;
  readonly held: boolean;
  /** Bytes of the messages that were composed and are not in the queue yet. */
  readonly waiting: Uint8Array;
  /** What was taken from the queue of replies by hand, whole messages or their beginnings. */
  readonly taken: Uint8Array;
  /** What was done by hand, newest last. */
  readonly log: readonly string[];
}

/** What breaks a ring on purpose. */
export type RingFault = "req-index" | "rsp-index" | "oversize" | "unknown-type" | "no-nul";

export interface TransactionInfo {
  readonly conn: string;
  readonly domid: number;
  readonly id: number;
  /** It was begun in the page, and can be used, committed and given up there. */
  readonly handle: number | null;
  /** The operation that began it. */
  readonly began: number;
  /** Open, or how it ended: "committed", "aborted", or an error's code such as EAGAIN. */
  readonly state: string;
  /** Why its end would fail now; null: it would be applied. */
  readonly verdict: string | null;
  /** In words: which node makes it fail, and who changed that. */
  readonly why: string;
  readonly nodes: readonly (TransactionNode & {
    /** What others did to it since it began. */
    readonly others: readonly {
      readonly operation: number;
      readonly conn: string;
      readonly type: string;
    }[];
  })[];
  /** Lines that were run in it, to be repeated. */
  readonly lines: readonly string[];
}

export interface QuotaInfo {
  readonly domid: number;
  readonly meters: readonly {
    /** nodes, watches, outstanding, memory, transactions */
    readonly name: string;
    readonly used: number;
    readonly highest: number;
    /** 0: no limit. */
    readonly limit: number;
    /** What counts here, in words. */
    readonly counts: string;
  }[];
  /** The subtrees with most of its nodes, largest first. */
  readonly largest: readonly { readonly path: string; readonly nodes: number }[];
}

/** A difference between two moments. */
export interface Difference {
  readonly path: string;
  readonly before: { readonly value: Uint8Array; readonly perms: string } | null;
  readonly after: { readonly value: Uint8Array; readonly perms: string } | null;
}

export interface ConsoleLine {
  readonly domid: number;
  readonly run: number;
  /** `begin` has the command line, `end` the exit code. */
  readonly kind: "begin" | "out" | "err" | "end";
  readonly text: string;
}

/** What a text or file that was given turned out to be. */
export interface Found {
  readonly kind: "listing" | "trace" | "session" | "export";
  /** For people: "214 nodes", "8577 messages of 31 connections". */
  readonly what: string;
  readonly items: number;
  /** What could not be read, with its line: at most 20 of them. */
  readonly problems: readonly {
    readonly line: number;
    readonly text: string;
    readonly why: string;
  }[];
  readonly problemCount: number;
}

export interface KeptSession {
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
  /** Date.now() of the last change. */
  readonly changed: number;
  /** Another tab has it. */
  readonly busy: boolean;
}
