// Given: texts and files that somebody brings: listings, exports, traces, sessions, links.
// Holds   nothing.
// Never   makes a listing up where the tools can print one.
// Source  our own; hosts/playground/engine/given.ts.

import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createStore } from "../../hosts/entry/node.ts";
import { formatTrace } from "../../hosts/entry/testing_node.ts";
import { runTool } from "../../hosts/entry/tools.ts";
import { recognise } from "../../hosts/playground/engine/given.ts";
import { listingLine, readListing } from "../../hosts/playground/model/listing.ts";
import { pack, unpack } from "../../hosts/playground/model/pack.ts";

/** What a tool prints, and the files it writes. */
async function printed(argv: readonly string[]) {
  const store = await createStore();
  await store.asDomain(3);
  await store.client.write("/local/domain/3/odd", Uint8Array.of(0, 9, 10, 34, 92, 127, 200, 61));
  await store.client.write("/local/domain/3/quoted", 'a "b" = "c"   (n0)');
  await store.client.write("/plain/below", "text");
  await store.client.setPerms("/plain/below", "n0 r3 b5");
  let out = "";
  const files = new Map<string, Uint8Array>();
  const code = await runTool(argv, {
    connect: () => store.stream(),
    out: (text) => {
      out += text;
    },
    err: (text) => expect(text).toBe(""),
    columns: 1000,
    files: { read: (name) => files.get(name), write: (name, bytes) => void files.set(name, bytes) },
  });
  expect(code).toBe(0);
  const real = new Map<string, { value: Uint8Array; perms: string }>();
  for await (const node of store.client.walk("/", { perms: true })) {
    const perms = (node.perms ?? []).map(({ access, domid }) => `${access}${domid}`).join(" ");
    real.set(node.path, { value: node.value as Uint8Array, perms });
  }
  await store.close();
  return { out, files, real };
}

describe("a listing", () => {
  it.each([[["xenstore-ls", "-fp"]], [["xenstore-ls", "-p"]]])(
    "as %s prints it is read as it was",
    async (argv) => {
      const { out, real } = await printed(argv);
      const { nodes, problemCount } = readListing(out);
      expect(problemCount).toBe(0);
      expect(nodes.map(({ path }) => path).sort()).toEqual([...real.keys()].slice(1).sort());
      for (const { path, value, perms } of nodes) expect({ value, perms }).toEqual(real.get(path));
    },
  );

  it("that was written here is read again, whatever is in it", () => {
    const name = fc.stringMatching(/^[A-Za-z0-9@_-]{1,20}$/);
    const node = fc.record({
      path: fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => `/${names.join("/")}`),
      value: fc.uint8Array({ maxLength: 60 }),
      perms: fc.constantFrom("n0", "n3 r0", "b1 w2 r3"),
    });
    fc.assert(
      fc.property(fc.array(node, { maxLength: 20 }), (nodes) => {
        const read = readListing(nodes.map(listingLine).join(""));
        expect(read.problemCount).toBe(0);
        expect(read.nodes.map((one) => ({ ...one, value: [...one.value] }))).toEqual(
          nodes.map((one) => ({ ...one, value: [...one.value] })),
        );
      }),
    );
  });

  it("names each line that makes no sense, and takes the others", () => {
    const text = [
      '/a = "1"   (n0)',
      "root@host:~# xenstore-ls -fp",
      '/b c = "2"   (n0)',
      '/d = "3"   (q7)',
      `/e = "${"x".repeat(5000)}"   (n0)`,
      '/f = "6"',
    ];
    const { nodes, problems } = readListing(text.join("\r\n"));
    expect(nodes.map(({ path, perms }) => [path, perms])).toEqual([
      ["/a", "n0"],
      ["/f", null],
    ]);
    expect(problems.map(({ line }) => line)).toEqual([2, 3, 4, 5]);
    for (const { why } of problems) expect(why).toMatch(/^(is|has) /);
  });

  it("never fails, whatever is pasted", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
        const { nodes, problems, problemCount } = readListing(text);
        expect(nodes.length + problemCount).toBeLessThanOrEqual(text.split("\n").length);
        expect(problems.length).toBeLessThanOrEqual(20);
      }),
    );
  });
});

describe("what is given", () => {
  it("is an export of a store as JSON", async () => {
    const { files, real } = await printed(["xenstore", "export", "--json", "out.json"]);
    const given = await recognise(files.get("out.json") as Uint8Array, "out.json");
    if (given.kind !== "export") throw new Error(given.kind);
    expect(given.name).toBe("out");
    expect(given.items).toBe(real.size);
    for (const { path, value, perms } of given.nodes) {
      expect({ value, perms }).toEqual(real.get(path));
    }
  });

  it("is a trace, packed by gzip or not; of one that is cut off, what is whole", async () => {
    const text = '1 S1 > READ req=1 tx=0 "/a\\0"\n2 S1 < ERROR req=1 tx=0 "ENOENT\\0"\n';
    const whole = await recognise(gzipSync(text));
    if (whole.kind !== "trace") throw new Error(whole.kind);
    expect(formatTrace(whole.records)).toBe(text);
    expect(whole.what).toBe("2 messages of 1 connection");
    const half = await recognise(text.slice(0, -8));
    expect(half).toMatchObject({ kind: "trace", items: 1, problemCount: 1 });
    expect(half.problems[0]).toMatchObject({ line: 2 });
    expect(half.problems[0]?.why).toMatch(/cut off/);
  });

  it("is nothing that can be opened: it is said what could", async () => {
    for (const text of ["", "  \n", "hello", "{}", '{"format":"xenstore-export"', "<html>"]) {
      await expect(recognise(text), text).rejects.toThrow(/\w{3,}.*[.:]/);
    }
    await expect(recognise(gzipSync("x").subarray(0, 10))).rejects.toThrow(/not whole/);
  });

  it("may not grow without end", async () => {
    const bomb = gzipSync(new Uint8Array(80 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(200_000);
    await expect(recognise(bomb)).rejects.toThrow(/more than this page opens/);
  });
});

describe("a link", () => {
  it("gives its text again", async () => {
    const texts = fc.string({ unit: "grapheme", maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const fragment = await pack(text);
        expect(fragment).toMatch(/^s1\.[A-Za-z0-9_-]*$/);
        expect(await unpack(`#${fragment}`)).toBe(text);
      }),
    );
  });

  it("that was cut or changed is told", async () => {
    const fragment = await pack(JSON.stringify({ a: "some text that is long enough to be cut" }));
    for (let length = 4; length < fragment.length - 1; length++) {
      await expect(unpack(fragment.slice(0, length))).rejects.toThrow(/not whole/);
    }
    await expect(unpack("s1.&&&")).rejects.toThrow(/not whole/);
    await expect(unpack("other")).rejects.toThrow(/no session/);
  });
});
