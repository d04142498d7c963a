// Guide list: all scenarios by their groups, to choose one.
// Holds   nothing.
// Never   opens one without a word where the open session would be lost.
// Source  our own.

import { SCENARIOS } from "../scenarios/index.ts";
import { Dialog } from "./dialog.tsx";
import { choosing, openScenario } from "./guide_state.ts";
import { grouped } from "./guide_words.ts";
import { seen } from "./state.ts";

export function ScenarioDialog() {
  if (!choosing.value) return null;
  const close = () => {
    choosing.value = false;
  };
  const choose = (id: string) => {
    close();
    void openScenario(id);
  };
  const session = seen.session.value;
  return (
    <Dialog title="Scenarios" testid="scenarios" onClose={close}>
      <p>
        Each begins with a host of its own and tells a story in a few steps. You may leave the path
        at any time and try things yourself.{" "}
        {session?.kept === true
          ? "The session that is open is kept: see Share & keep."
          : session && `The session that is open will be lost: ${session.kept}`}
      </p>
      {grouped(SCENARIOS).map(([group, scenarios]) => (
        <section key={group} class="guide-group">
          <h3>{group}</h3>
          <ul>
            {scenarios.map(({ id, title, summary, steps }) => (
              <li key={id}>
                <button
                  type="button"
                  class="guide-scenario"
                  data-testid="scenario"
                  data-id={id}
                  aria-current={session?.scenario === id ? "true" : undefined}
                  onClick={() => choose(id)}
                >
                  <strong>{title}</strong>
                  <span class="dim">
                    {steps.length} steps{session?.scenario === id ? ", open now" : ""}
                  </span>
                  <span class="guide-summary">{summary}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </Dialog>
  );
}
