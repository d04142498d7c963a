// Security (harm): advisories about filling, stalling and deceiving the store.
// Holds   data: XSA-206, XSA-325, XSA-326, XSA-419.
// Never   says more of a daemon than the advisory does.
// Source  the Xen security advisories 206, 325, 326 and 419.

import type { Action, Scenario } from "../model/scenario.ts";
import {
  begin,
  commit,
  committed,
  err,
  heard,
  listed,
  missing,
  notWritten,
  out,
  ringError,
  run,
  told,
  value,
} from "./make.ts";

export const xsa206: Scenario = {
  id: "xsa-206",
  title: "XSA-206: writing so that others fail",
  summary: "A guest writes without pause, to make the toolstack's transactions fail for ever.",
  group: "Security",
  setup: {
    tree: [
      listed("/local/domain/3", "n0,r3", { name: "guest" }),
      listed("/local/domain/3/data", "n3", { busy: "0" }),
    ].join("\n"),
    domains: [{ domid: 3, name: "guest", home: "none" }],
  },
  steps: [
    {
      title: "The idea",
      text: told`
        A transaction fails with EAGAIN when somebody changed what it depends on, and its owner
        tries again. A guest that writes all the time could make it fail each time. In 2017 that was
        a way to stall dom0's tools: nobody could start or stop a machine any more.

        Here the toolstack works on the guest's home in a transaction: it reads the name and writes
        a new one.
      `,
      do: begin("rename", 0, "read /local/domain/3/name", "write /local/domain/3/name renamed"),
      show: { view: "transactions", domid: 0, path: "/local/domain/3/name" },
      expect: [value("/local/domain/3/name", "guest")],
    },
    {
      title: "The guest writes and writes",
      text: told`
        The guest changes its own nodes, right beside the one that matters, and makes and removes
        others.

        Look at the transaction: none of this is anything it has looked at, so its commit would
        still succeed. That is the first line of defence: only a real conflict is one.
      `,
      do: [
        { kind: "repeat", domid: 3, line: "xenstore-write data/busy {i}", times: 30 },
        { kind: "repeat", domid: 3, line: "xenstore-write data/more/{i} x", times: 10 },
        run(3, "xenstore-rm data/more"),
      ],
      show: { view: "transactions", domid: 3, path: "/local/domain/3/data" },
      expect: [value("/local/domain/3/data/busy", "30")],
    },
    {
      title: "The toolstack gets through",
      text: told`
        The commit succeeds at the first attempt.
      `,
      do: [commit("rename")],
      show: { view: "transactions", domid: 0, path: "/local/domain/3/name" },
      expect: [committed(), value("/local/domain/3/name", "renamed")],
    },
    {
      title: "Where a guest can interfere",
      text: told`
        Some nodes are written by both sides. Here the toolstack reads a node of the guest's in its
        transaction, the guest changes it, and the commit fails, as it must.

        The second line of defence: while a transaction is open that has looked at a node, a guest
        that goes on changing that node is slowed down. It gets a small credit and then waits, so
        the toolstack's next attempt succeeds.
      `,
      do: [
        ...begin("look", 0, "read /local/domain/3/data/busy", "write /local/domain/3/seen yes"),
        run(3, "xenstore-write data/busy again"),
        commit("look"),
      ],
      show: { view: "transactions", domid: 0, path: "/local/domain/3/data/busy" },
      expect: [committed("EAGAIN"), missing("/local/domain/3/seen")],
    },
    {
      title: "Once more",
      text: told`
        The toolstack retries. Guests' tools should still leave alone what the toolstack works on,
        and toolstacks should read as little as they need inside a transaction.
      `,
      do: [{ kind: "retry", name: "look" }, commit("look")],
      show: { view: "transactions", domid: 0, path: "/local/domain/3/seen" },
      expect: [committed(), value("/local/domain/3/seen", "yes")],
    },
  ],
};

