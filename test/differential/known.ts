// Known: every difference between our answers and a peer's that has a name and a reason.
// Holds   a rule for each; a rule sees one request and what both sides made of it.
// Never   excuses anything in general: a rule that applies explains the whole difference.
// Source  the specification's notes on C 4.17 and on oxenstored, and its list of departures.

import {
  XS_CONTROL,
  XS_DIRECTORY,
  XS_GET_DOMAIN_PATH,
  XS_GET_FEATURE,
  XS_GET_PERMS,
  XS_INTRODUCE,
  XS_IS_DOMAIN_INTRODUCED,
  XS_MKDIR,
  XS_RELEASE,
  XS_RESUME,
  XS_RM,
  XS_SET_PERMS,
  XS_SET_QUOTA,
  XS_SET_TARGET,
  XS_TRANSACTION_END,
  XS_TRANSACTION_START,
  XS_UNWATCH,
  XS_WATCH,
  XS_WRITE,
} from "../../assembly/xs_wire.ts";
import { ERROR, type Message, WATCH_EVENT } from "../message.ts";
import type { Outcome } from "./side.ts";
import type { Act } from "./step.ts";

type Request = Extract<Act, { kind: "request" }>;

/** One request and what both sides made of it; what is no request has the type -1. */
export type Meeting = {
  act: Request;
  /** "OK", "ENOENT" or the payload as it is; "" when there was no reply. */
  peerReply: string;
  ourReply: string;
  peer: Outcome;
  ours: Outcome;
  /** Everything but the reply is the same on both sides. */
  sameEvents: boolean;
  /** So it is when events of one domain, "@releaseDomain/3", are left out on our side. */
  sameButDomainEvents: boolean;
  /** So it is when the position of the reply does not count either. */
  sameEventsButDomainEvents: boolean;
  /** The transaction touched, or touches, something after others had changed the store. */
  touchedLate: boolean;
  /** The transaction gives a node to a domain that is gone. */
  givesToGone: boolean;
  /** Domids that were released or have died since the sequence began. */
  gone: ReadonlySet<number>;
  /** Our core judges conflicts as the C daemon does. */
  strict: boolean;
};

export type Rule = {
  name: string;
  /** Neutral, in a sentence: what the peer answers, what ours answers, and why. */
  reason: string;
  applies(meeting: Meeting): boolean;
  /** The stores differ from here on, so the sequence ends. */
  ends(meeting: Meeting): boolean;
};

const never = () => false;
const always = () => true;
const accepted = ({ peerReply, ourReply }: Meeting) => isOk(peerReply) !== isOk(ourReply);
const isOk = (reply: string) => !/^E[A-Z0-9]+$/.test(reply);

const TAKE_DOMIDS: readonly number[] = [
  XS_GET_DOMAIN_PATH,
  XS_IS_DOMAIN_INTRODUCED,
  XS_INTRODUCE,
  XS_RELEASE,
  XS_RESUME,
  XS_RM,
  XS_SET_TARGET,
];

/** Requests that make a node larger, or its parent; where exactly the limit is, test/spec checks. */
const GROW_NODES: readonly number[] = [XS_WRITE, XS_MKDIR, XS_SET_PERMS];

