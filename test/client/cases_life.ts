// Cases (life): many requests at once, signals, the end of a client, and a connection that is lost.
// Holds   conformance cases.
// Never   waits for a time.
// Source  the XenStore protocol, Clients; hosts/client/api.ts.

import type { Status, Watch, WatchEvent } from "../../hosts/client/api.ts";
import { claim, equal, fails, rejects } from "./claims.ts";
import type { Case } from "./rig.ts";

/** The next event. */
async function take(watch: Watch): Promise<WatchEvent> {
  const { done, value } = await watch.next();
  claim(!done, "the watch has ended");
  return value;
}

/** Statuses up to one of this state. */
async function statusesTo(
  statuses: AsyncIterableIterator<Status>,
  state: Status["state"],
): Promise<Status[]> {
  const found: Status[] = [];
  for (let last: string | undefined; last !== state; last = found.at(-1)?.state) {
    const { done, value } = await statuses.next();
    if (done) throw new Error(`the statuses end before "${state}"`);
    found.push(value);
  }
  return found;
}

export const LIFE_CASES: readonly Case[] = [
  {
    name: "requests made at once are served in the order they were made",
    async run({ client, root }) {
      const path = `${root}/value`;
      const asked = Array.from({ length: 50 }, (_, at) => {
        const written = client.write(path, at);
        return { written, read: client.read(path, { as: "int" }) };
      });
      for (const [at, { written, read }] of asked.entries()) {
        await written;
        equal(await read, at);
      }
      const order: number[] = [];
      await Promise.all([0, 1, 2, 3].map((at) => client.read(path).then(() => order.push(at))));
      equal(order, [0, 1, 2, 3]);
    },
  },
  {
    name: "thousands of requests at once are all answered",
    async run({ client, root }) {
      const paths = Array.from({ length: 3000 }, (_, at) => `${root}/node-${at % 50}`);
      await Promise.all(paths.map((path) => client.write(path, path)));
      const values = await Promise.all(paths.map((path) => client.read(path)));
      equal(values, paths);
    },
  },
  {
    name: "one failing request among many fails alone",
    async run({ client, root }) {
      await client.write(`${root}/a`, "1");
      const asked = [client.read(`${root}/a`), client.read(`${root}/b`), client.read(`${root}/a`)];
      const states = (await Promise.allSettled(asked)).map(({ status }) => status);
      equal(states, ["fulfilled", "rejected", "fulfilled"]);
    },
  },
  {
    name: "a signal gives a call up with its reason, and the client goes on",
    async run({ client, root }) {
      const giveUp = new AbortController();
      const { signal } = giveUp;
      const calls = [
        client.read(root, { signal }),
        client.write(root, "1", { signal }),
        client.list(root, { signal }),
        client.stat(root, { signal }),
        client.features({ signal }),
      ];
      giveUp.abort("enough");
      for (const call of calls) await rejects(call, "enough");
      await rejects(client.read(root, { signal }), "enough");
      await rejects(client.mkdir(`${root}/a`, { signal }), "enough");
      equal(await client.exists(`${root}/a`), false);
      await client.write(root, "2");
      equal(await client.read(root), "2");
    },
  },
  {
    name: "a client tells where it leads, and that it is connected",
    async run({ client }) {
      equal(client.state, "connected");
      claim(client.target.length > 0, "the target has no name");
    },
  },
  {
    name: "close ends watches, transactions and statuses, and is told",
    async run({ client, other, root }) {
      const watch = client.watch(root);
      await take(watch);
      const [event, statuses] = [watch.next(), client.status()];
      const tx = await client.begin();
      await tx.write(`${root}/dropped`, "");
      const ready = client.watch(`${root}/a`).ready;
      await ready;
      await client.close();
      await client.close();
      equal(client.state, "closed");
      equal(await client.closed, null);
      equal(await event, { done: true, value: undefined });
      equal(await watch.next(), { done: true, value: undefined });
      equal(await statusesTo(statuses, "closed"), [{ state: "closed", error: null }]);
      equal((await statuses.next()).done, true);
      const lost = { code: "ECONNRESET", name: "ConnectionLostError" };
      const error = await fails(client.read(root), { ...lost, op: "READ", path: root });
      equal((error as unknown as { sent: boolean }).sent, false);
      await fails(client.begin(), lost);
      await fails(client.watch(root).ready, lost);
      await fails(tx.read(root), { code: "EINVAL", says: "connection" });
      equal(await other.list(root), []);
    },
  },
  {
    name: "what waits for a reply when the client is closed rejects",
    async run({ client, root }) {
      const reading = client.read(root);
      const closing = client.close();
      const outcome = await reading.then(
        () => "answered",
        (error: Error) => error.name,
      );
      claim(["answered", "ConnectionLostError"].includes(outcome), outcome);
      await closing;
    },
  },
  {
    name: "the end of a block that holds a client closes it",
    needs: ["connect"],
    async run({ connect, root }) {
      let kept: Promise<Error | null> | undefined;
      {
        await using client = await connect();
        kept = client.closed;
        await client.read(root);
      }
      equal(await kept, null);
    },
  },
  {
    name: "a lost connection ends a client that is not to connect again",
    needs: ["connect", "reconnect"],
    async run({ connect, cut, root }) {
      const client = await connect({ reconnect: false });
      const watch = client.watch(root);
      await take(watch);
      const next = watch.next();
      const tx = await client.begin();
      cut();
      const lost = { code: "ECONNRESET", name: "ConnectionLostError" };
      await fails(next, lost);
      equal(await watch.next(), { done: true, value: undefined });
      claim((await client.closed) instanceof Error, "closed tells no reason");
      await fails(tx.read(root), lost);
      await tx.abort();
      await fails(client.read(root), lost);
    },
  },
  {
    name: "a lost connection is made again: watches are set again and say so",
    needs: ["connect", "reconnect"],
    async run({ connect, cut, other, root }) {
      const client = await connect({ reconnect: { attempts: 5, backoff: () => 1 } });
      const statuses = client.status();
      const watch = client.watch(root, { token: "kept" });
      const deep = client.watch(`${root}/a`);
      await Promise.all([take(watch), take(deep)]);
      const gone = client.watch(root);
      await gone.ready;
      await gone.return();
      const tx = await client.begin();
      cut();
      const told = await statusesTo(statuses, "reconnected");
      equal(told[0]?.state, "disconnected");
      equal(told.at(-1), { state: "reconnected", watches: 2, lost: 0 });
      equal(client.state, "reconnected");
      const token = "kept";
      equal(await take(watch), { path: root, token, initial: true, replayed: true });
      equal((await take(deep)).replayed, true);
      await other.write(`${root}/a`, "1");
      equal(await take(watch), { path: `${root}/a`, token, initial: false, replayed: false });
      equal((await take(deep)).replayed, false);
      const lost = { code: "ECONNRESET", name: "ConnectionLostError" };
      await fails(tx.write(`${root}/a`, "2"), lost);
      await fails(tx.commit(), lost);
      equal(await client.read(`${root}/a`), "1");
    },
  },
  {
    name: "requests that were not sent wait for the new connection",
    needs: ["connect", "reconnect"],
    async run({ connect, cut, root }) {
      const client = await connect({ reconnect: { attempts: 5, backoff: () => 1 } });
      cut();
      await client.write(`${root}/after`, "1");
      equal(await client.read(`${root}/after`), "1");
      const values = client.watchValues(`${root}/after`);
      equal((await values.next()).value?.value, "1");
      cut();
      const { value } = await values.next();
      equal([value?.value, value?.previous, value?.replayed], ["1", "1", true]);
      await values.return();
    },
  },
];