export const xsa325: Scenario = {
  id: "xsa-325",
  title: "XSA-325: the guest that was forgotten",
  summary: "A guest breaks its ring and dies later: its end must still be noticed.",
  group: "Security",
  setup: { domains: [{ domid: 3, name: "guest", home: "own" }] },
  steps: [
    {
      title: "Somebody waits for the end",
      text: told`
        When a domain has ended, its memory must be given back, its devices closed, its nodes
        removed. Whoever has to do that waits for \`@releaseDomain\`.

        In 2020 it was found that the C daemon, when a guest broke the rules of its ring, forgot
        that guest altogether: it fired \`@releaseDomain\` too early, while the guest was still
        there, and not at all when it really ended. A zombie was left, with all its memory.
      `,
      do: [run(0, "xenstore-watch @releaseDomain"), run(3, "xenstore-write notes here")],
      show: { view: "domains", domid: 0, path: "/local/domain/3" },
      expect: [heard(0, "@releaseDomain"), value("/local/domain/3/notes", "here")],
    },
    {
      title: "The guest breaks its ring",
      text: told`
        The guest writes nonsense into the page that it shares with the store. The store stops
        serving the ring, error 2, but it knows: this is the end of a conversation, not of a domain.

        No \`@releaseDomain\` here, and the guest's nodes stay.
      `,
      do: [
        { kind: "hold", domid: 3 },
        { kind: "break", domid: 3, how: "req-index" },
      ],
      show: { view: "ring", domid: 3 },
      expect: [
        ringError(3, 2),
        { kind: "noEvent", domid: 0, path: "@releaseDomain" },
        value("/local/domain/3/notes", "here"),
      ],
    },
    {
      title: "Then it dies",
      text: told`
        The domain is destroyed. The store was told by Xen, not by the ring: \`@releaseDomain\`
        fires now, and all that the guest owned is removed.
      `,
      do: [{ kind: "domain", what: "kill", domid: 3 }],
      show: { view: "domains", domid: 0, path: "/local/domain" },
      expect: [heard(0, "@releaseDomain"), missing("/local/domain/3")],
    },
  ],
};

const GUEST = "/local/domain/3";
const put: Action = { kind: "put", domid: 3, count: "message" };
const compose = (type: string, path: string, text: string): Action => {
  return { kind: "compose", domid: 3, type, path, value: text };
};
/** Requests that may be under way at once. */
const ASKED = 5;
const takeAll: Action = { kind: "take", domid: 3, count: 1024 };

export const xsa326: Scenario = {
  id: "xsa-326",
  title: "XSA-326: asking without listening",
  summary: "A guest sends requests and never reads a reply, to make the store keep them all.",
  group: "Security",
  setup: {
    domains: [
      { domid: 3, name: "deaf", home: "own" },
      { domid: 5, name: "other", home: "own" },
    ],
    quota: { outstanding: ASKED },
  },
  steps: [
    {
      title: "The idea",
      text: told`
        A reply that does not fit into the ring must wait in the store's memory until there is room.
        A guest that asks for large values and never takes a reply could make the daemon keep more
        and more. In 2022 an advisory listed that and several other ways to use up a daemon's
        memory.

        The guest prepares a large value, and then its ring is held: from now on it reads no reply.
      `,
      do: [run(3, `xenstore-write large ${"x".repeat(1100)}`), { kind: "hold", domid: 3 }],
      show: { view: "ring", domid: 3, path: `${GUEST}/large` },
      expect: [ringError(3, 0)],
    },
    {
      title: "Five requests",
      text: told`
        It asks for the large value five times. The queue of replies is full with most of the first
        reply; the rest of it and all others wait in the store.

        Look at the Quotas: five requests are outstanding, and that is the limit here. Real hosts
        allow twenty.
      `,
      do: Array.from({ length: ASKED }, () => [compose("READ", "large", ""), put]).flat(),
      show: { view: "quotas", domid: 3 },
      expect: [ringError(3, 0)],
    },
    {
      title: "The store stops reading",
      text: told`
        The next request lies in the ring, and stays there: the store does not read from a domain
        that has so many replies to take. What it keeps for this guest has an end, and no reply is
        lost.
      `,
      do: [compose("WRITE", "late", "1"), put],
      show: { view: "ring", domid: 3, path: GUEST },
      expect: [missing(`${GUEST}/late`), ringError(3, 0)],
    },
    {
      title: "Everybody else goes on",
      text: told`
        Nobody else feels any of this: dom5 and dom0 write and read as ever. A limit for each domain
        keeps the harm where it came from.
      `,
      do: [run(5, "xenstore-write fine yes"), run(0, "xenstore-read /local/domain/5/fine")],
      show: { view: "domains", domid: 5, path: "/local/domain/5/fine" },
      expect: [out(0, "yes")],
    },
    {
      title: "It listens at last",
      text: told`
        The guest takes all that is in the ring. The store fills it up again: the first reply is
        complete now, so one request less is outstanding, and the next one is read. The write that
        had to wait is done.
      `,
      do: [takeAll],
      show: { view: "ring", domid: 3, path: `${GUEST}/late` },
      expect: [value(`${GUEST}/late`, "1"), ringError(3, 0)],
    },
  ],
};

