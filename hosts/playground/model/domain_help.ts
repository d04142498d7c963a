// Domain help: what is done to domains, and what that does in the store, in words.
// Holds   the actions, when there is which, and their texts.
// Never   does anything.
// Source  the XenStore protocol, domains.

import type { DomainInfo } from "./protocol.ts";

export type DomainAction =
  | "introduce"
  | "release"
  | "shutdown"
  | "reboot"
  | "kill"
  | "target"
  | "forget";

export interface ActionText {
  readonly action: DomainAction;
  readonly label: string;
  /** One or two sentences: what happens in the store. */
  readonly help: string;
}

export const ACTIONS: readonly ActionText[] = [
  {
    action: "introduce",
    label: "Introduce",
    help:
      "The store maps the domain's ring and serves it; @introduceDomain fires. " +
      "Indexes begin at 0 and an error of the ring is cleared.",
  },
  {
    action: "release",
    label: "Release",
    help:
      "The store lets go of the ring as if the domain had died: its watches and transactions end, " +
      "nodes it owns are removed, then @releaseDomain fires. The domain itself runs on.",
  },
  {
    action: "shutdown",
    label: "Shut down",
    help: "The domain says that it is done: @releaseDomain fires. Its nodes and its ring stay.",
  },
  {
    action: "reboot",
    label: "Reboot",
    help:
      "The domain ends and another one begins with the same number: nodes it owned go, " +
      "@releaseDomain and @introduceDomain fire, and it gets a new home.",
  },
  {
    action: "kill",
    label: "Kill",
    help:
      "The domain ends: nodes it owns are removed, its permissions on others are stripped, its " +
      "watches and transactions end, then @releaseDomain fires.",
  },
  {
    action: "target",
    label: "Target",
    help:
      "Gives the domain the rights of another one on every node, as a stub domain has those of " +
      "the guest it works for. Both must be introduced; releasing and introducing it takes that away.",
  },
  {
    action: "forget",
    label: "Forget",
    help: "Takes a dead domain from this list. The store has forgotten it already.",
  },
];

const BY_NAME = new Map(ACTIONS.map((one) => [one.action, one]));

export function actionText(action: DomainAction): ActionText {
  return BY_NAME.get(action) as ActionText;
}

/** What can be done to a domain now, in the order of the buttons. */
export function actionsFor(domain: DomainInfo): readonly DomainAction[] {
  if (domain.domid === 0) return [];
  if (domain.state === "dead") return ["reboot", "forget"];
  const runs = domain.state === "running";
  if (!domain.introduced) return runs ? ["introduce", "reboot", "kill"] : ["reboot", "kill"];
  return runs
    ? ["release", "shutdown", "reboot", "kill", "target"]
    : ["release", "reboot", "kill", "target"];
}

/** What was done, for the status line and screen readers. */
export function doneText(action: DomainAction, domid: number, target?: number): string {
  const who = `Domain ${domid}`;
  if (action === "target") return `${who} has domain ${target} as its target now.`;
  const ends = {
    introduce: "is introduced.",
    release: "is released.",
    shutdown: "has shut down.",
    reboot: "has rebooted.",
    kill: "has ended.",
    forget: "is forgotten.",
  };
  return `${who} ${ends[action]}`;
}

/** The state of a domain in words. */
export function stateText({ state }: DomainInfo): string {
  return { running: "running", shutdown: "shut down", dead: "dead" }[state];
}

/** Whether a domain was given a name of its own. */
export function isNamed({ domid, name }: Pick<DomainInfo, "domid" | "name">): boolean {
  const plain = name.toLowerCase();
  return !["", `dom${domid}`, `domain ${domid}`, `domain-${domid}`].includes(plain);
}

/** The homes a new domain can get. */
export const HOMES = [
  {
    home: "own",
    label: "its own, empty",
    help: "An empty /local/domain/<domid> that the domain owns: it may write all below it.",
  },
  {
    home: "xl",
    label: "as xl makes it",
    help:
      "What xl create makes: the home, cpu, memory, device, control and domid belong to domain 0 " +
      "and the domain may only read them; data, drivers, feature, attr and error are its own.",
  },
] as const;

/** Number of a domain that is not in use yet. */
export function nextDomid(domains: readonly { readonly domid: number }[]): number {
  const used = new Set(domains.map(({ domid }) => domid));
  let next = 1;
  while (used.has(next)) next++;
  return next;
}
