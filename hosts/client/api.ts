// Api: what a program sees of a store: nodes, watches, transactions, domains.
// Holds   types only; every method says its result, its errors and what it sends.
// Never   names a runtime, a transport or the core.
// Source  the XenStore protocol; Clients, libxenstore; pyxs, Client and Monitor.

/** What an entry of a permission list grants: nothing, reading, writing, both. */
export type Access = "n" | "r" | "w" | "b";

/** One entry. The first of a list names the owner and what everybody else may do. */
export interface Perm {
  readonly access: Access;
  readonly domid: number;
}

/** A permission list: entries, or the text that tools use, such as `"n0 r3"`; commas are fine. */
export type Perms = string | readonly (Perm | string)[];

/** A value to be written: text goes out as UTF-8, bytes as they are, integers in decimal. */
export type Value = string | Uint8Array | number | bigint;

/**
 * How a value is handed out: `text` is UTF-8, where U+FFFD stands for bytes that are none; `bytes`
 * a copy of its own; `int` decimal or `0x` hexadecimal, nothing before or behind it.
 */
export type As = "text" | "bytes" | "int";

/** What every call takes. */
export interface CallOptions {
  /**
   * Gives the call up: it rejects with the signal's reason. A request that had been sent by then
   * may have been applied all the same; its reply is thrown away when it comes.
   */
  readonly signal?: AbortSignal | undefined;
}

export interface ReadOptions<Default = never> extends CallOptions {
  readonly as?: As | undefined;
  /** Returned instead of ENOENT; every other error is thrown. */
  readonly default?: Default | undefined;
}

export interface RmOptions extends CallOptions {
  /** Also no error if not even the parent exists. */
  readonly missingOk?: boolean | undefined;
}

/** A node, seen at one moment. */
export interface Stat {
  /** As it was asked for. */
  readonly path: string;
  readonly value: Uint8Array;
  /** Names of the children, in the store's order. */
  readonly children: readonly string[];
  readonly perms: readonly Perm[];
  /** The domain that owns it: the first entry of `perms`. */
  readonly owner: number;
}

export interface WalkOptions extends CallOptions {
  /** Levels below `path` that are visited: 0 for the node alone. Without limit by default. */
  readonly depth?: number | undefined;
  /** `pre`: a node before its children (default); `post`: behind them. */
  readonly order?: "pre" | "post" | undefined;
  /** With permissions, too: one more request for each node. */
  readonly perms?: boolean | undefined;
  /** Nodes that are asked for at the same time (64). */
  readonly ahead?: number | undefined;
}

/** A node on a walk. What the caller may not read has null there. */
export interface WalkNode {
  readonly path: string;
  readonly depth: number;
  readonly value: Uint8Array | null;
  readonly children: readonly string[] | null;
  /** Only when they were asked for. */
  readonly perms: readonly Perm[] | null;
}

/** A subtree as plain data. `JSON.stringify` keeps it whole: bytes that are no text are base64. */
export interface TreeNode {
  /** The value as text; absent when `base64` holds it. */
  readonly value?: string;
  /** The value of a node that is not UTF-8 text. */
  readonly base64?: string;
  /** As `"n0 r3"`; absent: not kept, or not readable. */
  readonly perms?: string;
  readonly children?: Readonly<Record<string, TreeNode>>;
}

export interface SnapshotOptions extends CallOptions {
  /** With permissions (true). */
  readonly perms?: boolean | undefined;
}

export interface ApplyOptions extends CallOptions {
  /** Removes nodes that are not in the tree (false). */
  readonly prune?: boolean | undefined;
  /** Sets permissions where the tree has them (true). */
  readonly perms?: boolean | undefined;
}

/**
 * The operations on nodes: of a connection, within a transaction, or below a path. Paths are
 * absolute or relative to the caller's home, 1 to 3072 bytes absolute, 2048 relative, of letters,
 * digits and `-/_@`; others are refused before they are sent (InvalidRequestError). Errors that
 * the store sends are XenstoreErrors with its code, the operation and the path.
 */
export interface Nodes {
  /** The value, as text unless `as` says otherwise. Errors: ENOENT, EACCES. */
  read(path: string, options?: ReadOptions & { readonly as?: "text" | undefined }): Promise<string>;
  read<D>(
    path: string,
    options: ReadOptions<D> & { readonly as?: "text" | undefined; readonly default: D },
  ): Promise<string | D>;
  read(path: string, options: ReadOptions & { readonly as: "bytes" }): Promise<Uint8Array>;
  read<D>(
    path: string,
    options: ReadOptions<D> & { readonly as: "bytes"; readonly default: D },
  ): Promise<Uint8Array | D>;
  /** Errors: EINVAL for a value that is no integer, or not exact as a number. */
  read(path: string, options: ReadOptions & { readonly as: "int" }): Promise<number>;
  read<D>(
    path: string,
    options: ReadOptions<D> & { readonly as: "int"; readonly default: D },
  ): Promise<number | D>;

