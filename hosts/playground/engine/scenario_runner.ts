// Scenario runner: the steps of the scenario that is open.
// Holds   the step that runs.
// Never   runs two steps at a time.
// Source  our own.

import { SCENARIOS } from "../scenarios/index.ts";
import type { Feature } from "./feature.ts";
import { runStep, type StepEngine } from "./scenario_step.ts";

export function scenarioFeature(engine: StepEngine): Feature {
  let running: Promise<void> | null = null;
  const run = async (index: number): Promise<void> => {
    const { session } = engine;
    const scenario = SCENARIOS.find(({ id }) => id === session.scenario);
    if (!scenario) throw new Error("No scenario is open here. Open one first.");
    const step = scenario.steps[index];
    if (!step) {
      throw new Error(`The scenario has ${scenario.steps.length} steps: there is no ${index + 1}.`);
    }
    const { unmet, problem } = await runStep(engine, step);
    if (session !== engine.session) return;
    const name = `Step ${index + 1}`;
    if (problem !== null) throw new Error(`${name} could not be done: ${problem}`);
    if (unmet.length > 0) {
      const again = "Run the steps in their order, or open the scenario anew.";
      throw new Error(`${name} is not as expected. ${unmet.join(" ")} ${again}`);
    }
    session.stepsDone = Math.max(session.stepsDone, index + 1);
    session.touch();
  };
  return {
    ops: {
      "scenario.step": async ({ step }) => {
        if (running) throw new Error("A step is under way: wait until it is done.");
        running = run(step).finally(() => {
          running = null;
        });
        await running;
      },
    },
  };
}
