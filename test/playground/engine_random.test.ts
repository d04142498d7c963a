// Engine random: whatever is done in whatever order, every call ends, and the store stays sound.
// Holds   the seeds.
// Never   expects more of a call than an end.
// Source  our own.

import { describe, expect, it } from "vitest";
import type { OpName, RingFault } from "../../hosts/playground/model/protocol.ts";
import { randomOf } from "../../hosts/testing/random.ts";
import { openRig, type Rig } from "./engine_rig.ts";

const DOMIDS = [0, 1, 2, 3];
const CALLS = 120;
/** A call that takes longer has been forgotten: ms. */
const PATIENCE_MS = 10_000;
const LINES = [
  ...["ls -p", "read a", "write a 1", "rm a", "watch a", "watch -n 1 a", "list .", "exists a"],
  ...["write /local/domain/1/x 1", "chmod a n1 r2", "export f", "import f", "control check"],
  ...["control quota set nodes 20", "nonsense", "read 'a", "xenstore-watch /", "files"],
];
const TX_LINES = ["read a", "write a 1", "rm a", "ls", "list /", "mkdir b/c", "nonsense"];
const FAULTS: RingFault[] = ["req-index", "rsp-index", "oversize", "unknown-type", "no-nul"];
const TYPES = ["READ", "WRITE", "WATCH", "TRANSACTION_START", "RESET_WATCHES", "ERROR", "RM"];
const WORDS = ["reqCons", "reqProd", "rspCons", "rspProd", "connection", "error"] as const;
const COUNTS = [1, 16, 1024, "header", "message"] as const;

type Below = (end: number) => number;
type Call = [op: OpName, args: object];

function calls(below: Below, handles: readonly number[], runs: readonly number[]): Call {
  const one = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const domid = one(DOMIDS);
  const of = { domid };
  const handle = one(handles.length > 0 ? handles : [0]);
  return one<() => Call>([
    () => ["domain.add", of],
    () => [one(["domain.introduce", "domain.release", "domain.shutdown"] as const), of],
    () => [one(["domain.kill", "domain.reboot", "domain.reboot", "domain.forget"] as const), of],
    () => ["domain.target", { domid, target: one(DOMIDS) }],
    () => ["console.run", { domid, line: one(LINES) }],
    () => ["console.run", { domid, line: one(LINES) }],
    () => ["console.stop", { domid, run: one(runs.length > 0 ? runs : [0]) }],
    () => ["console.complete", { domid, line: one(LINES), cursor: below(12) }],
    () => [one(["ring.hold", "ring.reconnect", "ring.notify"] as const), of],
    () => ["ring.compose", { domid, type: one(TYPES), path: "a", value: "v".repeat(9) }],
    () => [one(["ring.put", "ring.take"] as const), { domid, count: one(COUNTS) }],
    () => ["ring.poke", { domid, word: one(WORDS), value: below(3000) }],
    () => ["ring.break", { domid, how: one(FAULTS) }],
    () => ["tx.begin", of],
    () => ["tx.run", { handle, line: one(TX_LINES) }],
    () => [one(["tx.commit", "tx.abort", "tx.retry"] as const), { handle }],
    () => ["quota.set", { domid, name: "nodes", value: below(30) }],
    () => ["load.set", { rate: one([0, 300]) }],
  ])();
}

async function ended(rig: Rig, op: OpName, args: object, done: readonly string[]) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${op} ${JSON.stringify(args)} does not end; before:\n${done.join("\n")}`));
    }, PATIENCE_MS);
  });
  const call = rig.engine.run(op, args).catch((error: Error) => {
    // What is refused is refused in words, unless all of it ends.
    if (!rig.session.closed) expect(error.message).toMatch(/^([A-Z"/]|\S+: ).*[.)]$/s);
    return null;
  });
  try {
    return await Promise.race([call, late]);
  } finally {
    clearTimeout(timer);
  }
}

describe("calls in any order", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])("seed %i", async (seed) => {
    const random = randomOf(seed);
    const below: Below = (end) => Math.floor(random() * end);
    const rig = await openRig();
    const handles: number[] = [];
    const runs: number[] = [];
    const done: string[] = [];
    const look = { transactions: true, quotas: true };
    for (let n = 0; n < CALLS; n++) {
      rig.look({ ...look, ring: DOMIDS[below(4)] as number });
      const [op, args] = calls(below, handles, runs);
      done.push(`${op} ${JSON.stringify(args)}`);
      // Some do not wait for the one before.
      const call = ended(rig, op, args, done);
      if (below(4) === 0) continue;
      const value = await call;
      if ((op === "tx.begin" || op === "tx.retry") && value) handles.push(value as number);
      if (op === "console.run" && value) runs.push(value as number);
    }
    await ended(rig, "load.set", { rate: 0 }, done);
    expect(await rig.session.store.check()).toContain("no faults");
    const { frames } = rig;
    rig.engine.renew();
    await rig.until(() => rig.frames > frames);
    expect(rig.seen.transactions).toBeDefined();
    // With the next session all of it is given up.
    const before = rig.session;
    const { emptyBeginning } = await import("../../hosts/playground/engine/openings.ts");
    await rig.engine.open(() => emptyBeginning());
    for (const { running } of before.domains.values()) expect([...running.keys()]).toEqual([]);
    expect(rig.notices.filter(({ kind }) => kind === "error")).toEqual([]);
  });
});
