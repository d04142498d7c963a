// Tree: nodes made, found, changed and removed under test, also under the eyes of a snapshot.
// Holds   the initial tree and what each test leaves, which is nothing.
// Never   asks for permission.
// Source  the XenStore protocol, paths.

import { Bytes } from "../../../assembly/base/bytes";
import { Hash } from "../../../assembly/base/hash";
import { Heap } from "../../../assembly/base/heap";
import { Domains } from "../../../assembly/store/domain";
import { Node } from "../../../assembly/store/node";
import { Path } from "../../../assembly/store/path";
import { Perms } from "../../../assembly/store/perms";
import { QUOTA_MEMORY, QUOTA_NODES, Quota } from "../../../assembly/store/quota";
import { Tree } from "../../../assembly/store/tree";
import { NOW, Value, Versions } from "../../../assembly/store/version";

Hash.init(1, 2);
Heap.init();
Quota.init();
Perms.init();
Domains.of(0);
Tree.init();

const text = memory.data(4096);
const value = memory.data(4096);

function make(path: string, content: string): Node {
  Path.set(path);
  const parent = <Node>Tree.find(Path.depth - 1);
  const len = Bytes.putText(value, content, 4096);
  return <Node>Tree.create(parent, Path.depth, value, len, parent.perms);
}

function find(path: string): Node | null {
  Path.set(path);
  return Tree.find(Path.depth);
}

function put(node: Node, content: string): void {
  Tree.setValue(node, value, Bytes.putText(value, content, 4096));
}

function children(node: Node, asOf: u64): string {
  let all = "";
  let c: Node | null = Tree.firstChild(node, asOf);
  while (c !== null) {
    all += `${String.UTF8.decodeUnsafe(c.namePtr, c.nameLen)} `;
    c = Tree.nextChild(c, asOf);
  }
  return all;
}

function count(which: u32): i32 {
  const d = Domains.find(0);
  return d === null ? -1 : d.count(which);
}

describe("the tree", () => {
  it("begins with five nodes of the control domain", () => {
    expect<u32>(Tree.nodeCount).toBe(5);
    expect<i32>(count(QUOTA_NODES)).toBe(5);
    expect<bool>(find("/tool/xenstored") !== null).toBe(true);
    expect<bool>(find("@releaseDomain") !== null).toBe(true);
    expect<bool>(find("/releaseDomain") === null).toBe(true);
    expect<string>(children(Tree.root, NOW)).toBe("tool ");
  });

  it("finds what was made, with its length and its text", () => {
    make("/a", "");
    const node = make("/a/bc", "hello");
    expect<bool>(find("/a/bc") === node).toBe(true);
    expect<bool>(find("/a/b") === null).toBe(true);
    expect<u32>(Tree.pathLen(node)).toBe(5);
    expect<u32>(Tree.pathLen(Tree.root)).toBe(1);
    expect<bool>(Tree.hasPath(node, text, Bytes.putText(text, "/a/bc", 64))).toBe(true);
    expect<bool>(Tree.hasPath(node, text, Bytes.putText(text, "/x/bc", 64))).toBe(false);
    expect<bool>(Tree.hasPath(node, text, Bytes.putText(text, "/a/b", 64))).toBe(false);
    Tree.removeAll(<Node>find("/a"));
    expect<bool>(find("/a/bc") === null).toBe(true);
    expect<u32>(Tree.nodeCount).toBe(5);
  });

  it("keeps children in order of creation", () => {
    make("/d", "");
    make("/d/c", "");
    make("/d/a", "");
    make("/d/b", "");
    const d = <Node>find("/d");
    expect<string>(children(d, NOW)).toBe("c a b ");
    expect<u32>(d.childBytes).toBe(6);
    Tree.remove(<Node>find("/d/a"));
    make("/d/a", "");
    expect<string>(children(d, NOW)).toBe("c b a ");
    Tree.removeAll(d);
  });

  it("holds values of any length and moves them where they fit", () => {
    const memoryBefore = count(QUOTA_MEMORY);
    const before = Heap.used;
    const node = make("/v", "short");
    for (let len: u32 = 0; len < 4096; len += 61) {
      memory.fill(value, <u8>len, len);
      expect<bool>(Tree.setValue(node, value, len)).toBe(true);
      expect<u32>(node.valueLen).toBe(<u32>len);
      expect<bool>(Bytes.equal(node.valuePtr, value, len)).toBe(true);
    }
    put(node, "x");
    expect<usize>(node.value).toBe(0);
    Tree.remove(node);
    expect<i32>(count(QUOTA_MEMORY)).toBe(memoryBefore);
    expect<usize>(Heap.used).toBe(before);
  });

  it("grows the generation of a node with each of its changes", () => {
    const p = make("/p", "");
    const first = p.generation;
    put(p, "v");
    const second = p.generation;
    expect<bool>(second > first).toBe(true);
    make("/p/c", "");
    const third = p.generation;
    expect<bool>(third > second).toBe(true);
    put(<Node>find("/p/c"), "v");
    expect<bool>(p.generation == third).toBe(true);
    Tree.remove(<Node>find("/p/c"));
    expect<bool>(p.generation > third).toBe(true);
    Tree.remove(p);
  });

  it("walks children before their parents", () => {
    make("/w", "");
    make("/w/a", "");
    make("/w/a/1", "");
    make("/w/b", "");
    const top = <Node>find("/w");
    let all = "";
    let n = Tree.deepest(top);
    while (n !== top) {
      all += `${String.UTF8.decodeUnsafe(n.namePtr, n.nameLen)} `;
      n = Tree.afterInWalk(n);
    }
    expect<string>(all).toBe("1 a b ");
    Tree.removeAll(top);
  });
});

describe("a snapshot", () => {
  it("sees values, children and existence as they were", () => {
    const before = Heap.used;
    const s = make("/s", "old");
    make("/s/gone", "g");
    const then = Tree.seq;
    Versions.open(then);
    put(s, "new");
    put(s, "newer");
    Tree.remove(<Node>find("/s/gone"));
    make("/s/fresh", "");
    make("/s/gone", "again");
    Versions.valueAt(s, then);
    expect<bool>(Bytes.is(Value.ptr, Value.len, "old")).toBe(true);
    expect<string>(children(s, then)).toBe("gone ");
    expect<string>(children(s, NOW)).toBe("fresh gone ");
    Path.set("/s/gone");
    const ghost = Tree.findAt(2, then);
    expect<bool>(ghost !== null && ghost !== Tree.find(2)).toBe(true);
    Path.set("/s/fresh");
    expect<bool>(Tree.findAt(2, then) === null).toBe(true);
    Versions.reclaim(0, false);
    expect<usize>(Versions.bytes).toBe(0);
    Tree.removeAll(s);
    expect<usize>(Heap.used).toBe(before);
  });

  it("costs nothing when none is open", () => {
    const n = make("/n", "1");
    put(n, "2");
    expect<bool>(n.versions === null).toBe(true);
    expect<usize>(Versions.bytes).toBe(0);
    Tree.remove(n);
  });
});
