// Unstored: a frame that could not be stored changes nothing, and what follows is right all the same.
// Holds   how many conversations there are; STATE_RUNS and STATE_SEED change it.
// Never   accepts a reply that says yes to what is not there.
// Source  "The database" in ARCHITECTURE.md.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OPT_STORAGE, STORAGE_BROKEN, STORAGE_FULL, STORAGE_OK } from "../../assembly/abi.ts";
import { STAT_FAULTS } from "../core.ts";
import { encode, Splitter, typeNumber } from "../message.ts";
import { treeOf, watchesOf } from "./inventory.ts";
import { type Action, action, Player, prepare } from "./script.ts";
import { Site } from "./site.ts";
import { restored, Vault } from "./vault.ts";

const numRuns = Number(process.env.STATE_RUNS ?? 300);
const seed = Number(process.env.STATE_SEED ?? 7);

const RINGS = ["dom3", "dom5"];

/** A site whose medium can be broken. */
class Rig {
  readonly site = new Site({ rings: RINGS, journal: true });
  readonly vault: Vault;
  readonly player: Player;
  status = STORAGE_OK;

  constructor() {
    this.site.storing = () => this.status;
    this.vault = new Vault(this.site);
    this.player = new Player(this.site);
    prepare(this.player);
    this.site.drain();
    for (const name of this.site.names()) this.site.taken(name);
  }

  /** Asks, and returns the payloads of all that comes back. */
  ask(name: string, type: string, payload: string, txId = 0): string[] {
    const message = { type: typeNumber(type), reqId: 9, txId, payload };
    this.site.send(name, encode(message));
    this.site.drain();
    const messages = new Splitter().push(this.site.taken(name));
    return messages.map((one) => one.payload.replaceAll("\0", "|"));
  }

  /** The same with a medium that fails. */
  failing(status: number, name: string, type: string, payload: string, txId = 0): string[] {
    this.status = status;
    const answers = this.ask(name, type, payload, txId);
    this.status = STORAGE_OK;
    return answers;
  }

  tree(): string[] {
    return treeOf(this.site.core);
  }

  /** The tree that a fresh core begins with. */
  kept(): string[] {
    return treeOf(restored(this.vault.files()));
  }
}

const CHANGES: readonly (readonly [string, string, string])[] = [
  ["WRITE", "of a value", "/a/b\0other"],
  ["WRITE", "of a new node with its parents", "/new/er/est\0v"],
  ["MKDIR", "with its parents", "/new/er/dir\0"],
  ["RM", "of a subtree", "/local\0"],
  ["RM", "of a leaf between others", "/a/b\0"],
  ["SET_PERMS", "of a node", "/a\0n3\0r5\0"],
  ["SET_PERMS", "of a special node", "@releaseDomain\0n0\0r3\0"],
];