  /**
   * Sets the value, and creates the node and its parents if need be. Path, NUL and value are at
   * most 4096 bytes, 4080 over a kernel's device. Errors: EACCES, ENOSPC and ENOMEM for limits;
   * InvalidRequestError for what can't be sent.
   */
  write(path: string, value: Value, options?: CallOptions): Promise<void>;
  /** Creates the node and its parents with empty values; an existing node is left alone. */
  mkdir(path: string, options?: CallOptions): Promise<void>;
  /** Removes the node and all below. A missing node is no error if its parent exists. */
  rm(path: string, options?: RmOptions): Promise<void>;
  /**
   * Names of the children in the store's order, of one moment however many there are. Errors: E2BIG
   * from a store that can't tell more than 4096 bytes; ENOENT, EACCES.
   */
  list(path: string, options?: CallOptions): Promise<string[]>;
  /** False only for ENOENT. */
  exists(path: string, options?: CallOptions): Promise<boolean>;
  /** Value, children and permissions of one moment. */
  stat(path: string, options?: CallOptions): Promise<Stat>;
  /** The permission list; of special nodes such as `@releaseDomain`, too. */
  getPerms(path: string, options?: CallOptions): Promise<Perm[]>;
  /** Replaces the whole list. Errors: EACCES, EPERM for a change of the owner, ENOSPC. */
  setPerms(path: string, perms: Perms, options?: CallOptions): Promise<void>;
  /**
   * Visits the node and all below. Nodes that disappear meanwhile are left out; only a missing
   * `path` is an error. Within a transaction everything is of one moment.
   */
  walk(path: string, options?: WalkOptions): AsyncIterableIterator<WalkNode>;
  /** The subtree as data, of one moment. */
  snapshot(path: string, options?: SnapshotOptions): Promise<TreeNode>;
  /**
   * Makes the subtree be as the data, all or nothing. A node without `value` and `base64` is made
   * if it is not there, and keeps its value else. Nothing is sent for a tree that can't be.
   */
  apply(path: string, tree: TreeNode, options?: ApplyOptions): Promise<void>;
  /**
   * The same operations on paths relative to `prefix`: paths that go in and come out have no slash
   * at their start, and `""` is the node itself. Throws InvalidRequestError for no path.
   */
  at(prefix: string): Nodes;
}

/** A change at or below a watched path. */
export interface WatchEvent {
  /** What changed: as the watch was set, absolute or relative; or the special path. */
  readonly path: string;
  /** The watch's own token. */
  readonly token: string;
  /**
   * The event that comes at registration, whatever the node's state. A store that still has it to
   * send makes it stand for what changes meanwhile, so it is a reason to look like any other.
   */
  readonly initial: boolean;
  /** `initial`, and the watch was set again on a new connection: events may be missing. */
  readonly replayed: boolean;
}

export interface WatchOptions extends CallOptions {
  /**
   * Levels below the path that count; 0: the node alone. Errors: EOPNOTSUPP where the store (or a
   * kernel's device) does not offer it.
   */
  readonly depth?: number | undefined;
  /** Events that may wait until they are taken (1024). */
  readonly buffer?: number | undefined;
  /**
   * What happens when one more comes: `error` ends the watch with WatchOverflowError (default);
   * `coalesce` lets each path wait once only, and drops the oldest if that is not enough. Events
   * that wait are handed out before the error.
   */
  readonly overflow?: "error" | "coalesce" | undefined;
  /**
   * The token that goes over the wire; made by the client unless given. Errors: EEXIST when another
   * watch of this client has it.
   */
  readonly token?: string | undefined;
}

/**
 * A watch: `for await (const event of watch)`. It is set when the first event is asked for or
 * `ready` is awaited, and removed by `return`, leaving the loop, `await using`, or the signal.
 */
