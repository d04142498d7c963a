// Scenarios: each makes sense as it is written down, and comes true when it is run.
// Holds   rules for texts and actions; every step, run by the engine on a real store.
// Never   knows what a scenario is about.
// Source  our own.

import fs from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { COMMANDS, splitWords } from "../../hosts/entry/tools.ts";
import { makeEngine } from "../../hosts/playground/engine/boot.ts";
import type { Engine } from "../../hosts/playground/engine/engine.ts";
import { scenarioBeginning } from "../../hosts/playground/engine/openings.ts";
import { runStep } from "../../hosts/playground/engine/scenario_step.ts";
import { readListing } from "../../hosts/playground/model/listing.ts";
import type { Action, Scenario, Step } from "../../hosts/playground/model/scenario.ts";
import { SCENARIOS } from "../../hosts/playground/scenarios/index.ts";

const GROUPS = ["First steps", "Devices", "Trouble", "Security"];
const NEEDED = "hello permissions boot hotplug balloon shutdown conflict storm quota reconnect";

/** Codes that the texts of steps name, and that the store answers there. */
const REFUSED: Readonly<Record<string, string[]>> = {
  "hello 3": ["EACCES"],
  "permissions 6": ["EPERM"],
  "balloon 5": ["EACCES"],
  "quota 3": ["ENOSPC"],
  "quota 4": ["ENOSPC"],
  "quota 5": ["ENOSPC"],
  "conflict 3": ["EAGAIN"],
  "conflict 6": ["EAGAIN"],
  "xsa-322 3": ["EACCES"],
  "xsa-353 2": ["EACCES"],
  "xsa-353 3": ["EACCES"],
  "xsa-353 4": ["EACCES", "EINVAL"],
};

describe("all scenarios", () => {
  it("have names of their own, and groups in order", () => {
    const ids = SCENARIOS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z0-9-]+$/);
    expect(ids).toEqual(expect.arrayContaining(NEEDED.split(" ")));
    expect(ids.filter((id) => id.startsWith("xsa-")).length).toBeGreaterThanOrEqual(4);
    const groups = SCENARIOS.map(({ group }) => group);
    expect(groups.filter((group, at) => group !== groups[at - 1])).toEqual(GROUPS);
  });
});

describe.each(SCENARIOS.map((scenario) => [scenario.id, scenario] as const))("%s", (_id, story) => {
  it("is told in short, whole sentences", () => {
    checkText(story.title, 60);
    checkText(story.summary, 100);
    expect(story.summary).toMatch(/\.$/);
    expect(story.steps.length).toBeGreaterThanOrEqual(3);
    expect(story.steps.length).toBeLessThanOrEqual(8);
    for (const { title, text } of story.steps) {
      checkText(title, 60);
      expect(text.length).toBeGreaterThanOrEqual(1);
      expect(text.length).toBeLessThanOrEqual(4);
      for (const paragraph of text) {
        checkText(paragraph, 420);
        expect(paragraph).toMatch(/[.:]$/);
      }
    }
  });

  it("begins with a tree that can be read", () => {
    const { tree, domains } = story.setup;
    expect(readListing(tree ?? "").problems).toEqual([]);
    expect(new Set(domains.map(({ domid }) => domid)).size).toBe(domains.length);
  });

  it("comes true on a real store", async () => {
    const engine = await opened(story);
    const { history, store } = engine.session;
    for (const [index, step] of story.steps.entries()) {
      const before = history.last;
      const result = await runStep(engine, step);
      expect(result, `step ${index + 1}: ${step.title}`).toEqual({ unmet: [], problem: null });
      const codes = [...history.operations.from(before + 1)].map(({ error }) => error);
      const named = REFUSED[`${story.id} ${index + 1}`] ?? [];
      expect(codes, `step ${index + 1}: ${step.title}`).toEqual(expect.arrayContaining(named));
    }
    expect(await store.check()).toMatch(/no faults/);
  });

  it("does only what can be done", () => {
    const scene = new Scene(story);
    for (const step of story.steps) scene.play(step);
  });
});