const SHARED = "/local/domain/5/drop";

export const xsa419: Scenario = {
  id: "xsa-419",
  title: "XSA-419: nodes that nobody paid for",
  summary: "Two guests work together: one fills the other's directory, ends, and comes back.",
  group: "Security",
  setup: {
    domains: [
      { domid: 3, name: "filler", home: "own" },
      { domid: 5, name: "helper", home: "own" },
    ],
    quota: { nodes: 20 },
  },
  steps: [
    {
      title: "An open directory",
      text: told`
        dom5 has a directory that dom3 may write to: \`n5 b3\`. What dom3 makes there, dom3 owns,
        and it counts against dom3's limit. The limit is 20 nodes here, so that it is soon reached.
      `,
      do: [
        run(5, "xenstore-write drop ''"),
        run(5, "xenstore-chmod drop n5 b3"),
        run(3, `xenstore-write ${SHARED}/first x`),
      ],
      show: { view: "quotas", domid: 3, path: SHARED },
      expect: [value(`${SHARED}/first`, "x")],
    },
    {
      title: "It is filled",
      text: told`
        dom3 makes as many nodes as it may. The next one is refused: its home and 19 others are 20.
      `,
      do: [
        { kind: "repeat", domid: 3, line: `xenstore-write ${SHARED}/{i} x`, times: 18 },
        run(3, `xenstore-write ${SHARED}/more x`),
      ],
      show: { view: "quotas", domid: 3, path: SHARED },
      expect: [value(`${SHARED}/18`, "x"), err(3, notWritten(`${SHARED}/more`))],
    },
    {
      title: "The filler ends",
      text: told`
        dom3 ends. In 2022 daemons gave the nodes of a dead domain to dom0, which has no limit. A
        new dom3 could then make as many again, and again: there was no end to it.

        Here the nodes of a dead domain are removed, wherever they are. dom5's directory is empty,
        and nobody has inherited anything.
      `,
      do: [{ kind: "domain", what: "kill", domid: 3 }, run(0, `xenstore-list ${SHARED}`)],
      show: { view: "quotas", domid: 5, path: SHARED },
      expect: [missing(`${SHARED}/1`), missing(`${SHARED}/first`), out(0, "")],
    },
    {
      title: "And comes back",
      text: told`
        A new domain gets the number 3. dom5 opens its directory again, as the old entry is gone as
        well, and the new dom3 begins at zero: its own 20 nodes, and not one more on the whole.
      `,
      do: [
        { kind: "domain", what: "add", domid: 3, name: "filler again", home: "own" },
        run(5, "xenstore-chmod drop n5 b3"),
        { kind: "repeat", domid: 3, line: `xenstore-write ${SHARED}/{i} x`, times: 19 },
        run(3, `xenstore-write ${SHARED}/more x`),
      ],
      show: { view: "quotas", domid: 3, path: SHARED },
      expect: [
        value(`${SHARED}/19`, "x"),
        err(3, notWritten(`${SHARED}/more`)),
        missing(`${SHARED}/more`),
      ],
    },
  ],
};
