// Watch: matching under test, compared with the definition applied to every watch.
// Holds   a list for each of two connections, and for each watch made its path in memory.
// Never   needs a tree.
// Source  the XenStore protocol, watches.

import { Bytes } from "../../../assembly/base/bytes";
import { Hash } from "../../../assembly/base/hash";
import { Heap } from "../../../assembly/base/heap";
import { Path } from "../../../assembly/store/path";
import { DEPTH_UNLIMITED, Matches, Watch, Watches, WatchList } from "../../../assembly/store/watch";

Hash.init(1, 2);
Heap.init();
Watches.init();

const text = memory.data(4096);
const token = memory.data(16);
const one = changetype<WatchList>(memory.data(16));
const two = changetype<WatchList>(memory.data(16));

function setPath(path: string): void {
  Path.parse(text, Bytes.putText(text, path, 4096), 3, true, 0);
}

function add(list: WatchList, conn: u32, path: string, name: string, depth: u32): Watch {
  setPath(path);
  const len = Bytes.putText(token, name, 16);
  return <Watch>Watches.add(list, conn, token, len, depth);
}

function find(conn: u32, path: string, name: string): Watch | null {
  setPath(path);
  return Watches.find(conn, token, Bytes.putText(token, name, 16));
}

/** Tokens of the matches of a change, in order. */
function heard(path: string): string {
  setPath(path);
  let all = "";
  Matches.begin();
  let w: Watch | null = Matches.next();
  while (w !== null) {
    all += `${String.UTF8.decodeUnsafe(w.tokenPtr, w.tokenLen)} `;
    w = Matches.next();
  }
  return all;
}

describe("watches", () => {
  it("hear of their path and of what is below it, as deep as they ask", () => {
    const all = add(one, 1, "/t", "all", DEPTH_UNLIMITED);
    const t0 = add(one, 1, "/t", "t0", 0);
    const t1 = add(one, 1, "/t", "t1", 1);
    const r0 = add(one, 1, "/", "r0", 0);
    const r2 = add(one, 1, "/", "r2", 2);
    expect<string>(heard("/t")).toBe("all t0 t1 r2 ");
    expect<string>(heard("/t/a")).toBe("all t1 r2 ");
    expect<string>(heard("/t/a/b")).toBe("all ");
    expect<string>(heard("/u")).toBe("r2 ");
    expect<string>(heard("/")).toBe("r0 r2 ");
    expect<string>(heard("/tt")).toBe("r2 ");
    expect<string>(heard("@t")).toBe("");
    Watches.remove(one, all);
    Watches.remove(one, t0);
    Watches.remove(one, t1);
    Watches.remove(one, r0);
    Watches.remove(one, r2);
    expect<u32>(Watches.count).toBe(0);
  });

  it("hear in the order of their registration, whatever their path", () => {
    const a = add(one, 1, "/a/b", "1", DEPTH_UNLIMITED);
    const b = add(two, 2, "/", "2", DEPTH_UNLIMITED);
    const c = add(one, 1, "/a", "3", DEPTH_UNLIMITED);
    const d = add(two, 2, "/a/b", "4", DEPTH_UNLIMITED);
    expect<string>(heard("/a/b")).toBe("1 2 3 4 ");
    Watches.remove(two, b);
    expect<string>(heard("/a/b/c")).toBe("1 3 4 ");
    Watches.remove(one, a);
    Watches.remove(one, c);
    Watches.remove(two, d);
  });

  it("are found by connection, path and token", () => {
    const w = add(one, 1, "/a", "t", 5);
    expect<bool>(find(1, "/a", "t") === w).toBe(true);
    expect<bool>(find(2, "/a", "t") === null).toBe(true);
    expect<bool>(find(1, "/b", "t") === null).toBe(true);
    expect<bool>(find(1, "/a", "u") === null).toBe(true);
    expect<bool>(find(1, "/a", "") === null).toBe(true);
    expect<u32>(w.charge).toBe(2 + 1);
    Watches.remove(one, w);
    expect<bool>(find(1, "/a", "t") === null).toBe(true);
  });

  it("stand on their connection's list, oldest first", () => {
    const a = add(one, 1, "/a", "a", 0);
    const b = add(one, 1, "/a", "b", 0);
    const c = add(one, 1, "/a", "c", 0);
    Watches.remove(one, b);
    expect<bool>(one.first === a).toBe(true);
    expect<bool>(a.connNext === c).toBe(true);
    expect<bool>(one.last === c).toBe(true);
    Watches.remove(one, a);
    Watches.remove(one, c);
    expect<bool>(one.first === null && one.last === null).toBe(true);
  });

  it("give all their memory back", () => {
    const before = Heap.used;
    for (let i: u32 = 0; i < 5000; i++) add(one, 1, `/w/n${i}`, "t", 0);
    while (one.first !== null) {
      const w = <Watch>one.first;
      Path.reparse(w.group.pathPtr, w.group.pathLen);
      Watches.remove(one, w);
    }
    expect<u32>(Watches.count).toBe(0);
    expect<bool>(Heap.used - before <= 65536).toBe(true);
  });
});
