// Fill: nodes put into a store, in transactions as large as the store bears.
// Holds   how many nodes go into one, and what is said when one fails.
// Never   reads a file.
// Source  our own; the XenStore protocol, Operations, Transactions.

import { XS_SET_PERMS, XS_WRITE } from "../../../assembly/xs_wire.ts";
import { type Perm, parsePerm, type Store } from "../client.ts";
import { errorText, isXenstoreError, XenstoreError } from "../errors.ts";
import { strings } from "../wire.ts";
import { type BackupNode, payloadOf } from "./backup.ts";
import { type Call, Failure } from "./command.ts";
import { Pace } from "./pace.ts";
import type { Progress } from "./progress.ts";

/** A transaction of so many nodes is tried whatever the store. */
const TOGETHER = 10_000;
/** A larger one would keep others waiting while it ends. */
const TOGETHER_MAX = 100_000;
/** Nodes whose requests are made before those of the nodes before them are answered. */
const AHEAD = 128;
/** How often a transaction that meets others' changes is repeated. */
const ATTEMPTS = 10;

/** What is to be done. */
export interface Work {
  nodes: readonly BackupNode[];
  special: readonly BackupNode[];
  /** Whatever is below this node and not among `nodes` is removed; null: nothing is. */
  root: string | null;
  /** Nodes of domains that don't exist are given to domain 0, instead of failing. */
  keepOrphans: boolean;
  progress: Progress;
  signal: AbortSignal;
}

/** What a transaction came to. */
interface Batch {
  /** The first node that is left for the next one. */
  next: number;
  orphans: number;
}

/**
 * Puts all nodes into the store.
 * @returns  how many nodes were given to domain 0
 * @throws   Failure that says what failed and what has been restored until then
 */
export async function fill(call: Call, work: Work): Promise<{ orphans: number }> {
  let at = 0;
  let orphans = 0;
  let ended = false;
  while (!ended) {
    const from = at;
    const body = (store: Store) => new Filling(call, store, work).run(from);
    try {
      const batch: Batch = await call.client.transaction(body, { attempts: ATTEMPTS });
      at = batch.next;
      orphans += batch.orphans;
    } catch (error) {
      if (!isXenstoreError(error)) throw error;
      throw new Failure(call, `${reasonOf(error)}; ${stateOf(from, work)}`);
    }
    ended = at === work.nodes.length;
  }
  return { orphans };
}

/** What a person can do about it. */
function reasonOf(error: XenstoreError): string {
  const why = errorText(error.code);
  const about = error.path === "" ? "the transaction" : error.path;
  switch (error.code) {
    case "EBADF":
      return "connection to the store lost";
    case "EAGAIN":
      return `others kept changing the same nodes; try again when it is quieter`;
    case "EACCES":
    case "EPERM":
      return `${about} may not be written: ${why}; only the control domain may write everything`;
    case "ENOSPC":
      return `no room for ${about}: ${why}; see quotas and the daemon's storage`;
    case "ENOENT":
      if (error.op !== "SET_PERMS") break;
      return `the owner of ${about} is a domain that doesn't exist; --keep-orphans leaves it to domain 0`;
  }
  return `${about} could not be written: ${why}`;
}

function stateOf(done: number, { nodes }: Work): string {
  if (done === 0) return "nothing was restored";
  return `the first ${done} of ${nodes.length} nodes are restored, and it can be repeated`;
}

/** A store's error that says what it was about. */
function placed(error: unknown, op: string, path: string): unknown {
  if (!isXenstoreError(error)) return error;
  return new XenstoreError(error.code, { op, path, cause: error });
}

/** One transaction's share of the work. */
class Filling {
  readonly #call: Call;
  readonly #store: Store;
  readonly #work: Work;
  readonly #lists = new Map<readonly string[], Uint8Array>();
  #orphans = 0;

  constructor(call: Call, store: Store, work: Work) {
    this.#call = call;
    this.#store = store;
    this.#work = work;
  }

