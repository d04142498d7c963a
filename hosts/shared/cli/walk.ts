// Walk: a whole tree read over one connection, parents before children, in the store's order.
// Holds   the nodes whose replies are awaited, and those that wait for their turn to be told.
// Never   keeps more of the tree than what is under way.
// Source  our own; the XenStore protocol, Operations.

import { XS_DIRECTORY, XS_GET_PERMS, XS_READ } from "../../../assembly/xs_wire.ts";
import type { Store } from "../client.ts";
import { isXenstoreError, XenstoreError } from "../errors.ts";
import { splitStrings } from "../wire.ts";
import { type BackupNode, payloadOf } from "./backup.ts";
import { Heap } from "./heap.ts";

/** What a walk came to. */
export interface Walked {
  nodes: number;
  /** Nodes that may not be read; what is below them is not known. */
  hidden: number;
  /** Path of the first of them; empty if there is none. */
  firstHidden: string;
}

/** Nodes that are asked for at once, each with three requests. */
const AHEAD = 160;

/** A node between the reply that named it and its turn. */
interface Place {
  path: string;
  /** Which child of which child ... of the root it is: the order of the walk. */
  order: readonly number[];
  parts: BackupNode | "hidden" | "gone" | null;
  children: Family | null;
}

/** What is known of a node; `error` is the first one of those that count. */
interface Replies {
  value: Uint8Array | null;
  perms: Uint8Array | null;
  names: Uint8Array | null;
  error: unknown;
}

/** The children of one node. */
interface Family {
  base: string;
  order: readonly number[];
  names: readonly string[];
  places: (Place | undefined)[];
  /** The first that has not been asked for. */
  asked: number;
  /** The first that has not been told. */
  told: number;
}

/**
 * Reads the node `root` and all below, and hands each to `tell`, parents first.
 * @param signal  gives up when it is aborted
 * @throws        the store's error for `root`, or for any node one that is neither EACCES nor
 *                ENOENT; ENOENT below `root` is a node that was removed meanwhile
 */
export function walk(
  store: Store,
  root: string,
  tell: (node: BackupNode) => void,
  signal: AbortSignal,
): Promise<Walked> {
  return new Walk(store, tell).run(root, signal);
}

class Walk {
  readonly #store: Store;
  readonly #tell: (node: BackupNode) => void;
  readonly #walked: Walked = { nodes: 0, hidden: 0, firstHidden: "" };
  /** Families with children that have not been asked for, first in the walk's order on top. */
  readonly #waiting = new Heap<Family>(comesBefore);
  /** Families on the way from the root to the node whose turn it is. */
  readonly #trail: Family[] = [];
  /** Lists of permissions by the payload that tells them. */
  readonly #lists = new Map<string, readonly string[]>();
  #underWay = 0;
  #failed = false;
  #done: (walked: Walked) => void = () => {};
  #fail: (error: unknown) => void = () => {};

  constructor(store: Store, tell: (node: BackupNode) => void) {
    this.#store = store;
    this.#tell = tell;
  }

