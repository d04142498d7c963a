// Engine scenarios: every step of every scenario, run by the engine on a real store.
// Holds   nothing.
// Never   draws.
// Source  our own; hosts/playground/scenarios.

import { describe, expect, it } from "vitest";
import { SCENARIOS } from "../../hosts/playground/scenarios/index.ts";
import { openRig } from "./engine_rig.ts";

describe("scenarios", () => {
  it.each(SCENARIOS.map((scenario) => [scenario.id, scenario] as const))(
    "%s: each step ends as it promises",
    async (_id, scenario) => {
      const rig = await openRig(scenario);
      for (const step of scenario.steps.keys()) await rig.call("scenario.step", { step });
      expect(rig.session.stepsDone).toBe(scenario.steps.length);
      expect(rig.notices.filter(({ kind }) => kind !== "info")).toEqual([]);
    },
  );

  it("says which step there is not, and that no scenario is open", async () => {
    const [scenario] = SCENARIOS;
    const rig = await openRig(scenario);
    expect(await rig.refusal("scenario.step", { step: 99 })).toMatch(/there is no 100/);
    await rig.call("open.empty", {}).catch(() => {});
  });
});
