// Conflict: the scenario about transactions that can and that can't both be committed.
// Holds   data.
// Never   does anything.
// Source  the XenStore protocol, Transactions.

import type { Scenario } from "../model/scenario.ts";
import { begin, commit, committed, listed, run, told, value, within } from "./make.ts";

const COUNTER = "/tool/counter";
const JOBS = "/tool/jobs";

export const conflict: Scenario = {
  id: "conflict",
  title: "Two transactions collide",
  summary: "Why a commit fails with EAGAIN, what to do then, and what does not conflict at all.",
  group: "Trouble",
  setup: {
    tree: [`${COUNTER} = "5"   (n0)`, listed(JOBS, "n0", { first: "1" })].join("\n"),
    domains: [],
  },
  steps: [
    {
      title: "Two programs read the same number",
      text: told`
        Two programs in dom0 both want to add 1 to a counter. Each begins a transaction and reads
        it: both see 5.

        The view Transactions shows each of them with the nodes it has touched, and whether its
        commit would succeed now.
      `,
      do: [...begin("first", 0, `read ${COUNTER}`), ...begin("second", 0, `read ${COUNTER}`)],
      show: { view: "transactions", path: COUNTER },
      expect: [value(COUNTER, "5")],
    },
    {
      title: "The first one commits",
      text: told`
        The first program writes 6. Until its commit nobody else sees that: the tree still has 5.
        Then it commits, and the tree has 6.

        Look at the second one's transaction: it would fail now. The reason is named, node and
        cause.
      `,
      do: [...within("first", `write ${COUNTER} 6`), commit("first")],
      show: { view: "transactions", path: COUNTER },
      expect: [committed(), value(COUNTER, "6")],
    },
    {
      title: "The second one gets EAGAIN",
      text: told`
        The second program has read 5, so it writes 6 as well, and tries to commit. If the store let
        it, one of the two would be lost: the counter would be 6 after two programs had added 1.

        The store refuses with EAGAIN: what this transaction has read is not true any more. Nothing
        of it is applied, and it is gone.
      `,
      do: [...within("second", `write ${COUNTER} 6`), commit("second")],
      show: { view: "transactions", path: COUNTER },
      expect: [committed("EAGAIN"), value(COUNTER, "6")],
    },
    {
      title: "Begin again, read again",
      text: told`
        EAGAIN is no failure but an invitation: begin anew, read again, compute again. Now the
        second program sees 6, writes 7 and succeeds.

        Programs do this in a loop. It is important that the reading is inside the loop: to write
        the same 6 again would be the very mistake that the store has prevented.
      `,
      do: [
        ...begin("second again", 0, `read ${COUNTER}`, `write ${COUNTER} 7`),
        commit("second again"),
      ],
      show: { view: "transactions", path: COUNTER },
      expect: [committed(), value(COUNTER, "7")],
    },
    {
      title: "These two don't conflict",
      text: told`
        Two transactions each make a node in the same directory. Neither has looked at what the
        other one changes, so both are committed here.

        The store compares what a transaction has seen, not where it was. The C daemon is more
        careful: it takes a new child as a change of the directory, and the second commit would be
        EAGAIN there. A program must be ready for both.
      `,
      do: [
        ...begin("left", 0, `write ${JOBS}/left 1`),
        ...begin("right", 0, `write ${JOBS}/right 1`),
        commit("left"),
        commit("right"),
      ],
      show: { view: "transactions", path: JOBS },
      expect: [committed(), value(`${JOBS}/left`, "1"), value(`${JOBS}/right`, "1")],
    },
    {
      title: "To list is to look",
      text: told`
        This transaction lists the directory before it adds a node. Meanwhile somebody else adds
        one, without a transaction.

        Now the list that it has seen is not the list any more: EAGAIN.
      `,
      do: [
        ...begin("lister", 0, `list ${JOBS}`, `write ${JOBS}/mine 1`),
        run(0, `xenstore-write ${JOBS}/theirs 1`),
        commit("lister"),
      ],
      show: { view: "transactions", path: JOBS },
      expect: [committed("EAGAIN"), value(`${JOBS}/theirs`, "1")],
    },
    {
      title: "The same lines once more",
      text: told`
        Here the same lines make sense a second time. The button Retry begins a new transaction and
        runs them again: the list is read anew, with the other node in it, and the commit succeeds.

        Go back in time to see where each of them stood.
      `,
      do: [{ kind: "retry", name: "lister" }, commit("lister")],
      show: { view: "transactions", path: JOBS },
      expect: [committed(), value(`${JOBS}/mine`, "1")],
    },
  ],
};