  run(root: string, signal: AbortSignal): Promise<Walked> {
    const family: Family = {
      base: "",
      order: [],
      names: [root],
      places: [],
      asked: 0,
      told: 0,
    };
    this.#trail.push(family);
    this.#waiting.push(family);
    return new Promise((done, fail) => {
      const aborted = () => this.#fail(signal.reason);
      this.#done = (walked) => {
        signal.removeEventListener("abort", aborted);
        done(walked);
      };
      this.#fail = (error) => {
        this.#failed = true;
        signal.removeEventListener("abort", aborted);
        fail(error);
      };
      signal.addEventListener("abort", aborted);
      if (signal.aborted) aborted();
      else this.#askMore();
    });
  }

  #askMore(): void {
    while (!this.#failed && this.#underWay < AHEAD) {
      const family = this.#waiting.top;
      if (family === undefined) return;
      const at = family.asked++;
      if (family.asked === family.names.length) this.#waiting.pop();
      else this.#waiting.sink();
      const place: Place = {
        path: family.base + family.names[at],
        order: [...family.order, at],
        parts: null,
        children: null,
      };
      family.places[at] = place;
      this.#underWay++;
      this.#ask(place);
    }
  }

  #answered(place: Place): void {
    if (this.#failed) return;
    this.#underWay--;
    if (place.children !== null) this.#waiting.push(place.children);
    try {
      this.#tellReady();
    } catch (error) {
      // At once: the replies behind this one must not be told any more.
      this.#fail(error);
    }
    this.#askMore();
  }

  /** Sends the three requests about a node; `#answered` follows when all have been settled. */
  #ask(place: Place): void {
    const payload = payloadOf(place.path);
    const replies: Replies = { value: null, perms: null, names: null, error: null };
    let missing = 3;
    const settled = () => {
      if (--missing === 0) this.#settle(place, replies);
    };
    const failed = (error: unknown) => {
      replies.error ??= error;
      settled();
    };
    this.#store.request(XS_READ, payload).then((value) => {
      replies.value = value;
      settled();
    }, failed);
    this.#store.request(XS_GET_PERMS, payload).then((perms) => {
      replies.perms = perms;
      settled();
    }, failed);
    this.#store.request(XS_DIRECTORY, payload).then(
      (names) => {
        replies.names = names;
        settled();
      },
      (error) => {
        if (isXenstoreError(error, "E2BIG")) settled();
        else failed(error);
      },
    );
  }

  #settle(place: Place, { value, perms, names, error }: Replies): void {
    try {
      if (error !== null || value === null || perms === null) {
        place.parts = this.#without(place, error);
        this.#answered(place);
        return;
      }
      const parts = { path: place.path, value, perms: this.#list(perms) };
      if (names !== null) this.#known(place, parts, splitStrings(names));
      else this.#askInParts(place, parts);
    } catch (why) {
      this.#fail(why);
    }
  }

  /** There are too many children for one reply. */
  #askInParts(place: Place, parts: BackupNode): void {
    this.#store.directory(place.path).then(
      (names) => this.#known(place, parts, names),
      (error) => this.#settle(place, { value: null, perms: null, names: null, error }),
    );
  }

  #known(place: Place, parts: BackupNode, names: readonly string[]): void {
    place.parts = parts;
    if (names.length > 0) {
      const base = place.path === "/" ? "/" : `${place.path}/`;
      place.children = { base, order: place.order, names, places: [], asked: 0, told: 0 };
    }
    this.#answered(place);
  }

  #without(place: Place, error: unknown): "hidden" | "gone" {
    if (!isXenstoreError(error)) throw error;
    if (place.order.length > 1 && error.code === "ENOENT") return "gone";
    // One whose path is too long to be asked for can't be had either.
    if (place.order.length > 1 && isXenstoreError(error, "EACCES", "E2BIG")) return "hidden";
    throw new XenstoreError(error.code, { op: "READ", path: place.path, cause: error });
  }

  #list(payload: Uint8Array): readonly string[] {
    let key = "";
    for (let i = 0; i < payload.length; i++) key += String.fromCharCode(payload[i]);
    let list = this.#lists.get(key);
    if (list === undefined) {
      list = splitStrings(payload);
      this.#lists.set(key, list);
    }
    return list;
  }

  /** Tells what is known without a gap from where the walk stands. */
  #tellReady(): void {
    for (let family = this.#trail.at(-1); family !== undefined; family = this.#trail.at(-1)) {
      if (family.told === family.names.length) {
        this.#trail.pop();
        continue;
      }
      const place = family.places[family.told];
      if (place === undefined || place.parts === null) return;
      family.places[family.told++] = undefined;
      this.#tellOne(place, place.parts);
      if (place.children !== null) this.#trail.push(place.children);
    }
    this.#done(this.#walked);
  }

  #tellOne(place: Place, parts: BackupNode | "hidden" | "gone"): void {
    if (parts === "gone") return;
    if (parts === "hidden") {
      if (this.#walked.hidden++ === 0) this.#walked.firstHidden = place.path;
      return;
    }
    this.#walked.nodes++;
    this.#tell(parts);
  }
}

/** Does the next child of `a` come before the next one of `b`? */
function comesBefore(a: Family, b: Family): boolean {
  const common = Math.min(a.order.length, b.order.length);
  for (let i = 0; i < common; i++) {
    if (a.order[i] !== b.order[i]) return a.order[i] < b.order[i];
  }
  if (a.order.length === b.order.length) return a.asked < b.asked;
  if (a.order.length < b.order.length) return a.asked < b.order[common];
  return a.order[common] < b.asked;
}
