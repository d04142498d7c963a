// Guide: a story told step by step: what happens, why, and a button that makes it happen.
// Holds   the view of the scenario that is open; folded, it is a bar of one line.
// Never   takes more of a screen than it leaves to what it speaks of.
// Source  our own.

import { useEffect, useRef } from "preact/hooks";
import type { Scenario, Step } from "../model/scenario.ts";
import { ScenarioDialog } from "./guide_list.tsx";
import {
  at,
  choosing,
  failed,
  fold,
  folded,
  goTo,
  openScenario,
  running,
  runStep,
  scenario,
  stepsDone,
} from "./guide_state.ts";
import { Rich } from "./guide_text.tsx";
import { actionLine, expectation, type Line, runWords } from "./guide_words.ts";
import { domClass, seen } from "./state.ts";

export function Guide() {
  const open = scenario.value;
  return (
    <section
      class="guide panel"
      aria-label="Guide"
      data-testid="guide"
      data-folded={folded.value}
      data-done={stepsDone.value}
      data-failed={failed.value.size}
    >
      {open ? <Story story={open} /> : <NoStory />}
      <ScenarioDialog />
    </section>
  );
}

function Chooser() {
  return (
    <button
      type="button"
      data-testid="guide-scenarios"
      aria-haspopup="dialog"
      onClick={() => {
        choosing.value = true;
      }}
    >
      Scenarios
    </button>
  );
}

function NoStory() {
  if (!seen.session.value) return null;
  return (
    <div class="guide-head">
      <Chooser />
      <span class="guide-title dim">
        Stories to follow step by step, and hosts to try things on.
      </span>
    </div>
  );
}

function Story({ story }: { readonly story: Scenario }) {
  const { steps, title } = story;
  const step = steps[at.value];
  const isFolded = folded.value;
  return (
    <>
      <div class="guide-head">
        <Chooser />
        <h2 class="guide-title">
          {!isFolded && `${title} `}
          <span class="dim">{`${at.value + 1} of ${steps.length}`}</span>
          {isFolded && step && ` ${step.title}`}
        </h2>
        {isFolded && <Ways steps={steps} />}
        <button
          type="button"
          class="plain"
          data-testid="guide-fold"
          aria-expanded={!isFolded}
          aria-controls="guide-step"
          onClick={() => fold(!isFolded)}
        >
          {isFolded ? "Read" : "Fold"}
          <span class="said"> the guide</span>
        </button>
      </div>
      {!isFolded && step && (
        <div class="guide-step" id="guide-step">
          <Said step={step} />
          <div class="guide-foot">
            <Ways steps={steps} />
            <span class="grow" />
            <button
              type="button"
              class="plain"
              data-testid="guide-restart"
              onClick={() => void openScenario(story.id)}
            >
              Start over
            </button>
          </div>
        </div>
      )}
      <Progress steps={steps} />
      <p class="said" role="status">
        {at.value < stepsDone.value && `Step ${at.value + 1} has been run.`}
      </p>
    </>
  );
}

/** The text of a step: it scrolls, its buttons stay. */
function Said({ step }: { readonly step: Step }) {
  const { value } = at;
  const done = value < stepsDone.value;
  const box = useRef<HTMLElement>(null);
  const before = useRef({ value, done });
  useEffect(() => {
    const ran = before.current.value === value && done && !before.current.done;
    before.current = { value, done };
    // What has come of it may stand below what is in view.
    const { current } = box;
    if (ran && current) current.scrollTop = current.scrollHeight;
  }, [value, done]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
    <section class="guide-said" ref={box} aria-labelledby="guide-step-title" tabIndex={0}>
      <h3 id="guide-step-title">
        {step.title}
        {done && <span class="tag good">done</span>}
      </h3>
      {step.text.map((paragraph) => (
        <p key={paragraph}>
          <Rich text={paragraph} />
        </p>
      ))}
      {step.do.length > 0 && <Lines lines={step.do.map(actionLine)} />}
      <Expectations step={step} done={done} failed={failed.value.has(value)} />
    </section>
  );
}

const LINES = 8;

function Lines({ lines }: { readonly lines: readonly Line[] }) {
  const shown = lines.slice(0, LINES);
  return (
    <ul class="guide-lines mono" aria-label="What the step runs">
      {shown.map(({ where, text, words }, index) => (
        <li key={index} class={words ? "guide-words" : ""}>
          {where !== "" && <span class={whereClass(where)}>{where}$ </span>}
          {text}
        </li>
      ))}
      {lines.length > LINES && <li class="guide-words">and {lines.length - LINES} more</li>}
    </ul>
  );
}

function whereClass(where: string): string {
  const domid = /^dom(\d+)$/.exec(where)?.[1];
  return domid === undefined ? "dim" : `dom ${domClass(Number(domid))}`;
}

interface ExpectationsProps {
  readonly step: Step;
  readonly done: boolean;
  readonly failed: boolean;
}

function Expectations({ step, done, failed: wrong }: ExpectationsProps) {
  if (step.expect.length === 0) return null;
  const sign = wrong ? "?" : done ? "✓" : "○";
  const said = wrong ? "not certain: " : done ? "so it is: " : "";
  return (
    <div class={`guide-expect${done && !wrong ? " guide-met" : ""}`}>
      <p>
        {wrong ? "It should have come to this:" : done ? "It came to this:" : "What to look for:"}
      </p>
      <ul>
        {step.expect.map((expect, index) => (
          <li key={index}>
            <span aria-hidden="true">{sign} </span>
            <span class="said">{said}</span>
            <Rich text={expectation(expect)} />
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Run, back and forth. What is to be pressed next stands out. */
function Ways({ steps }: { readonly steps: readonly Step[] }) {
  const { value } = at;
  const done = value < stepsDone.value;
  const last = value === steps.length - 1;
  const words = runWords(value, stepsDone.value);
  return (
    <div class="guide-ways">
      <button
        type="button"
        class={done ? "" : "primary"}
        data-testid="guide-run"
        aria-disabled={running.value}
        title={words}
        onClick={() => void runStep()}
      >
        {running.value ? "Running…" : <RunWords words={words} />}
      </button>
      <button
        type="button"
        class="guide-previous"
        data-testid="guide-previous"
        disabled={value === 0}
        onClick={() => goTo(value - 1)}
      >
        Back
      </button>
      {last && done ? (
        <button
          type="button"
          class="primary"
          data-testid="guide-next"
          onClick={() => {
            choosing.value = true;
          }}
        >
          Next story
        </button>
      ) : (
        <button
          type="button"
          class={done ? "primary" : ""}
          data-testid="guide-next"
          disabled={last}
          onClick={() => goTo(value + 1)}
        >
          Next
        </button>
      )}
    </div>
  );
}

/** Short where there is no room for more. */
function RunWords({ words }: { readonly words: string }) {
  const [short] = words.split(" ");
  return (
    <>
      {short}
      <span class="guide-more">{words.slice((short as string).length)}</span>
    </>
  );
}

function Progress({ steps }: { readonly steps: readonly Step[] }) {
  const done = Math.min(stepsDone.value, steps.length);
  return (
    <div
      class="guide-progress"
      role="progressbar"
      aria-label="Steps that were run"
      aria-valuemin={0}
      aria-valuemax={steps.length}
      aria-valuenow={done}
      aria-valuetext={`${done} of ${steps.length} steps were run`}
    >
      <span style={{ width: `${(100 * done) / steps.length}%` }} />
    </div>
  );
}
