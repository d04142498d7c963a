// Cases (trees): what takes more than one request, and is of one moment all the same.
// Holds   conformance cases.
// Never   names a runtime.
// Source  the XenStore protocol, DIRECTORY_PART; hosts/client/api.ts.

import type { Client, TreeNode, WalkNode, WalkOptions } from "../../hosts/client/api.ts";
import { claim, equal, fails, rejects, sorted } from "./claims.ts";
import type { Case } from "./rig.ts";

const MANY = 2200;

async function makeMany(client: Client, root: string, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, at) => `child-${at}`);
  await Promise.all(names.map((name) => client.write(`${root}/${name}`, "")));
  return names;
}

async function walked(client: Client, path: string, options?: WalkOptions): Promise<WalkNode[]> {
  const nodes: WalkNode[] = [];
  for await (const node of client.walk(path, options)) nodes.push(node);
  return nodes;
}

const paths = (nodes: readonly WalkNode[], root: string) =>
  nodes.map(({ path }) => path.slice(root.length));

/** Runs `change` again and again until `look` has been run `times` times. */
async function meanwhile(
  times: number,
  look: () => Promise<void>,
  change: (round: number) => Promise<unknown>,
): Promise<void> {
  let looking = true;
  const changing = (async () => {
    for (let round = 0; looking; round++) await change(round);
  })();
  try {
    for (let time = 0; time < times; time++) await look();
  } finally {
    looking = false;
    await changing;
  }
}