describe("a change that could not be stored", () => {
  for (const [type, what, payload] of CHANGES) {
    it(`is undone and refused: ${type} ${what}`, () => {
      const rig = new Rig();
      for (const name of ["z", "y"]) rig.ask("dom0", "WRITE", `/a/${name}\0v`);
      const before = rig.tree();
      expect(rig.failing(STORAGE_FULL, "dom0", type, payload)).toEqual(["ENOSPC|"]);
      expect(rig.tree()).toEqual(before);
      expect(rig.failing(STORAGE_BROKEN, "dom0", type, payload)).toEqual(["EIO|"]);
      expect(rig.tree()).toEqual(before);
      expect(rig.kept()).toEqual(before);
      expect(rig.site.core.stat(STAT_FAULTS)).toBe(0);
      expect(rig.ask("dom0", type, payload)).toEqual(["OK|"]);
      expect(rig.kept()).toEqual(rig.tree());
    });
  }

  it("is undone and refused: the commit of a transaction", () => {
    const rig = new Rig();
    const before = rig.tree();
    const open = () => {
      const [tx] = rig.ask("dom0", "TRANSACTION_START", "\0").map(Number.parseFloat);
      rig.ask("dom0", "RM", "/a\0", tx);
      rig.ask("dom0", "WRITE", "/a/b/c/d\0v", tx);
      rig.ask("dom0", "WRITE", "/tool\0v", tx);
      rig.ask("dom0", "SET_PERMS", "/b\0n5\0", tx);
      return tx;
    };
    const first = open();
    const second = open();
    expect(rig.failing(STORAGE_FULL, "dom0", "TRANSACTION_END", "T\0", first)).toEqual(["ENOSPC|"]);
    expect(rig.tree()).toEqual(before);
    expect(rig.ask("dom0", "READ", "/a/b/c/d\0", second)).toEqual(["v"]);
    expect(rig.ask("dom0", "TRANSACTION_END", "T\0", second)).toEqual(["OK|"]);
    expect(rig.tree()).not.toEqual(before);
    expect(rig.kept()).toEqual(rig.tree());
  });

  it("keeps what open transactions see, and whether they conflict", () => {
    const rig = new Rig();
    const reads = rig.ask("dom0", "TRANSACTION_START", "\0").map(Number.parseFloat)[0];
    rig.ask("dom0", "DIRECTORY", "/a\0", reads);
    rig.ask("dom0", "READ", "/a/b\0", reads);
    rig.failing(STORAGE_FULL, "dom0", "RM", "/a\0");
    expect(rig.ask("dom0", "READ", "/a/b\0", reads)).toEqual(["v"]);
    rig.ask("dom0", "WRITE", "/c\0v", reads);
    expect(rig.ask("dom0", "TRANSACTION_END", "T\0", reads)).toEqual(["OK|"]);
    expect(rig.kept()).toEqual(rig.tree());
  });

  it("takes a watch of a ring with it", () => {
    const rig = new Rig();
    const [reply] = rig.failing(STORAGE_FULL, "dom3", "WATCH", "/a\0t\0");
    expect(reply).toBe("ENOSPC|");
    expect(watchesOf(rig.site.core).join("")).not.toContain("/a t");
    expect(rig.ask("dom3", "WATCH", "/a\0t\0")).toContain("OK|");
    expect(watchesOf(restored(rig.vault.files())).join("")).toContain("/a t");
  });

  it("is found as it really is by who asks for the end of a domain", () => {
    const rig = new Rig();
    rig.status = STORAGE_FULL;
    rig.site.domainState(3, 0);
    rig.status = STORAGE_OK;
    expect(rig.ask("dom0", "IS_DOMAIN_INTRODUCED", "3\0")).toEqual(["F|"]);
    expect(rig.ask("dom0", "WRITE", "/a/b\0w")).toEqual(["OK|"]);
    expect(rig.kept()).toEqual(rig.tree());
    expect(restored(rig.vault.files()).domains()).toEqual([0, 5]);
  });

  it("does not fill the memory while the medium is full for long", () => {
    const rig = new Rig();
    rig.status = STORAGE_FULL;
    const turn = () => {
      const [tx] = rig.ask("dom3", "TRANSACTION_START", "\0").map(Number.parseFloat);
      rig.ask("dom3", "READ", "/b\0", tx);
      rig.ask("dom3", "TRANSACTION_END", "F\0", tx);
      rig.ask("dom3", "RESET_WATCHES", "\0");
    };
    for (let i = 0; i < 100; i += 1) turn();
    const after = rig.site.core.journalTake().length;
    rig.site.core.journalDone(STORAGE_FULL);
    for (let i = 0; i < 100; i += 1) turn();
    const later = rig.site.core.journalTake().length;
    rig.site.core.journalDone(STORAGE_FULL);
    expect(later).toBe(after);
  });
});

