// Domain: records, limits and credit under test.
// Holds   nothing.
// Never   makes a connection.
// Source  the XenStore protocol, domains and quotas.

import { Heap } from "../../../assembly/base/heap";
import { Domain, Domains } from "../../../assembly/store/domain";
import { QUOTA_NODES, QUOTA_WATCHES, Quota } from "../../../assembly/store/quota";

Heap.init();
Quota.init();

describe("a domain", () => {
  it("is known from its first mention until it is dropped", () => {
    const before = Heap.used;
    expect<bool>(Domains.find(7) === null).toBe(true);
    const d = <Domain>Domains.of(7);
    expect<bool>(Domains.find(7) === d).toBe(true);
    expect<bool>(Domains.of(7) === d).toBe(true);
    expect<bool>(Domains.find(65536 + 7) === null).toBe(true);
    Domains.drop(d);
    expect<bool>(Domains.find(7) === null).toBe(true);
    expect<usize>(Heap.used).toBe(before);
  });

  it("has the global limit until it is given its own", () => {
    const d = <Domain>Domains.of(8);
    expect<u32>(d.limit(QUOTA_NODES)).toBe(1000);
    Quota.set(QUOTA_NODES, 2000);
    expect<u32>(d.limit(QUOTA_NODES)).toBe(2000);
    d.setLimit(QUOTA_NODES, 5);
    Quota.set(QUOTA_NODES, 1000);
    expect<u32>(d.limit(QUOTA_NODES)).toBe(5);
    expect<u32>(d.limit(QUOTA_WATCHES)).toBe(128);
    expect<bool>(d.exceeds(QUOTA_NODES, 5)).toBe(false);
    expect<bool>(d.exceeds(QUOTA_NODES, 6)).toBe(true);
    d.setLimit(QUOTA_NODES, 0);
    expect<bool>(d.exceeds(QUOTA_NODES, 0xffff_ffff)).toBe(false);
    Domains.drop(d);
  });

  it("counts and remembers its highest count", () => {
    const d = <Domain>Domains.of(9);
    d.add(QUOTA_NODES, 3);
    d.add(QUOTA_NODES, -2);
    expect<i32>(d.count(QUOTA_NODES)).toBe(1);
    expect<u32>(d.highest(QUOTA_NODES)).toBe(3);
    d.resetHighest();
    expect<u32>(d.highest(QUOTA_NODES)).toBe(1);
    d.add(QUOTA_NODES, -1);
    Domains.drop(d);
  });

  it("without limits is the control domain alone", () => {
    const control = <Domain>Domains.of(Domains.priv);
    expect<bool>(control.exceeds(QUOTA_NODES, 0xffff_ffff)).toBe(false);
    expect<bool>(Domains.hasCredit(control)).toBe(true);
  });

  it("in debt is helped by the reserve and then waits for its share", () => {
    Domains.reserve = 0;
    const d = <Domain>Domains.of(10);
    d.credit = -1000;
    expect<bool>(Domains.hasCredit(d)).toBe(true);
    d.credit = -60000;
    expect<bool>(Domains.hasCredit(d)).toBe(false);
    Domains.refill(1000);
    expect<bool>(Domains.hasCredit(d)).toBe(true);
    Domains.drop(d);
  });

  it("exists below the reserved numbers", () => {
    expect<bool>(Domains.exists(0)).toBe(true);
    expect<bool>(Domains.exists(32751)).toBe(true);
    expect<bool>(Domains.exists(32752)).toBe(false);
    expect<bool>(Domains.exists(65535)).toBe(false);
  });
});
