// Quota: names and values under test.
// Holds   a staging area for a name.
// Never   checks a limit: whoever changes something does.
// Source  the XenStore protocol, quotas.

import { Bytes } from "../../../assembly/base/bytes";
import {
  QUOTA_COUNT,
  QUOTA_MEMORY,
  QUOTA_NODE_SIZE,
  QUOTA_NODES,
  QUOTA_PATH_MAX,
  Quota,
} from "../../../assembly/store/quota";

const at = memory.data(64);

function find(name: string): u32 {
  return Quota.find(at, Bytes.putText(at, name, 64));
}

describe("quotas", () => {
  it("are found by their names and by nothing else", () => {
    for (let i: u32 = 0; i < QUOTA_COUNT; i++) expect<u32>(find(Quota.name(i))).toBe(i);
    expect<u32>(find("")).toBe(QUOTA_COUNT);
    expect<u32>(find("node")).toBe(QUOTA_COUNT);
    expect<u32>(find("nodess")).toBe(QUOTA_COUNT);
    expect<u32>(find("Nodes")).toBe(QUOTA_COUNT);
    expect<u32>(find("soft-nodes")).toBe(QUOTA_COUNT);
  });

  it("begin with the values of the protocol", () => {
    Quota.init();
    expect<u32>(Quota.value(QUOTA_NODES)).toBe(1000);
    expect<u32>(Quota.value(QUOTA_MEMORY)).toBe(2621440);
    expect<u32>(Quota.value(QUOTA_PATH_MAX)).toBe(2048);
    expect<u32>(Quota.value(QUOTA_NODE_SIZE)).toBe(2048);
  });

  it("that requests have set give way to those that the host gives", () => {
    Quota.give(QUOTA_NODES, 5);
    Quota.set(QUOTA_NODES, 6);
    Quota.changed = 1 << QUOTA_NODES;
    Quota.giveBack(QUOTA_NODES);
    expect<u32>(Quota.value(QUOTA_NODES)).toBe(5);
    Quota.set(QUOTA_NODES, 6);
    Quota.give(QUOTA_NODES, 7);
    expect<u32>(Quota.value(QUOTA_NODES)).toBe(7);
    expect<u32>(Quota.changed).toBe(0);
    Quota.init();
  });

  it("remember the highest count that was seen", () => {
    Quota.resetHighest();
    Quota.seen(QUOTA_NODES, 5);
    Quota.seen(QUOTA_NODES, 3);
    expect<u32>(Quota.highest(QUOTA_NODES)).toBe(5);
    expect<u32>(Quota.highest(QUOTA_MEMORY)).toBe(0);
    Quota.resetHighest();
    expect<u32>(Quota.highest(QUOTA_NODES)).toBe(0);
  });
});
