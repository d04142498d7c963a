// Openings: what a session begins with: a scenario, a listing, a file, nothing.
// Holds   the tree and the domains of each.
// Never   touches a store: the session makes it.
// Source  our own.

import type { ListedNode } from "../model/listing.ts";
import { readListing } from "../model/listing.ts";
import type { Scenario } from "../model/scenario.ts";
import { homeOf } from "../model/words.ts";
import type { Mirror } from "./mirror.ts";
import type { Beginning } from "./session.ts";
import { type Facts, followDomain, type StartDomain } from "./session_file.ts";
import { fill, type ReadSession } from "./session_read.ts";

const NOTHING = new Uint8Array(0);

/** What every host's store has besides what the daemon makes. */
const HOST: readonly ListedNode[] = [
  { path: "/vm", value: NOTHING, perms: "n0" },
  { path: "/libxl", value: NOTHING, perms: "n0" },
  { path: "/local/domain/0/domid", value: new TextEncoder().encode("0"), perms: "n0" },
  { path: "/local/domain/0/name", value: new TextEncoder().encode("Domain-0"), perms: "n0" },
];

function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function beginning(parts: Partial<Beginning> & Pick<Beginning, "name" | "fill">): Beginning {
  return {
    id: newId(),
    scenario: null,
    stepsDone: 0,
    script: "",
    quota: {},
    startMs: 0,
    keep: "now",
    labels: new Map(),
    ...parts,
  };
}

function put(mirror: Mirror, nodes: Iterable<ListedNode>): void {
  for (const { path, value, perms } of nodes) {
    const above = mirror.find(path.slice(0, path.lastIndexOf("/")) || "/");
    const known = mirror.find(path);
    mirror.apply({ kind: "create", path, value, perms: perms ?? (known ?? above)?.perms ?? "n0" });
  }
}

/** A host with nothing but domain 0. */
export function emptyBeginning(name = "An empty host"): Beginning {
  return beginning({
    name,
    fill: ({ mirror }) => {
      put(mirror, HOST);
      return { before: [], now: [] };
    },
  });
}

/** What a daemon begins with: for a trace, which tells all the rest. */
export function bareBeginning(name: string): Beginning {
  return beginning({ name, fill: () => ({ before: [], now: [] }) });
}

/** The story's host before its first step. */
export function scenarioBeginning({ id, title, setup }: Scenario): Beginning {
  const { nodes, problems } = readListing(setup.tree ?? "");
  if (problems[0])
    throw new Error(`The scenario's tree, line ${problems[0].line}: ${problems[0].why}.`);
  return beginning({
    name: title,
    scenario: id,
    script: setup.script ?? "",
    quota: setup.quota ?? {},
    fill: ({ mirror }) => {
      put(mirror, HOST);
      put(mirror, nodes);
      for (const { domid } of setup.domains) mirror.expand(homeOf(domid), true);
      const home = (domain: StartDomain) => ({ ...domain, home: domain.home ?? "own" });
      return { before: setup.domains, now: setup.domains.map(home) };
    },
  });
}

/** What was listed on some host, with the domains that have a home there. */
export function listingBeginning(name: string, nodes: readonly ListedNode[]): Beginning {
  return beginning({
    name,
    fill: ({ mirror }) => {
      put(mirror, nodes);
      const domains = domainsOf(nodes);
      return { before: domains, now: domains };
    },
  });
}

const decoder = new TextDecoder();

function domainsOf(nodes: readonly ListedNode[]): StartDomain[] {
  const found = new Map<number, StartDomain>();
  for (const { path, value } of nodes) {
    const match = /^\/local\/domain\/([1-9]\d{0,4})(\/name|\/target)?$/.exec(path);
    const domid = Number(match?.[1]);
    if (!match || domid >= 0x7ff0) continue;
    const known = found.get(domid) ?? { domid, name: `domain ${domid}`, home: "none" as const };
    const text = decoder.decode(value).slice(0, 64);
    found.set(domid, match[2] === "/name" && text !== "" ? { ...known, name: text } : known);
  }
  return [...found.values()];
}

/**
 * A session that was kept or sent.
 * @param id  the same again, or null: it is another one from now on
 */
export function readBeginning(read: ReadSession, id: string | null): Beginning {
  const { head } = read;
  const labels = new Map(Object.entries(head.labels));
  const domains = new Map(head.domains.map((domain) => [domain.domid, domain]));
  let lastMs = 0;
  let facts: Facts = head;
  for (const input of read.inputs) {
    if (input.kind === "record") lastMs = input.record.ms;
    else if (input.kind === "session") facts = input.facts;
  }
  const start = beginning({
    name: facts.name,
    scenario: head.scenario,
    stepsDone: facts.stepsDone,
    script: facts.script,
    quota: head.quota,
    startMs: lastMs,
    labels,
    fill: (parts) => {
      fill(read, parts, (input, done) => {
        if (input.kind === "label") labels.set(input.conn, input.label);
        // What happened tells how the domains are now; what the page knew of them comes behind.
        if (input.kind === "change" && done) followDomain(domains, input.change, done);
        if (input.kind === "domain") domains.set(input.domain.domid, input.domain);
      });
      const now = [...domains.values()].filter(({ state }) => state !== "forgotten");
      return { before: head.domains, now };
    },
  });
  if (id === null) return start;
  return { ...start, id, keep: read.problems.length > 0 ? "now" : "resume" };
}
