// Mirror: the copy of the tree that is made from changes alone, forth and back.
// Holds   random stories of several domains on a real store.
// Never   compares with anything but what the store itself says.
// Source  our own; hosts/embed/changes.ts.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StoreChange, TreeNode } from "../../hosts/entry/node.ts";
import { createStore } from "../../hosts/entry/node.ts";
import { type Delta, Mirror, type MirrorNode } from "../../hosts/playground/engine/mirror.ts";

const text = new TextDecoder();

function plain(node: MirrorNode): TreeNode {
  const children = [...(node.children?.values() ?? [])].map((child) => [child.name, plain(child)]);
  return {
    value: text.decode(node.value),
    perms: node.perms,
    ...(children.length > 0 ? { children: Object.fromEntries(children) } : {}),
  };
}

/** With the children of each node by name: a mirror does not know their order for certain. */
function sorted(tree: TreeNode): TreeNode {
  const children = Object.entries(tree.children ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const { value = "", perms = "" } = tree;
  const below = children.map(([name, child]) => [name, sorted(child)]);
  return { value, perms, ...(below.length > 0 ? { children: Object.fromEntries(below) } : {}) };
}

const names = ["a", "b", "c"];
const path = fc
  .array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join("/"));
const step = fc.oneof(
  fc.record({
    kind: fc.constant("write"),
    domid: fc.nat(3),
    path,
    value: fc.constantFrom("", "1"),
  }),
  fc.record({ kind: fc.constant("rm"), domid: fc.nat(3), path }),
  fc.record({ kind: fc.constant("perms"), path, perms: fc.constantFrom("n0", "r1 b2", "n3 r1") }),
  fc.record({ kind: fc.constant("tx"), domid: fc.nat(3), path, value: fc.constant("t") }),
  fc.record({ kind: fc.constant("end"), domid: fc.integer({ min: 1, max: 3 }) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function play(steps: readonly Step[], change: (change: StoreChange) => void) {
  const store = await createStore({ seed: 1, changes: change });
  const place = (domid: number, below: string) =>
    domid === 0 ? `/shared/${below}` : `/local/domain/${domid}/${below}`;
  for (const one of steps) {
    const domid = "domid" in one ? one.domid : 0;
    if (one.kind === "end") {
      await (await store.guest(domid)).destroy();
      continue;
    }
    const client = domid === 0 ? store.client : await store.asDomain(domid);
    const full = "path" in one ? place(domid, one.path) : "/";
    const { value = "", perms = "" } = one as { value?: string; perms?: string };
    const run = {
      write: () => client.write(full, value),
      rm: () => client.rm(full, { missingOk: true }),
      perms: () => client.setPerms(full, perms),
      tx: () =>
        client.transaction(async (tx) => {
          await tx.rm(full, { missingOk: true });
          await tx.write(`${full}/x`, value);
        }),
    }[one.kind as "write"];
    // What is refused changes nothing, and so tells nothing.
    await run().catch(() => {});
  }
  return store;
}

describe("a mirror", () => {
  it("holds what the store holds, and goes back and forth", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const mirror = new Mirror();
        const states = [sorted(plain(mirror.root))];
        const deltas: Delta[][] = [];
        const store = await play(steps, (change) => {
          deltas.push(mirror.apply(change));
          states.push(sorted(plain(mirror.root)));
        });
        const real = await store.client.snapshot("/");
        expect(states.at(-1)).toEqual(sorted(real));
        expect(mirror.count).toBe([...mirror.walk()].length);
        const counted = new Map<number, number>();
        for (const { owner } of mirror.walk()) counted.set(owner, (counted.get(owner) ?? 0) + 1);
        for (const [owner, count] of mirror.owned) expect(counted.get(owner) ?? 0).toBe(count);
        const copy = mirror.clone();
        for (let at = deltas.length - 1; at >= 0; at--) {
          for (const delta of [...(deltas[at] as Delta[])].reverse()) copy.step(delta, false);
          expect(sorted(plain(copy.root))).toEqual(states[at]);
        }
        for (const [at, list] of deltas.entries()) {
          for (const delta of list) copy.step(delta, true);
          expect(sorted(plain(copy.root))).toEqual(states[at + 1]);
        }
        expect(copy.count).toBe(mirror.count);
        await store.close();
      }),
      { numRuns: 150 },
    );
  });

  it("puts a node that comes back where it was", () => {
    const mirror = new Mirror();
    const value = new Uint8Array(0);
    for (const name of names)
      mirror.apply({ kind: "create", path: `/${name}`, value, perms: "n0" });
    mirror.apply({ kind: "create", path: "/b/below", value, perms: "n0" });
    const deltas = mirror.apply({ kind: "remove", path: "/b" });
    expect([...(mirror.root.children?.keys() ?? [])]).toEqual(["tool", "a", "c"]);
    for (const delta of deltas) mirror.step(delta, false);
    expect([...(mirror.root.children?.keys() ?? [])]).toEqual(["tool", "a", "b", "c"]);
    expect(mirror.find("/b/below")?.path()).toBe("/b/below");
  });

  it("takes a hundred thousand siblings", () => {
    const mirror = new Mirror();
    const value = new Uint8Array(0);
    for (let n = 0; n < 100_000; n++) {
      mirror.apply({ kind: "create", path: `/many/${n}`, value, perms: "n7" });
    }
    expect(mirror.ownedBy(7)).toBe(100_001);
    expect([...mirror.walk()]).toHaveLength(100_004);
    mirror.apply({ kind: "end", domid: 7, keep: false });
    expect(mirror.count).toBe(3);
  });
});
