// Given: what a text or file that somebody brought turns out to be.
// Holds   how each kind is told from the others.
// Never   opens anything.
// Source  our own.

import { readTrace, type TraceRecord } from "../../entry/testing.ts";
import {
  type ListedNode,
  type Listing,
  looksListed,
  readExport,
  readListing,
} from "../model/listing.ts";
import { inflated, UNPACKED_MAX } from "../model/pack.ts";
import type { Found } from "../model/protocol.ts";
import { type ReadSession, readSession } from "./session_read.ts";

/** A text, its kind, and what it has. */
export type Given = Omit<Found, "kind"> & { readonly name: string } & (
    | { readonly kind: "session"; readonly read: ReadSession }
    | { readonly kind: "trace"; readonly records: readonly TraceRecord[] }
    | { readonly kind: "listing" | "export"; readonly nodes: readonly ListedNode[] }
  );

const TRACED = /^\d+(\.\d+)? \S+ [<>!] /m;
const SHOWN = 80;

/**
 * Finds out what it is and reads it as far as it makes sense.
 * @throws Error of one or two sentences when it is nothing that can be opened
 */
export async function recognise(data: Uint8Array | string, name?: string): Promise<Given> {
  const text = typeof data === "string" ? data : await textOf(data);
  const title = name?.replace(/\.[a-z]+(\.[a-z]+)?$/, "") ?? "";
  const start = text.trimStart();
  if (start === "") throw new Error("There is nothing in it: paste or choose something else.");
  if (start.startsWith('{"xenstore-playground"')) return sessionOf(start);
  if (start.startsWith("{")) return listed("export", readExport(text), title || "An export");
  if (TRACED.test(text.slice(0, 100_000))) return traceOf(text, title || "A trace");
  if (looksListed(text)) return listed("listing", readListing(text), title || "A real host");
  throw new Error(
    "This is nothing that can be opened here: what xenstore-ls -fp prints, a trace, the JSON of " +
      "xenstore export, or a session saved here. The first line is: " +
      `${start.split("\n")[0]?.slice(0, SHOWN)}`,
  );
}

/** Text of a file, which may be packed by gzip. */
async function textOf(bytes: Uint8Array): Promise<string> {
  if (bytes.length > UNPACKED_MAX)
    throw new Error("The file is larger than this page opens: 64 MiB.");
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return new TextDecoder().decode(bytes);
  const broken = "The file is packed by gzip, and not whole: fetch it again.";
  const words = { broken, what: "The file" };
  return await inflated(bytes as Uint8Array<ArrayBuffer>, "gzip", words);
}

function sessionOf(text: string): Given {
  const read = readSession(text);
  const count = read.inputs.length;
  return {
    kind: "session",
    name: read.head.name,
    read,
    what: `the session “${read.head.name}” with ${counted(count, "thing")} that happened`,
    items: count,
    problems: read.problems,
    problemCount: read.problems.length,
  };
}

function listed(kind: "listing" | "export", listing: Listing, name: string): Given {
  const { nodes, problems, problemCount } = listing;
  if (nodes.length === 0) {
    const [first] = problems;
    const why = first ? ` Its line ${first.line} ${first.why}.` : "";
    throw new Error(`No node could be read.${why}`);
  }
  const what = counted(nodes.length, "node");
  return { kind, name, nodes, what, items: nodes.length, problems, problemCount };
}

/** A trace up to its first line that makes no sense. */
function traceOf(text: string, name: string): Given {
  const lines = text.split("\n");
  let records: TraceRecord[];
  let problem: Found["problems"][number] | null = null;
  try {
    records = readTrace(text);
  } catch (error) {
    const line = Number(/line (\d+)/.exec((error as Error).message)?.[1] ?? 1);
    const last = lines.slice(line).every((rest) => rest.trim() === "");
    const why = last ? "is cut off: the trace is not whole" : "is no line of a trace";
    problem = { line, text: (lines[line - 1] ?? "").slice(0, SHOWN), why };
    records = readTrace(lines.slice(0, line - 1).join("\n"));
  }
  if (records.length === 0)
    throw new Error("The trace's first line makes no sense: nothing was read.");
  const conns = new Set(records.map(({ conn }) => conn)).size;
  const messages = records.filter((record) => !("note" in record)).length;
  return {
    kind: "trace",
    name,
    records,
    what: `${counted(messages, "message")} of ${counted(conns, "connection")}`,
    items: messages,
    problems: problem ? [problem] : [],
    problemCount: problem ? 1 : 0,
  };
}

function counted(count: number, word: string): string {
  return `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
}
