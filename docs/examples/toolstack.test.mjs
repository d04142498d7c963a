// Test of a toolstack: no Xen, no daemon and no mock, but a whole store in this process.
//   node --test toolstack.test.mjs
import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestStore } from "xenstore/testing";
import { addVif } from "./toolstack.mjs";

const FRONT = "/local/domain/7/device/vif/0";
const MAC = "00:16:3e:00:00:01";

test("each side has its end, and reads the other one", async (t) => {
  const store = await createTestStore();
  t.after(() => store.close());
  const guest = await store.asDomain(7, { home: "xl" });
  await addVif(store.client, 7, 0, MAC);

  // As the guest, with its rights and its paths.
  await guest.write("device/vif/0/state", 4);
  const back = await guest.read("device/vif/0/backend");
  assert.equal(await guest.read(`${back}/mac`), MAC);
  await assert.rejects(guest.write(`${back}/mac`, "another"), { code: "EACCES" });
});

test("after a conflict it is done again", async (t) => {
  const store = await createTestStore();
  t.after(() => store.close());
  const conflict = store.faults.fail("EAGAIN", { times: 2 });
  await addVif(store.client, 7, 0, MAC);
  assert.equal(conflict.count, 2);
  assert.equal(await store.client.read(`${FRONT}/state`), "1");
});

test("nothing is left when one of the requests fails", async (t) => {
  const store = await createTestStore();
  t.after(() => store.close());
  const before = await store.hash();
  store.faults.fail("ENOSPC", { op: "WRITE", path: /mac$/ });
  await assert.rejects(addVif(store.client, 7, 0, MAC), { code: "ENOSPC" });
  assert.equal(await store.hash(), before);
});

test("a connection that goes before the reply to the commit says that it was sent", async (t) => {
  const store = await createTestStore();
  t.after(() => store.close());
  store.faults.disconnect({ op: "TRANSACTION_END", when: "after" });
  const lost = { name: "ConnectionLostError", sent: true };
  await assert.rejects(addVif(store.client, 7, 0, MAC), lost);
  // This time it had been applied.
  assert.equal(await store.client.exists(FRONT), true);
});