/** Rules for the C daemon of 4.17. */
export const C417: readonly Rule[] = [
  {
    name: "domid-syntax",
    reason:
      "C 4.17 reads a domid up to the first character that is no digit and takes any size; " +
      "newer ones and ours answer EINVAL to anything that is not a number up to 65535",
    applies: ({ act, ourReply, peerReply, sameEvents }) =>
      TAKE_DOMIDS.includes(act.type) &&
      ourReply === "EINVAL" &&
      peerReply !== "EINVAL" &&
      sameEvents &&
      oddDomid(act.payload),
    ends: ({ act, peerReply }) =>
      act.type !== XS_GET_DOMAIN_PATH && act.type !== XS_IS_DOMAIN_INTRODUCED && isOk(peerReply),
  },
  {
    name: "introduce-port",
    reason: "C 4.17 takes a negative port in INTRODUCE; newer ones and ours answer EINVAL",
    applies: ({ act, peerReply, ourReply }) =>
      act.type === XS_INTRODUCE &&
      ourReply === "EINVAL" &&
      peerReply === "OK" &&
      Number.parseInt(act.payload.split("\0")[2], 10) < 0,
    ends: always,
  },
  {
    name: "watch-depth",
    reason: "C 4.17 answers EINVAL to a third string of WATCH; newer ones and ours take a depth",
    applies: ({ act, peerReply }) =>
      act.type === XS_WATCH && peerReply === "EINVAL" && act.payload.split("\0").length === 4,
    ends: accepted,
  },
  {
    name: "special-get-perms",
    reason: "C 4.17 answers EINVAL to GET_PERMS of a special node; newer ones and ours serve it",
    applies: ({ act, peerReply, sameEvents }) =>
      act.type === XS_GET_PERMS && isSpecial(act.payload) && peerReply === "EINVAL" && sameEvents,
    ends: never,
  },
  {
    name: "special-set-perms-event",
    reason:
      "C fires an event when the permissions of a special node change; ours does not, since no " +
      "domain came or went",
    applies: ({ act, peerReply, ourReply, peer, ours }) =>
      act.type === XS_SET_PERMS &&
      isSpecial(act.payload) &&
      peerReply === ourReply &&
      events(ours).length === 0 &&
      events(peer).every(({ payload }) => isSpecial(payload)),
    ends: never,
  },
  {
    name: "events-of-one-domain",
    reason:
      "C 4.17 fires @releaseDomain only; newer ones and ours also fire @releaseDomain/<domid>, " +
      "and likewise for @introduceDomain",
    applies: ({ peerReply, ourReply, sameButDomainEvents }) =>
      peerReply === ourReply && sameButDomainEvents,
    ends: never,
  },
  {
    name: "release-order",
    reason:
      "C answers RELEASE before the events when the domain's ring is the next it would serve; " +
      "ours always sends the events first",
    applies: ({ act, peerReply, ourReply, sameEventsButDomainEvents }) =>
      act.type === XS_RELEASE &&
      peerReply === "OK" &&
      ourReply === "OK" &&
      sameEventsButDomainEvents,
    ends: never,
  },
  {
    name: "special-watch-characters",
    reason:
      "C 4.17 takes any characters behind a leading @ in WATCH; newer ones and ours check them",
    applies: ({ act, peerReply, ourReply }) =>
      act.type === XS_WATCH &&
      isSpecial(act.payload) &&
      peerReply === "OK" &&
      ourReply === "EINVAL",
    ends: always,
  },
  {
    name: "unwatch-path",
    reason: "C 4.17 does not check the path of UNWATCH and answers ENOENT; ours answers EINVAL",
    applies: ({ act, peerReply, ourReply, sameEvents }) =>
      act.type === XS_UNWATCH && peerReply === "ENOENT" && ourReply === "EINVAL" && sameEvents,
    ends: never,
  },
  {
    name: "privileged-long-path",
    reason:
      "C 4.17 limits everybody's paths to 2048 below a home; newer ones limit guests only, and " +
      "ours lets privileged callers have 3072 in all",
    applies: ({ act, peerReply, ourReply }) =>
      /^dom0/.test(act.conn) &&
      peerReply === "EINVAL" &&
      ourReply !== "EINVAL" &&
      belowHome(act.payload) > 2048,
    ends: always,
  },
  {
    name: "watch-quota-error",
    reason: "C 4.17 answers E2BIG when there are too many watches; newer ones and ours ENOSPC",
    applies: ({ act, peerReply, ourReply, sameEvents }) =>
      act.type === XS_WATCH && peerReply === "E2BIG" && ourReply === "ENOSPC" && sameEvents,
    ends: never,
  },
  {
    name: "entries-of-the-dead",
    reason:
      "C 4.17 keeps the permission entries of a domain that is gone, without effect; newer ones " +
      "and ours remove them",
    applies: ({ act, peerReply, ourReply, sameEvents, gone }) =>
      act.type === XS_GET_PERMS && sameEvents && withoutGone(peerReply, gone, ourReply),
    ends: never,
  },
  {
    name: "first-error-at-end",
    reason:
      "C answers ENOMEM at the END of a transaction that failed earlier; ours answers the error " +
      "that failed it, so that a client can tell a quota from memory",
    applies: ({ act, peerReply, ourReply, sameEvents }) =>
      act.type === XS_TRANSACTION_END &&
      peerReply === "ENOMEM" &&
      ourReply === "ENOSPC" &&
      sameEvents,
    ends: never,
  },
  {
    name: "newer-message-types",
    reason: "C 4.17 answers ENOSYS to the message types of 4.21 and 4.22; ours serves them",
    applies: ({ act, peerReply, sameEvents }) =>
      act.type >= XS_GET_FEATURE &&
      act.type <= XS_SET_QUOTA &&
      peerReply === "ENOSYS" &&
      sameEvents,
    ends: accepted,
  },
  {
    name: "control-text",
    reason: "CONTROL answers text for people, and ours has more commands",
    applies: ({ act, peerReply, ourReply }) =>
      act.type === XS_CONTROL && isOk(peerReply) && isOk(ourReply),
    ends: never,
  },
  {
    name: "nodes-of-different-times",
    reason:
      "C copies the nodes of a transaction one by one, so that a directory and its children may " +
      "be of different times, and removing such a directory is an error; ours shows one time",
    applies: ({ act, peerReply, touchedLate }) =>
      act.type === XS_RM &&
      act.txId !== 0 &&
      touchedLate &&
      (peerReply === "EIO" || peerReply === "EINVAL"),
    ends: always,
  },
  {
    name: "too-many-nodes-removed",
    reason:
      "C answers EIO when the limit of nodes in a transaction is met below the node that RM " +
      "names; ours answers ENOSPC, as for the node itself",
    applies: ({ act, peerReply, ourReply, sameEvents }) =>
      act.type === XS_RM &&
      act.txId !== 0 &&
      peerReply === "EIO" &&
      ourReply === "ENOSPC" &&
      sameEvents,
    ends: always,
  },
  {
    name: "node-size-head",
    reason:
      "C 4.17 counts 24 bytes for a node besides its entries, value and names, and refuses 2048 " +
      "in all; ours counts 16, as newer ones do, and takes 2048",
    applies: ({ act, peerReply, ourReply }) =>
      GROW_NODES.includes(act.type) &&
      /^dom[1-9]/.test(act.conn) &&
      peerReply === "ENOSPC" &&
      ourReply === "OK",
    ends: always,
  },
  {
    name: "snapshot-at-start",
    reason:
      "C copies a node into a transaction when it is first touched; ours shows the store as it " +
      "was at START",
    applies: ({ act, strict, touchedLate }) =>
      !strict && touchedLate && act.type !== XS_TRANSACTION_END,
    ends: always,
  },
  {
    name: "fewer-conflicts",
    reason:
      "C answers EAGAIN when any touched node changed in any way; ours only where a replay of " +
      "the transaction would answer differently",
    applies: ({ act, strict, peerReply, ourReply }) =>
      !strict && act.type === XS_TRANSACTION_END && peerReply === "EAGAIN" && ourReply === "OK",
    ends: always,
  },
  {
    name: "changed-before-first-touch",
    reason:
      "C commits when a node changed between START and its first touch; ours showed the node as " +
      "it was at START, and what was shown is no longer true",
    applies: ({ act, strict, peerReply, ourReply, touchedLate }) =>
      !strict &&
      touchedLate &&
      act.type === XS_TRANSACTION_END &&
      peerReply === "OK" &&
      ourReply === "EAGAIN",
    ends: always,
  },
  {
    name: "gives-to-the-dead",
    reason:
      "C commits a transaction that gives a node to a domain which has ended meanwhile; ours " +
      "answers EAGAIN, since the next domain with that number would own it",
    applies: ({ act, peerReply, ourReply, givesToGone }) =>
      givesToGone && act.type === XS_TRANSACTION_END && peerReply === "OK" && ourReply === "EAGAIN",
    ends: always,
  },
];