describe("while nothing can be stored", () => {
  const REFUSED: readonly (readonly [string, string])[] = [
    ["WRITE", "/a/b\0w"],
    ["MKDIR", "/a/q\0"],
    ["RM", "/a/b\0"],
    ["SET_PERMS", "/a\0n3\0"],
    ["INTRODUCE", "9\x000\x005\0"],
    ["RESUME", "3\0"],
    ["SET_TARGET", "3\x005\0"],
    ["SET_QUOTA", "nodes\x0010\0"],
    ["SET_FEATURE", "9\x000\0"],
  ];
  const SERVED: readonly (readonly [string, string])[] = [
    ["READ", "/a/b\0"],
    ["DIRECTORY", "/a\0"],
    ["GET_PERMS", "/a\0"],
    ["WATCH", "/a\0t\0"],
    ["TRANSACTION_START", "\0"],
    ["UNWATCH", "/a\0t\0"],
  ];
  for (const [status, error] of [
    [STORAGE_FULL, "ENOSPC|"],
    [STORAGE_BROKEN, "EIO|"],
  ] as const) {
    it(`changes are refused with ${error.slice(0, -1)}, and all else is served`, () => {
      const rig = new Rig();
      rig.site.core.configure(OPT_STORAGE, status);
      const before = rig.tree();
      for (const [type, payload] of REFUSED) {
        expect([type, ...rig.ask("dom0", type, payload)]).toEqual([type, error]);
      }
      for (const [type, payload] of SERVED) {
        expect(rig.ask("dom0", type, payload)).not.toContain(error);
      }
      expect(rig.ask("dom0", "READ", "/a/b\0", 1)).toEqual(["v"]);
      expect(rig.ask("dom0", "TRANSACTION_END", "T\0", 1)).toEqual(["OK|"]);
      const [tx] = rig.ask("dom0", "TRANSACTION_START", "\0").map(Number.parseFloat);
      expect(rig.ask("dom0", "WRITE", "/a/b\0w", tx)).toEqual(["OK|"]);
      expect(rig.ask("dom0", "TRANSACTION_END", "T\0", tx)).toEqual([error]);
      expect(rig.tree()).toEqual(before);
      rig.site.core.configure(OPT_STORAGE, STORAGE_OK);
      expect(rig.ask("dom0", "WRITE", "/a/b\0w")).toEqual(["OK|"]);
      expect(rig.kept()).toEqual(rig.tree());
    });
  }
});

describe("a medium that fails now and then", () => {
  type Host = { kind: "full" } | { kind: "broken" } | { kind: "works" } | { kind: "snapshot" };
  const host = fc.constantFrom<Host>(
    { kind: "full" },
    { kind: "broken" },
    { kind: "works" },
    { kind: "snapshot" },
  );
  const conversation = fc.array(
    fc.oneof({ weight: 8, arbitrary: action }, { weight: 1, arbitrary: host }),
    { minLength: 1, maxLength: 120, size: "max" },
  );

  it(`leaves files that say what the store says (${numRuns} from seed ${seed})`, () => {
    const compare = (steps: readonly (Action | Host)[]) => {
      const rig = new Rig();
      for (const one of steps) {
        if (one.kind === "full") rig.status = STORAGE_FULL;
        else if (one.kind === "broken") rig.status = STORAGE_BROKEN;
        else if (one.kind === "works") rig.status = STORAGE_OK;
        else if (one.kind === "snapshot") rig.vault.snapshot();
        else rig.player.play(one);
      }
      rig.status = STORAGE_OK;
      rig.site.store();
      const [got, wanted] = [rig.kept(), rig.tree()];
      if (got.join("\n") !== wanted.join("\n")) expect(got).toEqual(wanted);
      const again = restored(rig.vault.files());
      expect(again.domains()).toEqual(rig.site.core.domains());
      expect(again.stat(STAT_FAULTS)).toBe(0);
      expect(rig.site.core.stat(STAT_FAULTS)).toBe(0);
    };
    fc.assert(fc.property(conversation, compare), { numRuns, seed });
  });
});