export const TREE_CASES: readonly Case[] = [
  {
    name: "a directory of thousands is listed whole",
    needs: ["parts"],
    async run({ client, root }) {
      const names = await makeMany(client, root, MANY);
      const listed = await client.list(root);
      equal(listed.length, MANY);
      equal(sorted(listed), sorted(names));
      const stat = await client.stat(root);
      equal(sorted(stat.children), sorted(names));
    },
  },
  {
    name: "a long directory is listed as of one moment while it changes",
    needs: ["parts"],
    async run({ client, other, root }) {
      await makeMany(client, root, 600);
      await client.write(`${root}/mark-0`, "");
      await meanwhile(
        20,
        async () => {
          const listed = await client.list(root);
          const marks = listed.filter((name) => name.startsWith("mark-"));
          equal(marks.length, 1, "the number of marks");
          equal(listed.length, 601, "the number of children");
        },
        (round) =>
          other.transaction(async (tx) => {
            tx.rm(`${root}/mark-${round}`);
            tx.write(`${root}/mark-${round + 1}`, "");
            // The generation changes also where the length stays.
            tx.write(`${root}/child-${round % 600}`, String(round));
          }),
      );
    },
  },
  {
    name: "a long directory is listed within a transaction, with its own changes",
    needs: ["parts"],
    async run({ client, root }) {
      await makeMany(client, root, 600);
      await client.transaction(async (tx) => {
        await tx.write(`${root}/mine`, "");
        const listed = await tx.list(root);
        equal(listed.length, 601);
        claim(listed.includes("mine"), "a transaction does not list what it made");
      });
    },
  },
  {
    name: "stat gives value, children, permissions and owner of one moment",
    async run({ client, other, root }) {
      const path = `${root}/node`;
      await client.write(path, "0");
      await client.write(`${path}/0`, "");
      const owner = (await client.getPerms(path))[0]?.domid ?? -1;
      await meanwhile(
        20,
        async () => {
          const stat = await client.stat(path);
          equal(stat.path, path);
          equal(stat.owner, owner);
          equal(stat.perms[0], { access: "n", domid: owner });
          equal(stat.children, [new TextDecoder().decode(stat.value)], "children and value");
        },
        (round) =>
          other.transaction(async (tx) => {
            await tx.rm(`${path}/${round}`);
            await tx.write(`${path}/${round + 1}`, "");
            await tx.write(path, round + 1);
          }),
      );
    },
  },
  {
    name: "walk visits a node before its children, or behind them",
    async run({ client, root }) {
      for (const path of ["a", "a/x", "a/x/1", "b", "b/y"])
        await client.write(`${root}/${path}`, path);
      const pre = await walked(client, root);
      equal(paths(pre, root), ["", "/a", "/a/x", "/a/x/1", "/b", "/b/y"]);
      equal(
        pre.map(({ depth }) => depth),
        [0, 1, 2, 3, 1, 2],
      );
      const [, a] = pre;
      equal(a?.value, new TextEncoder().encode("a"));
      equal(a?.children, ["x"]);
      equal(a?.perms, null);
      const post = await walked(client, root, { order: "post" });
      equal(paths(post, root), ["/a/x/1", "/a/x", "/a", "/b/y", "/b", ""]);
    },
  },
  {
    name: "walk goes as deep as it is told, and asks as far ahead",
    async run({ client, root }) {
      for (const path of ["a/x/1", "b/y/2"]) await client.write(`${root}/${path}`, "");
      equal(paths(await walked(client, root, { depth: 0 }), root), [""]);
      equal(paths(await walked(client, root, { depth: 1 }), root), ["", "/a", "/b"]);
      const all = ["", "/a", "/a/x", "/a/x/1", "/b", "/b/y", "/b/y/2"];
      for (const ahead of [1, 2, 1000])
        equal(paths(await walked(client, root, { ahead }), root), all);
      const refused = { code: "EINVAL", name: "InvalidRequestError" };
      await fails(client.walk(root, { depth: -1 }).next(), refused);
      await fails(client.walk(root, { ahead: 0 }).next(), refused);
      await fails(client.walk(root, { order: "up" as "pre" }).next(), refused);
    },
  },
  {
    name: "walk tells permissions when it is asked to",
    async run({ client, root }) {
      const domid = (await client.getPerms(root))[0]?.domid ?? -1;
      await client.write(`${root}/a`, "");
      await client.setPerms(`${root}/a`, `r${domid} w3`);
      const found = (await walked(client, root, { perms: true })).map(({ perms }) => perms);
      const shared = [
        { access: "r", domid },
        { access: "w", domid: 3 },
      ];
      equal(found, [[{ access: "n", domid }], shared]);
    },
  },
  {
    name: "walk leaves out nodes that disappear on the way",
    async run({ client, other, root }) {
      for (const name of ["a", "b", "c"]) await client.write(`${root}/${name}/below`, "");
      const found: string[] = [];
      for await (const { path } of client.walk(root, { ahead: 1 })) {
        if (path === `${root}/a`) await other.rm(`${root}/b`);
        found.push(path);
      }
      const left = found.map((path) => path.slice(root.length));
      equal(left, ["", "/a", "/a/below", "/c", "/c/below"]);
    },
  },
  {
    name: "walk of a missing node is an error, and one that is left early asks no more",
    async run({ client, root }) {
      await fails(client.walk(`${root}/none`).next(), { code: "ENOENT", path: `${root}/none` });
      await client.write(`${root}/a/b`, "");
      for await (const node of client.walk(root)) {
        equal(node.depth, 0);
        break;
      }
      const giveUp = new AbortController();
      const walking = client.walk(root, { signal: giveUp.signal });
      await walking.next();
      giveUp.abort("enough");
      await rejects(walking.next(), "enough");
    },
  },
  {
    name: "walk shows null for what the caller may not read",
    needs: ["asDomain"],
    async run({ other, root, asDomain, freshDomid }) {
      const domid = freshDomid();
      const guest = await asDomain(domid);
      await other.write(`${root}/open`, "1");
      await other.write(`${root}/secret/below`, "2");
      for (const path of [root, `${root}/open`]) await other.setPerms(path, `n0 r${domid}`);
      const nodes = await walked(guest, root, { perms: true });
      equal(paths(nodes, root), ["", "/open", "/secret"]);
      const { value, children, perms } = nodes[2] as WalkNode;
      equal([value, children, perms], [null, null, null]);
    },
  },
  {
    name: "a wide and deep tree is walked whole",
    async run({ client, root }) {
      const deep = `${root}${"/d".repeat(120)}`;
      await client.write(deep, "bottom");
      await makeMany(client, `${root}/wide`, 150);
      const nodes = await walked(client, root);
      equal(nodes.length, 1 + 120 + 1 + 150);
      equal(nodes.find(({ path }) => path === deep)?.depth, 120);
    },
  },
  {
    name: "a snapshot put in somewhere else makes the same subtree",
    async run({ client, root }) {
      const from = `${root}/from`;
      const domid = (await client.getPerms(root))[0]?.domid ?? -1;
      const bytes = Uint8Array.of(0xff, 0, 0x80);
      await client.write(from, "top");
      await client.write(`${from}/text`, "Grüße");
      await client.write(`${from}/bytes`, bytes);
      await client.write(`${from}/__proto__/constructor`, "a name like any other");
      await client.setPerms(`${from}/text`, `b${domid} r7`);
      const taken = await client.snapshot(from);
      const perms = `n${domid}`;
      const children = new Map(Object.entries(taken.children ?? {}));
      equal(children.size, 3);
      equal(children.get("text"), { value: "Grüße", perms: `b${domid} r7` });
      equal(children.get("bytes"), { base64: "/wCA", perms });
      const below = { constructor: { value: "a name like any other", perms } };
      equal(children.get("__proto__"), { value: "", perms, children: below });
      await client.apply(`${root}/to`, JSON.parse(JSON.stringify(taken)) as TreeNode);
      equal(await client.snapshot(`${root}/to`), taken);
      equal(await client.read(`${root}/to/bytes`, { as: "bytes" }), bytes);
    },
  },
  {
    name: "a snapshot leaves permissions out when it is told to, and misses no node",
    async run({ client, root }) {
      await client.write(`${root}/a/b`, "1");
      const wanted = { value: "", children: { a: { value: "", children: { b: { value: "1" } } } } };
      equal(await client.snapshot(root, { perms: false }), wanted);
      await fails(client.snapshot(`${root}/none`), { code: "ENOENT", path: `${root}/none` });
    },
  },
  {
    name: "a snapshot is of one moment",
    async run({ client, other, root }) {
      const path = `${root}/pair`;
      await Promise.all([client.write(`${path}/a`, 0), client.write(`${path}/b`, 0)]);
      await meanwhile(
        10,
        async () => {
          const { children } = await client.snapshot(path);
          equal(children?.a?.value, children?.b?.value ?? null, "one half of the pair");
        },
        async (round) => {
          await other.transaction(async (tx) => {
            await tx.write(`${path}/a`, round);
            await tx.write(`${path}/b`, round);
          });
          // Room for the one that looks: it begins anew whenever something has changed.
          for (let pause = 0; pause < 20; pause++) await other.read(`${path}/a`);
        },
      );
    },
  },
  {
    name: "apply leaves what the tree does not name, or prunes it",
    async run({ client, root }) {
      const at = (path: string) => client.exists(`${root}/${path}`);
      await client.write(`${root}/kept/old`, "1");
      await client.write(`${root}/gone/below`, "2");
      const tree = { children: { kept: { children: { new: { value: "3" } } } } };
      await client.apply(root, tree);
      equal(await Promise.all(["kept/old", "gone/below", "kept/new"].map(at)), [true, true, true]);
      await client.apply(root, tree, { prune: true });
      equal(await Promise.all(["kept/old", "gone", "kept/new"].map(at)), [false, false, true]);
    },
  },
  {
    name: "apply leaves a value alone that the tree does not have",
    async run({ client, root }) {
      await client.write(`${root}/a`, "before");
      await client.apply(root, { children: { a: {}, b: {} } });
      equal(await client.read(`${root}/a`), "before");
      equal(await client.read(`${root}/b`), "");
    },
  },
  {
    name: "apply refuses a tree that can't be sent, before it changes anything",
    async run({ client, root }) {
      const trees: unknown[] = [
        { children: { "a b": {} } },
        { children: { "a/b": {} } },
        { children: { "": {} } },
        { children: { a: { value: "1", base64: "MQ==" } } },
        { children: { a: { base64: "*" } } },
        { children: { a: { value: 1 } } },
        { children: { a: { perms: "everybody" } } },
        { children: { a: null } },
        { children: { a: { value: "v".repeat(5000) } } },
      ];
      for (const bad of trees) {
        const tree = { value: "changed", ...(bad as TreeNode) };
        const error = await client.apply(root, tree).then(
          () => null,
          (one: Error) => one,
        );
        equal(error?.name, "InvalidRequestError", JSON.stringify(bad));
      }
      equal(await client.snapshot(root, { perms: false }), { value: "" });
    },
  },
  {
    name: "apply within a transaction is part of it",
    async run({ client, root }) {
      const tx = await client.begin();
      await tx.apply(`${root}/a`, { value: "1", children: { b: { value: "2" } } });
      equal((await tx.snapshot(`${root}/a`, { perms: false })).children?.b, { value: "2" });
      equal(await client.exists(`${root}/a`), false);
      await tx.commit();
      equal(await client.read(`${root}/a/b`), "2");
    },
  },
];
