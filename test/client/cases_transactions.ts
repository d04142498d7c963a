// Cases (transactions): all or nothing, conflicts, and how they end.
// Holds   conformance cases; conflicts are made by a second client.
// Never   leaves it to chance whether there is a conflict.
// Source  the XenStore protocol, Transactions; hosts/client/api.ts.

import type { Client, Transaction } from "../../hosts/client/api.ts";
import { claim, equal, fails, rejects } from "./claims.ts";
import type { Case } from "./rig.ts";

/** Reads and writes a counter in `tx` while `other` changes it: the commit must fail. */
async function conflicting(tx: Transaction, other: Client, path: string): Promise<void> {
  const value = await tx.read(path, { as: "int" });
  await other.write(path, value + 10);
  await tx.write(path, value + 1);
}

async function count(client: Client, path: string, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    await client.transaction(async (tx) => {
      await tx.write(path, (await tx.read(path, { as: "int" })) + 1);
    });
  }
}

async function countByCompare(client: Client, path: string, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const value = await client.read(path, { as: "int" });
    if (await client.compareAndSet(path, value, value + 1)) done++;
  }
}

export const TRANSACTION_CASES: readonly Case[] = [
  {
    name: "a transaction is seen by nobody else before it is committed, then all at once",
    async run({ client, other, root }) {
      const seen: boolean[] = [];
      const result = await client.transaction(async (tx) => {
        await tx.write(`${root}/a`, "1");
        await tx.mkdir(`${root}/b/c`);
        equal(await tx.read(`${root}/a`), "1");
        equal(await tx.exists(`${root}/b/c`), true);
        seen.push(await other.exists(`${root}/a`), await client.exists(`${root}/b`));
        return "result";
      });
      equal(result, "result");
      equal(seen, [false, false]);
      equal(await other.read(`${root}/a`), "1");
      equal(await other.exists(`${root}/b/c`), true);
    },
  },
  {
    name: "every operation on nodes works within a transaction",
    async run({ client, root }) {
      const domid = (await client.getPerms(root))[0]?.domid ?? -1;
      await client.write(`${root}/old/below`, "1");
      await client.transaction(async (tx) => {
        const view = tx.at(root);
        await view.write("new", Uint8Array.of(1, 2));
        await view.setPerms("new", `n${domid} r3`);
        await view.rm("old");
        equal(await view.list(""), ["new"]);
        equal(await view.read("new", { as: "bytes" }), Uint8Array.of(1, 2));
        equal((await tx.getPerms(`${root}/new`)).length, 2);
        equal((await tx.stat(`${root}/new`)).owner, domid);
        const walked: string[] = [];
        for await (const { path } of tx.walk(root)) walked.push(path);
        equal(walked, [root, `${root}/new`]);
        await fails(tx.read(`${root}/old`), { code: "ENOENT", op: "READ" });
        equal(await client.exists(`${root}/old/below`), true);
      });
      equal(await client.list(root), ["new"]);
    },
  },
  {
    name: "an error in the body ends the transaction without a trace, and is passed on",
    async run({ client, root }) {
      const thrown = new Error("from the body");
      const failing = client.transaction(async (tx) => {
        await tx.write(`${root}/a`, "1");
        throw thrown;
      });
      await rejects(failing, thrown);
      equal(await client.exists(`${root}/a`), false);
      const sync = client.transaction(() => {
        throw thrown;
      });
      await rejects(sync, thrown);
      await fails(
        client.transaction((tx) => tx.read(`${root}/none`)),
        "ENOENT",
      );
    },
  },
  {
    name: "a conflict repeats the body, and is told",
    async run({ client, other, root }) {
      const path = `${root}/counter`;
      await client.write(path, 0);
      const conflicts: [number, string][] = [];
      let runs = 0;
      await client.transaction(
        async (tx) => {
          runs++;
          if (runs < 3) await conflicting(tx, other, path);
          else await tx.write(path, (await tx.read(path, { as: "int" })) + 1);
        },
        { onConflict: (attempt, error) => conflicts.push([attempt, error.name]) },
      );
      equal(runs, 3);
      equal(conflicts, [
        [1, "ConflictError"],
        [2, "ConflictError"],
      ]);
      equal(await client.read(path), "21");
    },
  },
  {
    name: "a transaction gives up after so many conflicts, with the last one",
    async run({ client, other, root }) {
      const path = `${root}/counter`;
      await client.write(path, 0);
      let runs = 0;
      const asked: number[] = [];
      const running = client.transaction(
        async (tx) => {
          runs++;
          await conflicting(tx, other, path);
        },
        {
          attempts: 3,
          backoff: (attempt) => {
            asked.push(attempt);
            return 1;
          },
        },
      );
      await fails(running, { code: "EAGAIN", op: "TRANSACTION_END", name: "ConflictError" });
      equal(runs, 3);
      equal(asked, [2, 3]);
      equal(await client.read(path), "30");
      await fails(
        client.transaction(() => 1, { attempts: 0 }),
        "EINVAL",
      );
    },
  },
  {
    name: "what onConflict throws ends the transaction",
    async run({ client, other, root }) {
      const path = `${root}/counter`;
      await client.write(path, 0);
      const thrown = new Error("no more");
      const onConflict = () => {
        throw thrown;
      };
      await rejects(
        client.transaction((tx) => conflicting(tx, other, path), { onConflict }),
        thrown,
      );
    },
  },
  {
    name: "counters that two clients raise at once lose nothing",
    async run({ client, other, root }) {
      const path = `${root}/counter`;
      await client.write(path, 0);
      await Promise.all([count(client, path, 20), count(other, path, 20)]);
      equal(await client.read(path), "40");
      await Promise.all([countByCompare(client, path, 10), countByCompare(other, path, 10)]);
      equal(await client.read(path), "60");
    },
  },
  {
    name: "a transaction is ended by hand: commit applies, abort does not",
    async run({ client, root }) {
      const one = await client.begin();
      claim(Number.isInteger(one.id) && one.id > 0, `${one.id} is no id`);
      const two = await client.begin();
      claim(one.id !== two.id, "two transactions have one id");
      await one.write(`${root}/one`, "1");
      await two.write(`${root}/two`, "2");
      await two.abort();
      await one.commit();
      equal(await client.list(root), ["one"]);
    },
  },
  {
    name: "the end of a block that holds a transaction aborts it, unless it was committed",
    async run({ client, root }) {
      {
        await using tx = await client.begin();
        await tx.write(`${root}/dropped`, "");
      }
      {
        await using tx = await client.begin();
        await tx.write(`${root}/kept`, "");
        await tx.commit();
      }
      equal(await client.list(root), ["kept"]);
    },
  },
  {
    name: "a conflict at commit is a ConflictError, and nothing is applied",
    async run({ client, other, root }) {
      const path = `${root}/counter`;
      await client.write(path, 0);
      const tx = await client.begin();
      await conflicting(tx, other, path);
      await fails(tx.commit(), { code: "EAGAIN", name: "ConflictError" });
      equal(await client.read(path), "10");
      await tx.abort();
    },
  },
  {
    name: "a transaction that has ended is used no more",
    async run({ client, root }) {
      const ended: [Transaction, string][] = [];
      const one = await client.begin();
      await one.commit();
      ended.push([one, "was committed"]);
      const two = await client.begin();
      await two.abort();
      ended.push([two, "was aborted"]);
      const kept: Transaction[] = [];
      await client.transaction((tx) => void kept.push(tx));
      ended.push([kept[0] as Transaction, "was committed"]);
      for (const [tx, says] of ended) {
        const refused = { code: "EINVAL", name: "InvalidRequestError", says };
        await fails(tx.read(root), refused);
        await fails(tx.write(root, ""), refused);
        await fails(tx.mkdir(root), refused);
        await fails(tx.rm(root), refused);
        await fails(tx.list(root), refused);
        await fails(tx.exists(root), refused);
        await fails(tx.stat(root), refused);
        await fails(tx.getPerms(root), refused);
        await fails(tx.setPerms(root, "n0"), refused);
        await fails(tx.walk(root).next(), refused);
        await fails(tx.snapshot(root), refused);
        await fails(tx.apply(root, {}), refused);
        await fails(tx.at(root).read("a"), refused);
        await fails(tx.commit(), refused);
        await tx.abort();
      }
    },
  },
  {
    name: "a body may end its transaction itself",
    async run({ client, root }) {
      await client.transaction(async (tx) => {
        await tx.write(`${root}/dropped`, "");
        await tx.abort();
      });
      await client.transaction(async (tx) => {
        await tx.write(`${root}/kept`, "");
        await tx.commit();
      });
      equal(await client.list(root), ["kept"]);
    },
  },
  {
    name: "requests that a body did not wait for belong to the transaction",
    async run({ client, root }) {
      const asked: Promise<void>[] = [];
      await client.transaction((tx) => {
        for (let at = 0; at < 100; at++) asked.push(tx.write(`${root}/${at}`, ""));
      });
      await Promise.all(asked);
      equal((await client.list(root)).length, 100);
      const failing = client.transaction((tx) => {
        asked.push(tx.write(`${root}/more`, ""));
        tx.read(`${root}/none`);
      });
      await fails(failing, { code: "ENOENT", path: `${root}/none` });
      equal(await client.exists(`${root}/more`), false);
    },
  },
  {
    name: "an abort ends a transaction with the signal's reason, and nothing is applied",
    async run({ client, root }) {
      const giveUp = new AbortController();
      const { signal } = giveUp;
      let late: Promise<unknown> | undefined;
      const running = client.transaction(
        async (tx) => {
          await tx.write(`${root}/a`, "1");
          giveUp.abort("enough");
          late = tx.write(`${root}/b`, "1");
          await new Promise<never>(() => {});
        },
        { signal },
      );
      await rejects(running, "enough");
      await late?.catch(() => {});
      equal(await client.list(root), []);
      await rejects(client.begin({ signal }), "enough");
      await rejects(
        client.transaction(() => 1, { signal }),
        "enough",
      );
    },
  },
  {
    name: "compareAndSet writes only over what was expected",
    async run({ client, root }) {
      const path = `${root}/value`;
      equal(await client.compareAndSet(path, "1", "2"), false);
      equal(await client.exists(path), false);
      equal(await client.compareAndSet(path, undefined, "1"), true);
      equal(await client.compareAndSet(path, undefined, "2"), false);
      equal(await client.compareAndSet(path, 1, Uint8Array.of(0x32)), true);
      equal(await client.read(path), "2");
      equal(await client.compareAndSet(path, "1", undefined), false);
      equal(await client.compareAndSet(path, 2n, undefined), true);
      equal(await client.exists(path), false);
      equal(await client.compareAndSet(path, undefined, undefined), true);
      await fails(client.compareAndSet("/a b", "1", "2"), "EINVAL");
      await fails(client.compareAndSet(path, "1", 1.5), "EINVAL");
    },
  },
];