export interface Watch<Event = WatchEvent> extends AsyncIterableIterator<Event> {
  readonly path: string;
  readonly token: string;
  /**
   * Resolves once the store has confirmed it. Errors: those of WATCH, such as ENOSPC; ECANCELED
   * when the watch was removed before.
   */
  readonly ready: Promise<void>;
  /** Events that wait to be taken. */
  readonly waiting: number;
  /** Removes the watch; events that still waited are dropped, and the loop ends. */
  return(): Promise<IteratorResult<Event>>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What watchValues hands out. */
export interface ValueChange<T = string> {
  /** The node that changed. */
  readonly path: string;
  /**
   * Its value now; undefined: it is not there, can't be read, or is no integer where one is wanted.
   */
  readonly value: T | undefined;
  /** Its value when it was last handed out; undefined for the first. */
  readonly previous: T | undefined;
  readonly initial: boolean;
  readonly replayed: boolean;
}

/** What watchValues takes. */
export interface WatchValuesOptions extends Omit<WatchOptions, "token"> {
  readonly as?: As | undefined;
  /** Handed out also if the value is what it was (false). */
  readonly unchanged?: boolean | undefined;
}

export interface WaitOptions extends CallOptions {
  /** ms; without limit by default. Errors: ETIMEDOUT. */
  readonly timeout?: number | undefined;
  readonly as?: As | undefined;
}

/** Milliseconds to wait before run number `attempt` (from 2 on). */
export type Backoff = (attempt: number) => number;

export interface TransactionOptions extends CallOptions {
  /** Runs at most (100); the last conflict is thrown then. */
  readonly attempts?: number | undefined;
  /** By default none for the first runs, then a random time up to 50 ms. */
  readonly backoff?: Backoff | undefined;
  /** Hears of each conflict; what it throws ends the transaction. */
  readonly onConflict?: ((attempt: number, error: Error) => void) | undefined;
}

/**
 * An open transaction: its operations see the store as of its start (the C daemon: each node as of
 * its first touch), and its own changes. It is lost with the connection. Errors: EINVAL for use
 * after its end.
 */
export interface Transaction extends Nodes {
  /** As on the wire. */
  readonly id: number;
  /**
   * Applies all or nothing, once requests that are under way are answered. Errors: theirs, with
   * nothing applied; EAGAIN (ConflictError) when others were faster; ConnectionLostError, which
   * says whether it had been sent. The transaction is over in any case.
   */
  commit(options?: CallOptions): Promise<void>;
  /** Gives up what was done; never fails for a connection that is lost. */
  abort(): Promise<void>;
  /** Aborts unless it was committed. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A domain, as the store knows it. Most calls are for the control domain only (EACCES). */
export interface Domain {
  readonly domid: number;
  /** Its home, such as `/local/domain/3`; whether or not it exists. */
  path(options?: CallOptions): Promise<string>;
  isIntroduced(options?: CallOptions): Promise<boolean>;
  introduce(page: { gfn: number | bigint; port: number }, options?: CallOptions): Promise<void>;
  release(options?: CallOptions): Promise<void>;
  resume(options?: CallOptions): Promise<void>;
  /** Gives it the rights of `target`, as for a device model. */
  setTarget(target: number, options?: CallOptions): Promise<void>;
  features(options?: CallOptions): Promise<number>;
  setFeatures(bits: number, options?: CallOptions): Promise<void>;
  /** One limit, by the name that `quotas` of the client lists. */
  quota(name: string, options?: CallOptions): Promise<number>;
  setQuota(name: string, value: number, options?: CallOptions): Promise<void>;
}

/** What becomes of a connection; see `Client.status`. */
export type Status =
  | { readonly state: "connecting"; readonly attempt: number }
  | { readonly state: "connected" }
  /** The connection is there again; `watches` were set again, of `lost` requests nobody knows. */
  | { readonly state: "reconnected"; readonly watches: number; readonly lost: number }
  | { readonly state: "disconnected"; readonly error: Error }
  | { readonly state: "closed"; readonly error: Error | null };

/** A connection to a store. Requests outside a transaction each stand for themselves. */
export interface Client extends Nodes {
  /** Where it leads, such as `unix:/run/xenstored/socket`. */
  readonly target: string;
  readonly state: Status["state"];
  /** Resolves when the connection is closed for good: with why, or null after `close`. */
  readonly closed: Promise<Error | null>;
  /** Every change of the connection from now on; ends behind `closed`. */
  status(): AsyncIterableIterator<Status>;

