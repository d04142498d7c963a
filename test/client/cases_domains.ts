// Cases (domains): domains, features, limits, control, and requests without a name of their own.
// Holds   conformance cases.
// Never   leaves a domain or a limit behind.
// Source  the XenStore protocol, Domains, Quotas; hosts/client/api.ts.

import { XS_READ, XS_WRITE } from "../../assembly/xs_wire.ts";
import type { Perm } from "../../hosts/client/api.ts";
import type { XenstoreError } from "../../hosts/client/errors.ts";
import { claim, equal, fails } from "./claims.ts";
import type { Case } from "./rig.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

export const DOMAIN_CASES: readonly Case[] = [
  {
    name: "a domain's path is told whether or not it exists",
    async run({ client }) {
      equal(await client.domain(7).path(), "/local/domain/7");
      equal(client.domain(7).domid, 7);
    },
  },
  {
    name: "a number that is no domain's is refused",
    async run({ client }) {
      for (const domid of [-1, 65536, 1.5, Number.NaN, "3" as unknown as number]) {
        let refused: unknown;
        try {
          client.domain(domid);
        } catch (error) {
          refused = error;
        }
        const { name, message } = refused as Error;
        equal(name, "InvalidRequestError");
        claim(message.includes("from 0 to 65535"), message);
      }
    },
  },
  {
    name: "a domain is introduced, resumed, given a target and released",
    needs: ["privileged"],
    async run({ client, freshDomid }) {
      const domain = client.domain(freshDomid());
      const helper = client.domain(freshDomid());
      equal(await domain.isIntroduced(), false);
      for (const one of [domain, helper]) await one.introduce({ gfn: 1n, port: 100 + one.domid });
      equal(await domain.isIntroduced(), true);
      await domain.resume();
      await helper.setTarget(domain.domid);
      for (const one of [helper, domain]) await one.release();
      equal(await domain.isIntroduced(), false);
      const { code, op } = await domain.release().then(
        () => ({ code: "none", op: "" }),
        (error: XenstoreError) => error,
      );
      claim(["ENOENT", "EINVAL"].includes(code) && op === "RELEASE", `${op} fails with ${code}`);
      const refused = { code: "EINVAL", name: "InvalidRequestError" };
      await fails(domain.introduce({ gfn: -1, port: 1 }), refused);
      await fails(domain.introduce({ gfn: 1, port: 1.5 }), refused);
      await fails(domain.setTarget(70000), refused);
    },
  },
  {
    name: "requests about domains are for the control domain",
    needs: ["asDomain"],
    async run({ asDomain, freshDomid }) {
      const guest = await asDomain(freshDomid());
      const domain = guest.domain(freshDomid());
      await fails(domain.introduce({ gfn: 1, port: 1 }), { code: "EACCES", op: "INTRODUCE" });
      await fails(domain.release(), { code: "EACCES", op: "RELEASE" });
      await fails(domain.resume(), { code: "EACCES", op: "RESUME" });
      await fails(domain.isIntroduced(), { code: "EACCES", op: "IS_DOMAIN_INTRODUCED" });
      await fails(domain.setTarget(0), { code: "EACCES", op: "SET_TARGET" });
      await fails(guest.control("help"), { code: "EACCES", op: "CONTROL" });
    },
  },
  {
    name: "features are a number, 0 from a store that knows none",
    async run({ client }) {
      const bits = await client.features();
      claim(Number.isInteger(bits) && bits >= 0, `${bits} is no set of features`);
      equal(await client.features(), bits);
    },
  },
  {
    name: "features are set for a domain before it is introduced",
    needs: ["privileged", "features"],
    async run({ client, freshDomid }) {
      const domain = client.domain(freshDomid());
      await domain.setFeatures(2);
      equal(await domain.features(), 2);
      await fails(domain.setFeatures(-1), { code: "EINVAL", name: "InvalidRequestError" });
      await fails(domain.setFeatures(1 << 20), { code: "EINVAL", op: "SET_FEATURE" });
    },
  },
  {
    name: "limits have names, none in a store that knows none",
    async run({ client, home }) {
      const privileged = home === "/local/domain/0";
      if (!privileged) await fails(client.quotas(), { code: "EACCES", op: "GET_QUOTA" });
      else for (const name of await client.quotas()) claim(/^[\w-]+$/.test(name), name);
    },
  },
  {
    name: "limits are read and set, for all domains or for one",
    needs: ["privileged", "quota"],
    async run({ client, freshDomid }) {
      const names = await client.quotas();
      claim(names.includes("watches"), `no limit of watches among ${names}`);
      const before = await client.quota("watches");
      await client.setQuota("watches", before + 1);
      equal(await client.quota("watches"), before + 1);
      await client.setQuota("watches", before);
      const domain = client.domain(freshDomid());
      await domain.introduce({ gfn: 1, port: 100 + domain.domid });
      await domain.setQuota("watches", 17);
      equal(await domain.quota("watches"), 17);
      equal(await client.quota("watches"), before);
      await domain.release();
      await fails(client.quota("bogus"), { code: "EINVAL", op: "GET_QUOTA" });
      await fails(client.setQuota("watches", -1), { code: "EINVAL", name: "InvalidRequestError" });
      await fails(client.quota("a\0b"), { code: "EINVAL", says: "NUL" });
    },
  },
  {
    name: "control has a command carried out, and returns its text",
    needs: ["privileged", "control"],
    async run({ client }) {
      claim((await client.control("help")).length > 0, "help says nothing");
      await fails(client.control("bogus"), { code: "EINVAL", op: "CONTROL" });
      await fails(client.control("a\0b"), { code: "EINVAL", says: "NUL at position 1" });
    },
  },
  {
    name: "any request can be made by its number, within a transaction, too",
    async run({ client, root }) {
      const path = `${root}/raw`;
      const reply = await client.request(XS_WRITE, bytes(`${path}\0value`));
      equal(reply.subarray(0, 2), bytes("OK"));
      equal(await client.request(XS_READ, bytes(`${path}\0`)), bytes("value"));
      const tx = await client.begin();
      await tx.write(path, "other");
      equal(await client.request(XS_READ, bytes(`${path}\0`), { txId: tx.id }), bytes("other"));
      await tx.abort();
      await fails(client.request(XS_READ, bytes(`${root}/none\0`)), "ENOENT");
      await fails(client.request(0x1234, bytes("?\0")), { code: "ENOSYS" });
      await fails(client.request(-1, bytes("")), { code: "EINVAL", says: "type" });
      await fails(client.request(XS_READ, new Uint8Array(4097)), "E2BIG");
    },
  },
  {
    name: "a node's owner may be a domain that is not introduced",
    needs: ["privileged"],
    async run({ client, root, freshDomid }) {
      const domid = freshDomid();
      await client.setPerms(root, [{ access: "n", domid }]);
      const perms: Perm[] = await client.getPerms(root);
      equal(perms, [{ access: "n", domid }]);
      equal((await client.stat(root)).owner, domid);
    },
  },
];
