// Words for people: domains, quotas and rings in words.
// Holds   when there is which action, how near a limit is, what a ring's words mean.
// Never   needs a page.
// Source  our own.

import { expect, test } from "vitest";
import {
  ACTIONS,
  actionsFor,
  isNamed,
  nextDomid,
} from "../../hosts/playground/model/domain_help.ts";
import type { DomainInfo } from "../../hosts/playground/model/protocol.ts";
import { amountText, levelOf, number } from "../../hosts/playground/model/quota_words.ts";
import { errorWords, featureWords, wordWords } from "../../hosts/playground/model/ring_texts.ts";

const DOMAIN: DomainInfo = {
  domid: 3,
  name: "web",
  colour: 3,
  state: "running",
  introduced: true,
  target: null,
  home: "/local/domain/3",
  running: [],
  ringError: 0,
  held: false,
};

test("actions of a domain", () => {
  const all = new Set(ACTIONS.map(({ action }) => action));
  expect(actionsFor({ ...DOMAIN, domid: 0 })).toEqual([]);
  expect(actionsFor({ ...DOMAIN, state: "dead" })).toEqual(["reboot", "forget"]);
  expect(actionsFor({ ...DOMAIN, introduced: false })).toContain("introduce");
  expect(actionsFor({ ...DOMAIN, introduced: false })).not.toContain("target");
  expect(actionsFor({ ...DOMAIN, state: "shutdown" })).not.toContain("shutdown");
  for (const action of actionsFor(DOMAIN)) expect(all.has(action)).toBe(true);
});

test("names and numbers of domains", () => {
  expect(["", "dom3", "Domain-3", "domain 3"].some((name) => isNamed({ domid: 3, name }))).toBe(
    false,
  );
  expect(isNamed({ domid: 3, name: "dom33" })).toBe(true);
  expect(nextDomid([{ domid: 0 }, { domid: 1 }, { domid: 3 }])).toBe(2);
});

test("how near a limit is", () => {
  const meter = { name: "nodes", used: 12, highest: 20, limit: 1000 };
  expect(amountText(meter)).toBe("12 of 1000");
  expect(amountText({ ...meter, limit: 0 })).toBe("12, no limit");
  expect([12, 799, 800, 999, 1000, 1001].map((used) => levelOf({ ...meter, used }))).toEqual([
    ...["free", "free", "near", "near", "full", "over"],
  ]);
  expect(levelOf({ ...meter, limit: 0 })).toBe("off");
  expect(number(2621440)).toBe("2\u202f621\u202f440");
});

test("the words of a ring's page", () => {
  expect(featureWords(0)).toBe("none");
  expect(featureWords(5)).toBe("1 reconnection, 4 watches with a depth");
  expect(featureWords(0x8000_0001)).toContain("2147483648 unknown");
  expect(errorWords(9)).toBe("an error that has no name");
  expect(wordWords("reqProd", 1030)).toBe("byte 6 of the queue");
});
