// Cases (nodes): values, directories, permissions and paths, one request at a time.
// Holds   conformance cases.
// Never   names a runtime.
// Source  the XenStore protocol, Operations and Paths; hosts/client/api.ts.

import type { Value } from "../../hosts/client/api.ts";
import { isSubpath } from "../../hosts/client/check.ts";
import { formatPerms, parsePerm } from "../../hosts/client/perms.ts";
import { claim, equal, fails, sorted } from "./claims.ts";
import type { Case } from "./rig.ts";

const TEXTS = ["", "1", "plain text", "Grüße, 世界, 🎉", "a\0b", "\ufeffmark", "x".repeat(200)];

/** Paths that no store takes, and what the refusal says of each. */
const BAD_PATHS: readonly (readonly [string, string])[] = [
  ["", "empty"],
  ["/a b", '" " at position 2'],
  ["/a.b", '"." at position 2'],
  ["/ä", '"ä" at position 1'],
  ["/a\0", "position 2"],
  ["/🎉", "position 1"],
  ["//", "empty name at position 1"],
  ["/a//b", "empty name at position 3"],
  ["a/", "end with /"],
  ["@releaseDomain", "special"],
  [`/${"a".repeat(3072)}`, "3073 characters"],
  ["a".repeat(2049), "2049 characters"],
];

const BAD_VALUES: readonly (readonly [unknown, string])[] = [
  [1.5, "1.5 is no integer"],
  [Number.NaN, "NaN is no integer"],
  [2 ** 60, "not exact"],
  [null, "not null"],
  [undefined, "not undefined"],
  [["x"], "not an array"],
  [{}, "not object"],
  ["a\ud800b", "position 1"],
  ["x".repeat(4096), "4096 bytes"],
  [new Uint8Array(4096), "4096 bytes"],
];

