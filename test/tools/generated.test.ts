// Generated: random command lines, values, trees and widths, put to our tools and Debian's.
// Holds   how they are made; the seed is fixed, or TOOLS_SEED.
// Never   expects a text of its own.
// Source  the XenStore command line.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStore } from "../../hosts/node/address.ts";
import { type Access, Client } from "../../hosts/shared/client.ts";
import { type Peer, startC, unavailable } from "../peers/peer.ts";
import { type Call, debianMissing, runDebian, runOurs } from "./tools.ts";

const SEED = Number(process.env.TOOLS_SEED ?? 42);
const RUNS = Number(process.env.TOOLS_RUNS ?? 60);
const settings = { seed: SEED, numRuns: RUNS };

/** A byte string with many of the bytes that matter. */
const byteText = (maxLength: number, least = 0) =>
  fc
    .array(
      fc.oneof(
        { weight: 3, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
        { weight: 2, arbitrary: fc.integer({ min: least, max: 0xff }) },
        { weight: 1, arbitrary: fc.constantFrom(0x5c, 0x09, 0x0a, 0x0d, 0x22, 0x27) },
      ),
      { maxLength },
    )
    .map((codes) => String.fromCharCode(...codes));

/** Text full of escapes, as somebody types it; an argument can't hold a NUL. */
const escaped = fc
  .array(
    fc.oneof(
      fc.constantFrom("\\", "\\x", "\\x4", "\\xfF", "\\0", "\\12", "\\377", "\\400", "\\n", "\\t"),
      fc.constantFrom("\\r", "\\\\", "\\q", "\\8", "a", "7", "f", " ", "\n", "\xff"),
      fc.constantFrom("-", "+", "0x", "X", "\v"),
      byteText(4, 1),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""));

const name = fc
  .array(fc.constantFrom(..."abcXYZ019-_@"), { minLength: 1, maxLength: 40 })
  .map((chars) => chars.join(""));

interface Node {
  path: string[];
  value: string;
  perms: { access: Access; domid: number }[];
}

const perm = fc.record({
  access: fc.constantFrom<Access>("n", "r", "w", "b"),
  domid: fc.integer({ min: 0, max: 9 }),
});
const tree: fc.Arbitrary<Node[]> = fc.array(
  fc.record({
    path: fc.array(name, { minLength: 1, maxLength: 6 }),
    value: byteText(150),
    perms: fc.array(perm, { minLength: 1, maxLength: 4 }),
  }),
  { minLength: 1, maxLength: 25 },
);

const word = fc.oneof(
  fc.constantFrom("-p", "-R", "-f", "-t", "-u", "-r", "-s", "-n1", "-n", "-h", "-z", "--", "-"),
  fc.constantFrom("--prefix", "--pre", "--raw", "--r", "--flat", "--f", "--tidy=1", "--number"),
  fc.constantFrom("--number=1", "--n", "--nope", "--help", "--=", "-pR", "-fp", "-ur", "-tz"),
  fc.constantFrom("/g/a", "/g/b", "/g", "/g/none", "g", "", "n0", "r1", "x", "1"),
);
const tool = fc.constantFrom("read", "write", "rm", "exists", "list", "ls", "chmod");

const missing = debianMissing() ?? unavailable("c");
describe.skipIf(missing !== null)(
  `generated cases${missing === null ? "" : ` (left out: ${missing})`}`,
  () => {
    let dir = "";
    let peer: Peer;
    let client: Client;
    let env: NonNullable<Call["env"]>;
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), "xs-generated-"));
      peer = await startC(dir);
      env = { XENSTORED_PATH: peer.socket };
      client = new Client(await openStore({ XENSTORED_PATH: peer.socket }));
    });
    afterAll(async () => {
      client?.close();
      await peer?.stop();
      await rm(dir, { recursive: true, force: true });
    });

    const clear = async () => {
      await client.rm("/g");
      await client.write("/g/a/x", "1");
      await client.write("/g/b", "two");
    };
    const same = async (call: Omit<Call, "env">) => {
      expect(await runOurs({ ...call, env })).toEqual(await runDebian({ ...call, env }));
    };

    it("any text is written as the same value and read back the same", async () => {
      const property = fc.asyncProperty(escaped, fc.boolean(), async (text, raw) => {
        const options = raw ? ["-R"] : [];
        await clear();
        const theirs = await runDebian({
          argv: ["xenstore-write", ...options, "--", "/g/v", text],
          env,
        });
        const left = await client.read("/g/v");
        await clear();
        const ours = await runOurs({
          argv: ["xenstore-write", ...options, "--", "/g/v", text],
          env,
        });
        expect(ours).toEqual(theirs);
        expect(Buffer.from(await client.read("/g/v"))).toEqual(Buffer.from(left));
        await same({ argv: ["xenstore-read", ...options, "/g/v"] });
      });
      await fc.assert(property, settings);
    });

    it("any value is printed the same", async () => {
      const property = fc.asyncProperty(byteText(200), async (value) => {
        await client.write("/g/v", Buffer.from(value, "latin1"));
        await same({ argv: ["xenstore-read", "-p", "/g/v", "/g/v"] });
        await same({ argv: ["xenstore-read", "-R", "/g/v"] });
      });
      await fc.assert(property, settings);
    });

    it("any tree is listed the same at any width", async () => {
      const columns = fc.option(fc.integer({ min: 0, max: 140 }), { nil: undefined });
      const options = fc.subarray(["-f", "-p"]);
      const property = fc.asyncProperty(tree, columns, options, async (nodes, width, given) => {
        await client.rm("/g");
        for (const { path, value, perms } of nodes) {
          const node = `/g/${path.join("/")}`;
          await client.write(node, Buffer.from(value, "latin1"));
          await client.setPerms(node, perms);
        }
        const terminal = width === undefined ? {} : { columns: width };
        await same({ argv: ["xenstore-ls", ...given, "/g"], ...terminal });
      });
      await fc.assert(property, settings);
    });

    it("any command line is taken apart the same", async () => {
      const line = fc.array(word, { maxLength: 6 });
      const property = fc.asyncProperty(tool, line, fc.boolean(), async (which, args, posix) => {
        const own = { ...env, ...(posix ? { POSIXLY_CORRECT: "1" } : {}) };
        const call: Call = { argv: [`xenstore-${which}`, ...args], env: own };
        await clear();
        const theirs = await runDebian(call);
        await clear();
        expect(await runOurs(call)).toEqual(theirs);
      });
      await fc.assert(property, { ...settings, numRuns: RUNS * 5 });
    });
  },
);
