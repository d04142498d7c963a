// Cases (values): watches that hand out values, and waits for one.
// Holds   conformance cases.
// Never   waits for a time, except where the time itself is what is asked for.
// Source  the XenStore protocol, Clients, Patterns seen in toolstacks; hosts/client/api.ts.

import type { ValueChange, Watch } from "../../hosts/client/api.ts";
import { claim, equal, fails, rejects } from "./claims.ts";
import type { Case } from "./rig.ts";

async function take<T>(watch: Watch<ValueChange<T>>): Promise<ValueChange<T>> {
  const { done, value } = await watch.next();
  claim(!done, "the watch has ended");
  return value;
}

const brief = ({ path, value, previous }: ValueChange<unknown>) => [path, value, previous];

export const VALUE_CASES: readonly Case[] = [
  {
    name: "watchValues hands out the value there is, then each new one with the one before",
    async run({ client, other, root }) {
      const path = `${root}/state`;
      await client.write(path, "1");
      await using values = client.watchValues(path);
      const first = { path, value: "1", previous: undefined, initial: true, replayed: false };
      equal(await take(values), first);
      await other.write(path, "2");
      equal(await take(values), { ...first, value: "2", previous: "1", initial: false });
      await other.write(path, "3");
      equal(brief(await take(values)), [path, "3", "2"]);
    },
  },
  {
    name: "watchValues tells of a node that is missing, is made and is removed",
    async run({ client, other, root }) {
      const path = `${root}/state`;
      await using values = client.watchValues(path);
      equal(brief(await take(values)), [path, undefined, undefined]);
      await other.write(path, "");
      equal(brief(await take(values)), [path, "", undefined]);
      await other.rm(path);
      equal(brief(await take(values)), [path, undefined, ""]);
    },
  },
  {
    name: "watchValues tells of what lies below, also when all of it goes at once",
    async run({ client, other, root }) {
      await using values = client.watchValues(root, { as: "int" });
      equal(brief(await take(values)), [root, undefined, undefined]);
      await other.write(`${root}/a`, 1);
      equal(brief(await take(values)), [`${root}/a`, 1, undefined]);
      await other.write(`${root}/a/b`, "0x10");
      equal(brief(await take(values)), [`${root}/a/b`, 16, undefined]);
      await other.rm(`${root}/a`);
      const gone = [brief(await take(values)), brief(await take(values))].sort();
      equal(gone, [
        [`${root}/a`, undefined, 1],
        [`${root}/a/b`, undefined, 16],
      ]);
    },
  },
  {
    name: "watchValues leaves out what did not change, unless it is told not to",
    async run({ client, other, root }) {
      const path = `${root}/state`;
      await client.write(path, "1");
      await using changed = client.watchValues(path, { as: "bytes" });
      await using all = client.watchValues(path, { unchanged: true });
      await Promise.all([take(changed), take(all)]);
      await other.write(path, "1");
      equal(brief(await take(all)), [path, "1", "1"]);
      await other.write(path, "2");
      const [two, one] = [Uint8Array.of(0x32), Uint8Array.of(0x31)];
      equal(brief(await take(changed)), [path, two, one]);
    },
  },
  {
    name: "watchValues of a special path is refused, since it has no value",
    async run({ client }) {
      const values = client.watchValues("@releaseDomain");
      await fails(values.next(), { code: "EINVAL", says: "special" });
      equal(await values.next(), { done: true, value: undefined });
    },
  },
  {
    name: "watchValues ends with return, and with the signal's reason",
    async run({ client, root }) {
      const giveUp = new AbortController();
      const values = client.watchValues(root, { signal: giveUp.signal });
      await take(values);
      const next = values.next();
      giveUp.abort("enough");
      await rejects(next, "enough");
      const others = client.watchValues(root);
      await take(others);
      const last = others.next();
      await others.return();
      equal(await last, { done: true, value: undefined });
    },
  },
  {
    name: "waitFor resolves at once when the value is there already",
    async run({ client, root }) {
      await client.write(`${root}/state`, "4");
      equal(await client.waitFor(`${root}/state`, "4"), "4");
      equal(await client.waitFor(`${root}/state`, 4, { as: "int" }), 4);
      equal(await client.waitFor(`${root}/none`, (value) => value === undefined), undefined);
    },
  },
  {
    name: "waitFor resolves when somebody writes the value",
    async run({ client, other, root }) {
      const path = `${root}/state`;
      const seen: unknown[] = [];
      const waiting = client.waitFor(path, (value) => {
        seen.push(value);
        if (value === undefined) void other.write(path, "1");
        if (value === "1") void other.write(path, "2");
        return value === "2";
      });
      equal(await waiting, "2");
      equal(seen, [undefined, "1", "2"]);
    },
  },
  {
    name: "waitFor waits for an integer, and for bytes",
    async run({ client, other, root }) {
      const path = `${root}/state`;
      await client.write(path, "word");
      const number = client.waitFor(path, 6, { as: "int" });
      const bytes = client.waitFor(path, (value) => value?.[0] === 0x36, { as: "bytes" });
      await other.write(path, "5");
      await other.write(path, "6");
      equal(await number, 6);
      equal(await bytes, Uint8Array.of(0x36));
    },
  },
  {
    name: "waitFor hears of a node that is removed with its parent",
    async run({ client, other, root }) {
      const path = `${root}/device/state`;
      await client.write(path, "4");
      const waiting = client.waitFor(path, (value) => {
        if (value !== undefined) void other.rm(`${root}/device`);
        return value === undefined;
      });
      equal(await waiting, undefined);
    },
  },
  {
    name: "waitFor gives up after its time, and says what it saw last",
    async run({ client, root }) {
      const path = `${root}/state`;
      const late = { code: "ETIMEDOUT", op: "waitFor", path };
      await fails(client.waitFor(path, "4", { timeout: 50 }), { ...late, says: "no such node" });
      await client.write(path, "3");
      await fails(client.waitFor(path, "4", { timeout: 50 }), { ...late, says: 'still "3"' });
      await fails(client.waitFor(path, "4", { timeout: -1 }), { code: "EINVAL", says: "timeout" });
    },
  },
  {
    name: "waitFor ends with the signal's reason, or with what the function throws",
    async run({ client, root }) {
      const giveUp = new AbortController();
      const waiting = client.waitFor(`${root}/state`, "1", { signal: giveUp.signal });
      giveUp.abort("enough");
      await rejects(waiting, "enough");
      await rejects(client.waitFor(root, "1", { signal: giveUp.signal }), "enough");
      const thrown = new Error("from the function");
      const failing = client.waitFor(root, () => {
        throw thrown;
      });
      await rejects(failing, thrown);
      await fails(client.waitFor("/a b", "1"), { code: "EINVAL", name: "InvalidRequestError" });
    },
  },
  {
    name: "waitFor takes a node that can't be read yet for one that is not there",
    needs: ["asDomain"],
    async run({ other, root, asDomain, freshDomid }) {
      const domid = freshDomid();
      const guest = await asDomain(domid);
      const path = `${root}/state`;
      await other.write(path, "4");
      await other.setPerms(path, "n0");
      const waiting = guest.waitFor(path, (value) => {
        if (value === undefined) void other.setPerms(path, `n0 r${domid}`);
        return value === "4";
      });
      equal(await waiting, "4");
    },
  },
];