/** The first rule that explains a difference, or null. */
export function explain(rules: readonly Rule[], meeting: Meeting): Rule | null {
  return rules.find((rule) => rule.applies(meeting)) ?? null;
}

/** What a side answered to the request, in the form of `Meeting.peerReply`. */
export function replyOf(outcome: Outcome, conn: string): string {
  const reply = outcome.get(conn)?.messages.find(({ type }) => type !== WATCH_EVENT);
  if (reply === undefined) return "";
  if (reply.type === ERROR || reply.payload === "OK\0") return reply.payload.slice(0, -1);
  return reply.payload;
}

function events(outcome: Outcome): Message[] {
  const all = [...outcome.values()].flatMap(({ messages }) => messages);
  return all.filter(({ type }) => type === WATCH_EVENT);
}

const isSpecial = (payload: string) => payload.startsWith("@");

function oddDomid(payload: string): boolean {
  const strings = payload.split("\0").slice(0, 2);
  return strings.some((text) => !/^\s*\+?\d*$/.test(text) || Number(text) > 65535);
}

function belowHome(payload: string): number {
  const path = payload.split("\0")[0];
  return path.replace(/^\/local\/domain\/\d{1,5}\//, "").length;
}

/** Whether our entries are the peer's without some that name domains that are gone. */
function withoutGone(peerReply: string, gone: ReadonlySet<number>, ourReply: string): boolean {
  const ours = ourReply.split("\0");
  let at = 0;
  for (const entry of peerReply.split("\0")) {
    if (entry === ours[at]) at += 1;
    else if (at === 0 || !gone.has(Number(entry.slice(1)))) return false;
  }
  return at === ours.length;
}

/** Rules for the OCaml daemon of 4.17, where it is the better peer. */
export const OX417: readonly Rule[] = [
  {
    name: "sorted-children",
    reason:
      "oxenstored lists children in the order of their names, its special nodes among them; ours " +
      "in order of creation",
    applies: ({ act, peerReply, ourReply, sameEvents }) =>
      act.type === XS_DIRECTORY && sameEvents && sorted(peerReply) === sorted(ourReply),
    ends: never,
  },
  {
    name: "transaction-ids",
    reason: "oxenstored uses up an id for a replay; ours counts up one by one, as C does",
    applies: ({ act, peerReply, ourReply }) =>
      act.type === XS_TRANSACTION_START && isOk(peerReply) && isOk(ourReply),
    ends: never,
  },
  {
    name: "more-than-a-replay-asks",
    reason:
      "oxenstored commits whatever a replay answers alike; ours also answers EAGAIN when a " +
      "removed subtree changed or a node came or went that the transaction had looked for",
    applies: ({ act, peerReply, ourReply }) =>
      act.type === XS_TRANSACTION_END && peerReply === "OK" && ourReply === "EAGAIN",
    ends: always,
  },
];

const sorted = (list: string) =>
  list
    .split("\0")
    .filter((name) => !name.startsWith("@"))
    .sort()
    .join("\0");