  /** Puts nodes from `from` on, as many as go well together. */
  async run(from: number): Promise<Batch> {
    const { nodes, progress, signal } = this.#work;
    const pace = new Pace(this.#call.host);
    let before: Promise<unknown> = Promise.resolve();
    let at = from;
    while (at < nodes.length && this.#goesOn(at - from, pace)) {
      const some = nodes.slice(at, at + AHEAD);
      const now = this.#put(some);
      // Its failure is seen to when it is its turn.
      now.catch(() => {});
      await before;
      signal.throwIfAborted();
      before = now;
      at += some.length;
      pace.add(some.length);
      progress.set(at);
    }
    await before;
    if (at === nodes.length) await this.#complete();
    signal.throwIfAborted();
    return { next: at, orphans: this.#orphans };
  }

  #goesOn(count: number, pace: Pace): boolean {
    return count < TOGETHER || (count < TOGETHER_MAX && !pace.slow);
  }

  /** Of these there may be millions, so each takes two requests and little else. */
  #put(nodes: readonly BackupNode[]): Promise<void> {
    return new Promise((done, fail) => {
      let missing = 2 * nodes.length;
      const settled = () => {
        if (--missing === 0) done();
      };
      for (const node of nodes) {
        const { path, value } = node;
        const written = this.#store.request(XS_WRITE, payloadOf(path, value));
        written.then(settled, (error) => fail(placed(error, "WRITE", path)));
        const given = this.#store.request(XS_SET_PERMS, payloadOf(path, this.#listOf(node)));
        given.then(settled, (error) => {
          const why = placed(error, "SET_PERMS", path);
          this.#withoutOwner(node, why).then(settled, fail);
        });
      }
    });
  }

  /** The list of permissions as in a request. */
  #listOf({ perms }: BackupNode): Uint8Array {
    let list = this.#lists.get(perms);
    if (list === undefined) {
      list = strings(...perms);
      this.#lists.set(perms, list);
    }
    return list;
  }

  /** Domain 0 gets it, if that is wanted. */
  async #withoutOwner(node: BackupNode, error: unknown): Promise<void> {
    if (!this.#work.keepOrphans || !isXenstoreError(error, "ENOENT")) throw error;
    const [owner, ...others] = node.perms.map(parsePerm);
    await this.#store.setPerms(node.path, [{ ...owner, domid: 0 }, ...others]);
    this.#orphans++;
  }

  /** What comes after the last node. */
  async #complete(): Promise<void> {
    for (const node of this.#work.special) await this.#setSpecial(node);
    if (this.#work.root !== null) await this.#prune(this.#work.root);
  }

  /** Sets the permissions of a special node unless it has them: C tells all watchers of it. */
  async #setSpecial(node: BackupNode): Promise<void> {
    const wanted = node.perms.map(parsePerm);
    const present = await this.#store.getPerms(node.path).catch((error) => {
      if (!isXenstoreError(error) || error.code === "EBADF") throw error;
      return [];
    });
    const text = (perms: readonly Perm[]) => perms.map((p) => `${p.access}${p.domid}`).join();
    if (text(present) === text(wanted)) return;
    await this.#store.setPerms(node.path, wanted).catch((e) => this.#withoutOwner(node, e));
  }

  /** Removes what is below `root` but not in the file. */
  async #prune(root: string): Promise<void> {
    const wanted = new Set(this.#work.nodes.map(({ path }) => path));
    let level = [root];
    while (level.length > 0) {
      const next: string[] = [];
      for (let at = 0; at < level.length; at += AHEAD) {
        this.#work.signal.throwIfAborted();
        const some = level.slice(at, at + AHEAD);
        await Promise.all(some.map((path) => this.#pruneOne(path, wanted, next)));
      }
      level = next;
    }
  }

  async #pruneOne(path: string, wanted: ReadonlySet<string>, next: string[]): Promise<void> {
    const names = await this.#store.directory(path);
    const base = path === "/" ? "/" : `${path}/`;
    const below = names.map((name) => base + name);
    next.push(...below.filter((child) => wanted.has(child)));
    const others = below.filter((child) => !wanted.has(child));
    await Promise.all(others.map((child) => this.#store.rm(child)));
  }
}