export const NODE_CASES: readonly Case[] = [
  {
    name: "a value is read back as the text that was written",
    async run({ client, root }) {
      for (const text of TEXTS) {
        await client.write(`${root}/value`, text);
        equal(await client.read(`${root}/value`), text);
      }
    },
  },
  {
    name: "every byte of a value comes back",
    async run({ client, root }) {
      const bytes = Uint8Array.from({ length: 512 }, (_, at) => at & 255);
      await client.write(`${root}/bytes`, bytes);
      equal(await client.read(`${root}/bytes`, { as: "bytes" }), bytes);
    },
  },
  {
    name: "bytes that are no UTF-8 are read as text with replacement characters",
    async run({ client, root }) {
      await client.write(`${root}/broken`, Uint8Array.of(0x61, 0xff, 0x62));
      equal(await client.read(`${root}/broken`), "a\ufffdb");
    },
  },
  {
    name: "bytes that were handed out or in belong to the caller",
    async run({ client, root }) {
      const bytes = Uint8Array.of(1, 2, 3);
      const written = client.write(`${root}/own`, bytes);
      bytes.fill(9);
      await written;
      const read = await client.read(`${root}/own`, { as: "bytes" });
      await client.write(`${root}/own`, "other");
      await client.read(`${root}/own`);
      equal(read, Uint8Array.of(1, 2, 3));
    },
  },
  {
    name: "a value that fills a request is written, and one byte more is refused",
    async run({ client, root }) {
      const path = `${root}/full`;
      const room = 4096 - path.length - 1;
      for (const value of ["v".repeat(room), "é".repeat(room >> 1), new Uint8Array(room)]) {
        await client.write(path, value);
        const size = (await client.read(path, { as: "bytes" })).length;
        equal(size, typeof value === "string" ? new TextEncoder().encode(value).length : room);
      }
      const refused = { code: "E2BIG", op: "WRITE", name: "InvalidRequestError" };
      await fails(client.write(path, "v".repeat(room + 1)), refused);
      await fails(client.write(path, "é".repeat((room >> 1) + 1)), refused);
      await fails(client.write(path, new Uint8Array(room + 1)), refused);
    },
  },
  {
    name: "integers are written in decimal",
    async run({ client, root }) {
      const values: [Value, string][] = [
        [0, "0"],
        [-0, "0"],
        [-7, "-7"],
        [Number.MAX_SAFE_INTEGER, "9007199254740991"],
        [2n ** 64n, "18446744073709551616"],
      ];
      for (const [value, text] of values) {
        await client.write(`${root}/number`, value);
        equal(await client.read(`${root}/number`), text);
      }
    },
  },
  {
    name: "integers are read in decimal and in hexadecimal",
    async run({ client, root }) {
      for (const [text, value] of [
        ["42", 42],
        ["-3", -3],
        ["0x1F", 31],
        ["007", 7],
      ] as const) {
        await client.write(`${root}/number`, text);
        equal(await client.read(`${root}/number`, { as: "int" }), value);
      }
    },
  },
  {
    name: "a value that is no integer is not read as one",
    async run({ client, root }) {
      const path = `${root}/word`;
      for (const text of ["", "4 ", "4x", "1.5", "1e3", "0x", "99999999999999999999"]) {
        await client.write(path, text);
        await fails(client.read(path, { as: "int" }), { code: "EINVAL", op: "READ", path });
        await fails(client.read(path, { as: "int", default: 1 }), "EINVAL");
      }
    },
  },
  {
    name: "a default stands for a missing node",
    async run({ client, root }) {
      equal(await client.read(`${root}/none`, { default: null }), null);
      equal(await client.read(`${root}/none`, { as: "int", default: 5 }), 5);
      equal(await client.read(`${root}/none`, { as: "bytes", default: undefined }), undefined);
      await client.write(`${root}/some`, "there");
      equal(await client.read(`${root}/some`, { default: "else" }), "there");
    },
  },
  {
    name: "an error carries the code, the operation and the path",
    async run({ client, root }) {
      const path = `${root}/none`;
      const asked: [Promise<unknown>, string][] = [
        [client.read(path), "READ"],
        [client.list(path), "DIRECTORY"],
        [client.getPerms(path), "GET_PERMS"],
        [client.setPerms(path, "n0"), "SET_PERMS"],
        [client.stat(path), "READ"],
      ];
      for (const [promise, op] of asked) {
        const error = await fails(promise, { code: "ENOENT", op, path, name: "XenstoreError" });
        equal(error.errno, 2);
      }
    },
  },
  {
    name: "paths that can't be sent are refused before, with the reason",
    async run({ client, other, root }) {
      for (const [path, says] of BAD_PATHS) {
        const code = says.endsWith("characters") ? "ENAMETOOLONG" : "EINVAL";
        const refused = { code, name: "InvalidRequestError", says };
        await fails(client.read(path), refused);
        await fails(client.write(path, "1"), refused);
        await fails(client.mkdir(path), refused);
        await fails(client.rm(path), refused);
        await fails(client.list(path), refused);
        await fails(client.exists(path), refused);
        await fails(client.stat(path), refused);
        await fails(client.snapshot(path), refused);
        await fails(client.walk(path).next(), refused);
      }
      await fails(client.read(5 as unknown as string), { code: "EINVAL", says: "not number" });
      equal(await other.list(root), []);
    },
  },
  {
    name: "values that can't be sent are refused before, with the reason",
    async run({ client, root }) {
      for (const [value, says] of BAD_VALUES) {
        const code = says.endsWith("bytes") ? "E2BIG" : "EINVAL";
        const refused = { code, op: "WRITE", name: "InvalidRequestError", says };
        await fails(client.write(`${root}/value`, value as Value), refused);
      }
      equal(await client.exists(`${root}/value`), false);
    },
  },
  {
    name: "paths of the greatest length are sent",
    needs: ["longPaths"],
    async run({ client, root, home }) {
      const path = `${root}/${"p".repeat(3072 - root.length - 1)}`;
      await client.write(path, "1");
      equal(await client.read(path), "1");
      const relative = `r/${"r".repeat(2046)}`;
      await client.write(relative, "2");
      equal(await client.read(`${home}/${relative}`), "2");
      await client.rm("r");
    },
  },
  {
    name: "a relative path begins at the caller's home",
    async run({ client, other, home }) {
      const name = `relative${Date.now()}`;
      await other.mkdir(home);
      await client.write(`${name}/below`, "1");
      equal(await other.read(`${home}/${name}/below`), "1");
      await client.rm(name);
      equal(await other.exists(`${home}/${name}`), false);
    },
  },
  {
    name: "a path is told from those below it and beside it",
    async run({ root }) {
      equal(isSubpath(root, root), true);
      equal(isSubpath(root, `${root}/a/b`), true);
      equal(isSubpath(root, `${root}b`), false);
      equal(isSubpath(`${root}/a`, root), false);
      equal(isSubpath("/", root), true);
    },
  },
  {
    name: "mkdir makes a node with its parents, and leaves an existing one alone",
    async run({ client, root }) {
      await client.mkdir(`${root}/a/b/c`);
      equal(await client.read(`${root}/a/b/c`), "");
      await client.write(`${root}/a/b`, "kept");
      await client.mkdir(`${root}/a/b`);
      equal(await client.read(`${root}/a/b`), "kept");
      equal(await client.list(`${root}/a/b`), ["c"]);
    },
  },
  {
    name: "rm removes a node with all below",
    async run({ client, root }) {
      await client.write(`${root}/a/b/c`, "1");
      await client.rm(`${root}/a`);
      equal(await client.exists(`${root}/a/b/c`), false);
      equal(await client.exists(root), true);
    },
  },
  {
    name: "rm of a missing node is no error where its parent exists",
    async run({ client, root }) {
      await client.rm(`${root}/none`);
      await fails(client.rm(`${root}/none/below`), { code: "ENOENT", op: "RM" });
      await client.rm(`${root}/none/below`, { missingOk: true });
    },
  },
  {
    name: "list gives the names of the children",
    async run({ client, root }) {
      equal(await client.list(root), []);
      const names = ["z", "a", "10", "9", "-", "_", "A@b"];
      await Promise.all(names.map((name) => client.write(`${root}/${name}`, "")));
      equal(sorted(await client.list(root)), sorted(names));
    },
  },
  {
    name: "exists is false for a missing node only",
    async run({ client, root }) {
      equal(await client.exists(root), true);
      equal(await client.exists(`${root}/none`), false);
      equal(await client.exists(`${root}/none/below`), false);
    },
  },
  {
    name: "a caller without the right gets EACCES, and no default instead",
    needs: ["asDomain"],
    async run({ other, root, asDomain, freshDomid }) {
      const domid = freshDomid();
      const guest = await asDomain(domid);
      const path = `${root}/secret`;
      await other.write(path, "1");
      await other.setPerms(path, "n0");
      const denied = { code: "EACCES", path };
      await fails(guest.read(path), denied);
      await fails(guest.read(path, { default: "" }), denied);
      await fails(guest.exists(path), denied);
      await fails(guest.write(path, "2"), denied);
      await other.setPerms(path, `n0 r${domid}`);
      equal(await guest.read(path), "1");
      await fails(guest.write(path, "2"), denied);
      await other.setPerms(path, `n0 b${domid}`);
      await guest.write(path, "2");
      equal(await other.read(path), "2");
    },
  },
  {
    name: "permissions are set from text and from entries, and read back",
    async run({ client, root }) {
      const path = `${root}/perms`;
      await client.mkdir(path);
      const { domid } = (await client.getPerms(path))[0] ?? { domid: -1 };
      const entries = [
        { access: "r", domid },
        { access: "w", domid: 3 },
        { access: "b", domid: 4 },
        { access: "n", domid: 5 },
      ] as const;
      await client.setPerms(path, entries);
      equal(await client.getPerms(path), entries);
      await client.setPerms(path, `n${domid}, r3 b4`);
      const owner = { access: "n", domid };
      const rest = [
        { access: "r", domid: 3 },
        { access: "b", domid: 4 },
      ];
      equal(await client.getPerms(path), [owner, ...rest]);
      await client.setPerms(path, [`n${domid}`]);
      equal(await client.getPerms(path), [owner]);
      equal(formatPerms(entries), `r${domid} w3 b4 n5`);
      equal(["r3", "n 0"].map(parsePerm), [
        { access: "r", domid: 3 },
        { access: "n", domid: 0 },
      ]);
    },
  },
  {
    name: "permissions that are none are refused before they are sent",
    async run({ client, root }) {
      const lists: unknown[] = [
        "",
        [],
        "x3",
        "r",
        "r-1",
        "r65536",
        "n0 r3x",
        [{ domid: 3 }],
        7,
        null,
      ];
      for (const perms of lists) {
        const refused = { code: "EINVAL", op: "SET_PERMS", name: "InvalidRequestError" };
        await fails(client.setPerms(root, perms as string), refused);
      }
    },
  },
  {
    name: "special nodes have permissions",
    needs: ["privileged", "specialPerms"],
    async run({ client }) {
      const before = await client.getPerms("@releaseDomain");
      await client.setPerms("@releaseDomain", [...before, "r9"]);
      equal((await client.getPerms("@releaseDomain")).length, before.length + 1);
      await client.setPerms("@releaseDomain", before);
      equal(await client.getPerms("@releaseDomain"), before);
    },
  },
  {
    name: "a view below a node takes relative paths, and hands them out",
    async run({ client, root }) {
      const view = client.at(root);
      await view.write("a/b", "1");
      equal(await client.read(`${root}/a/b`), "1");
      equal(await view.list(""), ["a"]);
      equal(await view.exists("a/b"), true);
      equal((await view.stat("a")).path, "a");
      equal((await view.stat("a")).children, ["b"]);
      equal(await view.at("a").read("b", { as: "int" }), 1);
      const walked: string[] = [];
      for await (const node of view.walk("")) walked.push(node.path);
      equal(walked, ["", "a", "a/b"]);
      await view.apply("copy", await view.snapshot("a"));
      equal(await view.read("copy/b"), "1");
      await view.mkdir("made");
      await view.setPerms("made", await view.getPerms("a"));
      await view.rm("a");
      equal(sorted(await client.list(root)), ["copy", "made"]);
      await fails(view.read("/a"), { code: "EINVAL", says: "relative" });
      await fails(view.stat("/a"), { code: "EINVAL", says: "relative" });
      let refused: unknown;
      try {
        client.at("/a//b");
      } catch (error) {
        refused = error;
      }
      claim(refused instanceof Error, "a view below a path that is none was made");
    },
  },
];
