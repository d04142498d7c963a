// Cases (watches): what a watch hears, how it ends, and the values that it tells of.
// Holds   conformance cases.
// Never   waits for a time: an event that must not come is told by one that comes after.
// Source  the XenStore protocol, Watches; hosts/client/api.ts.

import { XS_UNWATCH } from "../../assembly/xs_wire.ts";
import type { Client, Watch } from "../../hosts/client/api.ts";
import { claim, equal, fails, rejects } from "./claims.ts";
import type { Case } from "./rig.ts";

const DEPTH = 4;

/** The next event. */
async function take<Event>(watch: Watch<Event>): Promise<Event> {
  const { done, value } = await watch.next();
  claim(!done, "the watch has ended");
  return value;
}

/** The paths of the events up to the one at `last`. */
async function pathsTo(watch: Watch, last: string): Promise<string[]> {
  const paths: string[] = [];
  while (paths.at(-1) !== last) paths.push((await take(watch)).path);
  return paths;
}

/** Whether the store still knows a watch. */
async function isSet(client: Client, path: string, token: string): Promise<boolean> {
  const payload = new TextEncoder().encode(`${path}\0${token}\0`);
  return client.request(XS_UNWATCH, payload).then(
    () => true,
    () => false,
  );
}

export const WATCH_CASES: readonly Case[] = [
  {
    name: "the first event comes with the registration, and says so",
    async run({ client, root }) {
      await using watch = client.watch(`${root}/none`);
      await watch.ready;
      const { token } = watch;
      const path = `${root}/none`;
      equal(await take(watch), { path, token, initial: true, replayed: false });
      await client.write(path, "1");
      equal(await take(watch), { path, token, initial: false, replayed: false });
    },
  },
  {
    name: "a change by anybody at or below the path is told, with the path that changed",
    async run({ client, other, root }) {
      await using watch = client.watch(root);
      await take(watch);
      await other.write(`${root}/a/b`, "1");
      equal((await take(watch)).path, `${root}/a/b`);
      await client.setPerms(`${root}/a`, await client.getPerms(root));
      equal((await take(watch)).path, `${root}/a`);
      await other.rm(`${root}/a`);
      equal((await pathsTo(watch, `${root}/a`)).at(-1), `${root}/a`);
    },
  },
  {
    name: "a watch with a relative path tells relative paths",
    async run({ client, other, home }) {
      const name = `watched${Date.now()}`;
      await client.write(name, "");
      await using watch = client.watch(name);
      equal((await take(watch)).path, name);
      await other.write(`${home}/${name}/below`, "1");
      equal((await take(watch)).path, `${name}/below`);
      await client.rm(name);
    },
  },
  {
    name: "a watch is set when the first event is asked for, and not before",
    async run({ client, root }) {
      const watch = client.watch(root, { token: "later" });
      equal(await isSet(client, root, "later"), false);
      await watch.return();
      equal(await watch.next(), { done: true, value: undefined });
      equal(await isSet(client, root, "later"), false);
    },
  },
  {
    name: "return removes a watch, and events that come late are not handed out",
    async run({ client, root }) {
      const watch = client.watch(root, { token: "removed" });
      await take(watch);
      await Promise.all([client.write(`${root}/a`, "1"), client.write(`${root}/b`, "1")]);
      const late = client.write(`${root}/c`, "1");
      const waiting = [watch.next(), watch.next(), watch.next(), watch.next(), watch.next()];
      await watch.return();
      await late;
      const results = await Promise.all(waiting);
      equal(results.at(-1), { done: true, value: undefined });
      equal(watch.waiting, 0);
      equal(await isSet(client, root, "removed"), false);
    },
  },
  {
    name: "leaving the loop removes the watch",
    async run({ client, root }) {
      const watch = client.watch(root, { token: "left" });
      for await (const event of watch) {
        equal(event.initial, true);
        break;
      }
      equal(await isSet(client, root, "left"), false);
    },
  },
  {
    name: "the end of a block that holds a watch removes it",
    async run({ client, root }) {
      {
        await using watch = client.watch(root, { token: "scoped" });
        await watch.ready;
      }
      equal(await isSet(client, root, "scoped"), false);
    },
  },
  {
    name: "an abort ends a watch with the signal's reason",
    async run({ client, root }) {
      const giveUp = new AbortController();
      const watch = client.watch(root, { token: "given up", signal: giveUp.signal });
      await take(watch);
      const next = watch.next();
      giveUp.abort("enough");
      await rejects(next, "enough");
      equal(await watch.next(), { done: true, value: undefined });
      await client.read(root);
      equal(await isSet(client, root, "given up"), false);
      const late = client.watch(root, { signal: giveUp.signal });
      await rejects(late.ready, "enough");
      await rejects(late.next(), "enough");
    },
  },
  {
    name: "several watches on one node each hear what happens",
    async run({ client, root }) {
      const watches = [client.watch(root), client.watch(root), client.watch(`${root}/a`)];
      claim(new Set(watches.map(({ token }) => token)).size === 3, "two watches share a token");
      for (const watch of watches) await take(watch);
      await client.write(`${root}/a`, "1");
      for (const watch of watches) {
        const { path, token } = await take(watch);
        equal([path, token], [`${root}/a`, watch.token]);
        await watch.return();
      }
    },
  },
  {
    name: "several calls of next are served in their order",
    async run({ client, root }) {
      await using watch = client.watch(root);
      const nexts = [watch.next(), watch.next(), watch.next()];
      await watch.ready;
      await client.write(`${root}/a`, "");
      await client.write(`${root}/b`, "");
      const paths = (await Promise.all(nexts)).map(({ value }) => value?.path);
      equal(paths, [root, `${root}/a`, `${root}/b`]);
    },
  },
  {
    name: "watches that can't be set are refused before they are sent",
    async run({ client, root }) {
      for (const path of ["", "/a b", "/a//b", `/${"a".repeat(3072)}`]) {
        const watch = client.watch(path);
        const error = await fails(watch.ready, {
          code: path.length > 99 ? "ENAMETOOLONG" : "EINVAL",
        });
        await rejects(watch.next(), error);
        equal(await watch.next(), { done: true, value: undefined });
      }
      await fails(client.watch(root, { token: "a\0b" }).ready, { code: "EINVAL", says: "NUL" });
      await fails(client.watch(root, { token: "t".repeat(4096) }).ready, "E2BIG");
      await fails(client.watch(root, { buffer: 0 }).ready, { code: "EINVAL", says: "buffer" });
      const other = client.watch(root, { overflow: "wait" as "error" });
      await fails(other.ready, { code: "EINVAL", says: "overflow" });
    },
  },
  {
    name: "a token that another watch has is refused until that one is removed",
    async run({ client, root }) {
      const one = client.watch(root, { token: "mine" });
      await one.ready;
      await fails(client.watch(root, { token: "mine" }).ready, { code: "EEXIST", op: "WATCH" });
      await fails(client.watch(`${root}/a`, { token: "mine" }).ready, "EEXIST");
      await one.return();
      const again = client.watch(root, { token: "mine" });
      equal(await take(again), { path: root, token: "mine", initial: true, replayed: false });
      await again.return();
    },
  },
  {
    name: "a depth limits the levels that count, where the store offers it",
    async run({ client, root }) {
      if (((await client.features()) & DEPTH) === 0) {
        const refused = client.watch(root, { depth: 1 });
        await fails(refused.ready, { code: "EOPNOTSUPP", op: "WATCH", path: root });
        return;
      }
      const [node, children] = [client.watch(root, { depth: 0 }), client.watch(root, { depth: 1 })];
      await Promise.all([take(node), take(children)]);
      for (const path of ["/a/b", "/a", ""]) await client.write(`${root}${path}`, "1");
      equal(await pathsTo(children, root), [`${root}/a`, root]);
      equal(await pathsTo(node, root), [root]);
      await Promise.all([node.return(), children.return()]);
      await fails(client.watch(root, { depth: -1 }).ready, "EINVAL");
    },
  },
  {
    name: "special watches tell of domains that come and go",
    needs: ["privileged"],
    async run({ client, other, freshDomid }) {
      await using introduced = client.watch("@introduceDomain");
      await using released = client.watch("@releaseDomain");
      equal((await take(introduced)).path, "@introduceDomain");
      equal((await take(released)).initial, true);
      const domain = other.domain(freshDomid());
      await domain.introduce({ gfn: 1, port: 100 + domain.domid });
      equal((await take(introduced)).path, "@introduceDomain");
      await domain.release();
      equal(await take(released), {
        path: "@releaseDomain",
        token: released.token,
        initial: false,
        replayed: false,
      });
    },
  },
  {
    name: "a special watch may be of one domain",
    needs: ["privileged", "specialDomain"],
    async run({ client, other, freshDomid }) {
      const [mine, foreign] = [other.domain(freshDomid()), other.domain(freshDomid())];
      await using watch = client.watch(`@releaseDomain/${mine.domid}`);
      await take(watch);
      for (const domain of [foreign, mine]) {
        await domain.introduce({ gfn: 1, port: 100 + domain.domid });
        await domain.release();
      }
      equal((await take(watch)).path, `@releaseDomain/${mine.domid}`);
      equal(watch.waiting, 0);
    },
  },
  {
    name: "a watch that is not read ends when its buffer is full, after what it holds",
    async run({ client, other, root }) {
      const watch = client.watch(root, { token: "slow", buffer: 3 });
      await watch.ready;
      for (let at = 0; at < 5; at++) await other.write(`${root}/${at}`, "");
      await client.read(root);
      const taken = [await take(watch), await take(watch), await take(watch)];
      equal(
        taken.map(({ path }) => path),
        [root, `${root}/0`, `${root}/1`],
      );
      await fails(watch.next(), { code: "ENOBUFS", name: "WatchOverflowError", path: root });
      equal(await watch.next(), { done: true, value: undefined });
      equal(await isSet(client, root, "slow"), false);
    },
  },
  {
    name: "a watch that coalesces keeps one event for each path, and drops the oldest",
    async run({ client, other, root }) {
      await using watch = client.watch(root, { buffer: 3, overflow: "coalesce" });
      await watch.ready;
      const names = ["a", "b", "a", "a", "b", "c", "a", "d"];
      for (const name of names) {
        await other.write(`${root}/${name}`, "");
        await client.read(root);
      }
      equal(watch.waiting, 3);
      const taken = [await take(watch), await take(watch), await take(watch)];
      equal(
        taken.map(({ path }) => path),
        [`${root}/b`, `${root}/c`, `${root}/d`],
      );
    },
  },
  {
    name: "a watch and the requests of its client keep their order",
    async run({ client, root }) {
      await using watch = client.watch(root);
      const done: string[] = [];
      const heard = (async () => {
        for (let count = 0; count < 3; count++) done.push((await take(watch)).path);
      })();
      await watch.ready;
      await Promise.all([client.write(`${root}/a`, ""), client.write(`${root}/b`, "")]);
      await heard;
      equal(done, [root, `${root}/a`, `${root}/b`]);
    },
  },
  {
    name: "resetWatches ends all watches and transactions of the client",
    async run({ client, root }) {
      const watches = [client.watch(root, { token: "reset" }), client.watch(`${root}/a`)];
      for (const watch of watches) await take(watch);
      const next = watches[0]?.next();
      const tx = await client.begin();
      await client.resetWatches();
      equal(await next, { done: true, value: undefined });
      equal(await watches[1]?.next(), { done: true, value: undefined });
      equal(await isSet(client, root, "reset"), false);
      await fails(tx.read(root), { code: "EINVAL", says: "resetWatches" });
      await using again = client.watch(root);
      equal((await take(again)).initial, true);
    },
  },
];