const wasm = fs.readFileSync("build/xenstore.wasm");

/** The engine with the scenario open, as the page has it. */
async function opened(story: Scenario): Promise<Engine> {
  const { engine } = makeEngine(wasm, () => {});
  const session = await engine.open(() => scenarioBeginning(story));
  onTestFinished(() => session.close());
  return engine;
}

function checkText(text: string, most: number): void {
  expect(text.length, text).toBeLessThanOrEqual(most);
  expect(text, text).toMatch(/^([A-Z\d`]|dom\d|netback|netfront).*\S$/s);
  expect(text, text).not.toMatch(/!|\s\s|\n/);
  expect((text.match(/`/g) ?? []).length % 2, text).toBe(0);
}

/** What is there while a scenario goes on, as far as its actions need it. */
class Scene {
  readonly #there = new Set([0]);
  readonly #held = new Set<number>();
  readonly #watching = new Set<number>();
  readonly #open = new Set<string>();
  readonly #ended = new Set<string>();
  #spoke = new Set<number>();
  #committed = false;

  constructor({ setup }: Scenario) {
    for (const { domid } of setup.domains) this.#there.add(domid);
  }

  play({ title, do: actions, expect: expected, show }: Step): void {
    this.#spoke = new Set();
    this.#committed = false;
    for (const action of actions) this.#act(action);
    for (const one of expected) {
      if ("path" in one) expect(one.path, title).toMatch(/^[/@\w]/);
      if (one.kind === "out" || one.kind === "err") expect(this.#spoke, title).toContain(one.domid);
      if (one.kind === "event" || one.kind === "noEvent") {
        expect(this.#watching, title).toContain(one.domid);
      }
      if (one.kind === "commit") expect(this.#committed, title).toBe(true);
    }
    if (show?.path !== undefined) expect(show.path).toMatch(/^\//);
  }

  #act(action: Action): void {
    const domid = "domid" in action ? action.domid : null;
    const adds = action.kind === "domain" && action.what === "add";
    if (domid !== null && !adds) expect(this.#there).toContain(domid);
    switch (action.kind) {
      case "console":
      case "repeat":
        this.#line(action.domid, action.line);
        break;
      case "domain":
        if (adds) this.#add(action.domid);
        if (action.what === "kill") this.#there.delete(action.domid);
        break;
      case "hold":
        expect(this.#held).not.toContain(action.domid);
        this.#held.add(action.domid);
        break;
      case "reconnect":
        expect(this.#held.delete(action.domid)).toBe(true);
        break;
      case "compose":
      case "put":
      case "take":
      case "break":
        expect(this.#held).toContain(action.domid);
        break;
      case "begin":
        expect(this.#open).not.toContain(action.name);
        this.#open.add(action.name);
        break;
      case "in":
        expect(this.#open).toContain(action.name);
        this.#command(["xenstore", ...splitWords(action.line)]);
        break;
      case "commit":
      case "abort":
        expect(this.#open.delete(action.name)).toBe(true);
        this.#ended.add(action.name);
        this.#committed ||= action.kind === "commit";
        break;
      case "retry":
        expect(this.#ended.delete(action.name)).toBe(true);
        this.#open.add(action.name);
    }
  }

  #add(domid: number): void {
    expect(this.#there).not.toContain(domid);
    this.#there.add(domid);
    this.#held.delete(domid);
    this.#watching.delete(domid);
  }

  #line(domid: number, line: string): void {
    expect(this.#held).not.toContain(domid);
    const [program = "", ...rest] = splitWords(line);
    const command = this.#command([program, ...rest]);
    if (command === "watch") this.#watching.add(domid);
    else this.#spoke.add(domid);
  }

  #command([program = "", ...rest]: readonly string[]): string {
    const command = program === "xenstore" ? (rest[0] ?? "") : program.replace(/^xenstore-/, "");
    expect(COMMANDS).toContain(command);
    return command;
  }
}