  /** Sets a watch; `@introduceDomain`, `@releaseDomain` and `@releaseDomain/<domid>` too. */
  watch(path: string, options?: WatchOptions): Watch;
  /**
   * The values of what changes at or below the path: the watch is set first, then read. When a node
   * goes, those below that were handed out are told, too. Special paths have no values (EINVAL).
   */
  watchValues(
    path: string,
    options?: WatchValuesOptions & { as?: "text" | undefined },
  ): Watch<ValueChange>;
  watchValues(
    path: string,
    options: WatchValuesOptions & { as: "bytes" },
  ): Watch<ValueChange<Uint8Array>>;
  watchValues(
    path: string,
    options: WatchValuesOptions & { as: "int" },
  ): Watch<ValueChange<number>>;
  /**
   * Waits until the value of one node pleases, and returns it.
   * @param wanted  the value itself, or a function that is asked about each new value: undefined
   *                while the node is not there, can't be read, or is no integer where one is wanted
   */
  waitFor(
    path: string,
    wanted: string | ((value: string | undefined) => boolean),
    options?: WaitOptions & { as?: "text" | undefined },
  ): Promise<string | undefined>;
  waitFor(
    path: string,
    wanted: number | ((value: number | undefined) => boolean),
    options: WaitOptions & { as: "int" },
  ): Promise<number | undefined>;
  waitFor(
    path: string,
    wanted: (value: Uint8Array | undefined) => boolean,
    options: WaitOptions & { as: "bytes" },
  ): Promise<Uint8Array | undefined>;

  /**
   * Runs `body` with a transaction and commits what it did. On a conflict everything is repeated,
   * so `body` must have no other effect. When it throws, nothing is applied, and the error is
   * passed on. Requests that it did not wait for are waited for: if one fails, nothing is applied.
   * It may end the transaction itself. Errors: those of `body`; ConflictError after the last
   * attempt; ConnectionLostError, which says whether the commit had been sent.
   */
  transaction<T>(
    body: (tx: Transaction) => Promise<T> | T,
    options?: TransactionOptions,
  ): Promise<T>;
  /** A transaction to be ended by hand. */
  begin(options?: CallOptions): Promise<Transaction>;
  /**
   * Writes `next` if the value is `expected`; undefined stands for a node that is not there.
   * @returns whether it was
   */
  compareAndSet(
    path: string,
    expected: Value | undefined,
    next: Value | undefined,
    options?: TransactionOptions,
  ): Promise<boolean>;

  domain(domid: number): Domain;
  /** Features the store offers, as bits; 0 from one that knows none. */
  features(options?: CallOptions): Promise<number>;
  /** Names of all limits; empty from a store that knows none. */
  quotas(options?: CallOptions): Promise<string[]>;
  /** The limit that a domain without one of its own has. */
  quota(name: string, options?: CallOptions): Promise<number>;
  setQuota(name: string, value: number, options?: CallOptions): Promise<void>;
  /** Has the daemon carry out a command; returns its text. */
  control(command: string, ...words: (string | Uint8Array)[]): Promise<string>;
  /**
   * Removes all watches and transactions of this client; the iterators of watches end. Over a
   * kernel's device each is ended by name, since the kernel's own would go with them.
   */
  resetWatches(options?: CallOptions): Promise<void>;
  /** Any request: type XS_*, payload; returns the reply's payload. For what has no name here. */
  request(
    type: number,
    payload: Uint8Array,
    options?: CallOptions & { readonly txId?: number | undefined },
  ): Promise<Uint8Array>;

  /**
   * Aborts transactions, ends watches, hangs up: after their replies, or a second at most. What
   * still waits then rejects. Never fails.
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a connection takes, whatever it runs over. */
export interface ClientOptions {
  /** Gives up connecting, and closes the connection when it comes later. */
  readonly signal?: AbortSignal | undefined;
  /**
   * ms until a request without a reply ends the connection (ETIMEDOUT); 0: it may take for ever.
   * By default 30000, ten minutes for `control`, and for ever to a store in this process.
   */
  readonly requestTimeout?: number | undefined;
  /** ms for one attempt to connect (10000). */
  readonly connectTimeout?: number | undefined;
  /** Requests under way at once; more wait in order (256). */
  readonly maxInFlight?: number | undefined;
  /** Requests that may wait, above which ENOBUFS is thrown (65536). */
  readonly maxWaiting?: number | undefined;
  /**
   * What happens when the connection is lost: false, it is closed; else it is made again, after
   * waits of `backoff`, at most `attempts` times in a row (true: without limit, 10 ms to 2 s).
   * Requests that had been sent reject with ConnectionLostError, watches are set again, requests
   * that had not been sent wait. By default true for sockets, false for devices and in process.
   */
  readonly reconnect?:
    | boolean
    | { readonly attempts?: number; readonly backoff?: Backoff }
    | undefined;
}
