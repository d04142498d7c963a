// Conformance on Node: the cases of the client over every way to a store that Node has.
// Holds   which ways and cases are left out, each by its name with the reason.
// Never   knows what a case asserts.
// Source  our own.

import { afterAll, beforeAll, describe, it } from "vitest";
import { CASES, lacking, runCase } from "./conformance.ts";
import { type Started, WAYS } from "./node_sites.ts";

for (const way of WAYS) {
  const why = way.missing();
  describe(`over ${way.name}`, () => {
    let site: Started | undefined;
    beforeAll(async () => {
      if (why === null) site = await way.start();
    });
    afterAll(() => site?.stop());
    for (const one of CASES) {
      it(one.name, async (ctx) => {
        if (!site) return ctx.skip(why ?? "");
        const needs = lacking(one, site);
        if (needs.length > 0) ctx.skip(`${way.name} does not offer: ${needs.join(", ")}`);
        await runCase(one, site);
      });
    }
  });
}
