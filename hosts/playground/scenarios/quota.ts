// Quota: the scenario about a guest that runs into its limits.
// Holds   data.
// Never   does anything.
// Source  the XenStore protocol, Quotas.

import type { Scenario } from "../model/scenario.ts";
import { err, missing, notWritten, out, run, told, value } from "./make.ts";

const LIMIT = 20;
const HOME = "/local/domain/1";
const LARGE = "x".repeat(140);

export const quota: Scenario = {
  id: "quota",
  title: "A guest runs into its limits",
  summary: "What counts, what the store answers, and the node that counts though another made it.",
  group: "Trouble",
  setup: {
    domains: [{ domid: 1, name: "guest", home: "own" }],
    quota: { nodes: LIMIT, "node-size": 160 },
  },
  steps: [
    {
      title: "What a guest may use",
      text: told`
        Every guest could fill the store's memory, so each has limits: nodes, the size of a node,
        watches, open transactions, requests that are under way, and memory. dom0 has none.

        The limits are small here so that they are soon reached: ${LIMIT} nodes, of 160 bytes each.
        Real hosts allow 1000 nodes, of 2048 bytes. The view Quotas has the meters: dom1 owns one
        node, its home.
      `,
      do: [run(0, "xenstore-control quota 1")],
      show: { view: "quotas", domid: 1, path: HOME },
      expect: [],
    },
    {
      title: "It fills up",
      text: told`
        The guest writes 18 nodes. With its home and the directory \`data\`, which was made on the
        way, it owns 20: exactly what it may.
      `,
      do: [{ kind: "repeat", domid: 1, line: "xenstore-write data/{i} x", times: 18 }],
      show: { view: "quotas", domid: 1, path: `${HOME}/data` },
      expect: [value(`${HOME}/data/18`, "x")],
    },
    {
      title: "One too many",
      text: told`
        The next node is refused: ENOSPC, as on a disk that is full. The tool says only that it
        could not write; the Packets have the code.

        What is there can still be changed and removed. The guest changes a value.
      `,
      do: [run(1, "xenstore-write data/19 x"), run(1, "xenstore-write data/18 y")],
      show: { view: "packets", domid: 1, path: `${HOME}/data` },
      expect: [missing(`${HOME}/data/19`), value(`${HOME}/data/18`, "y")],
    },
    {
      title: "Too large",
      text: told`
        A node's size is its value, 8 bytes for each permission, the names of its children and 16
        bytes more. 140 bytes of value are too many for a limit of 160: ENOSPC again, although it is
        another limit.

        The names of children count, too: a directory with very many of them is full before the
        guest has used up its nodes.
      `,
      do: [run(1, `xenstore-write data/18 ${LARGE}`)],
      show: { view: "packets", domid: 1, path: `${HOME}/data/18` },
      expect: [err(1, notWritten("data/18")), value(`${HOME}/data/18`, "y")],
    },
    {
      title: "The trap: a gift that counts",
      text: told`
        dom0 writes a node into the guest's home. dom0 has no limit, so it succeeds. But a node
        inherits its permissions and so its owner: the node belongs to dom1, and dom1 has 21 of 20
        now.

        The guest removes one of its own nodes and tries to make it again. It can't: 20 are owned,
        and one more would be too many. A guest that fails for no reason it can see is often such a
        case.
      `,
      do: [
        run(0, `xenstore-write ${HOME}/note hello`),
        run(1, "xenstore-rm data/1"),
        run(1, "xenstore-write data/1 x"),
      ],
      show: { view: "quotas", domid: 1, path: `${HOME}/note` },
      expect: [err(1, notWritten("data/1")), missing(`${HOME}/data/1`)],
    },
    {
      title: "Who owns it, pays",
      text: told`
        The owner is what counts, not who made the node nor where it is. dom0 makes itself the owner
        and lets the guest read: \`n0 r1\`. The guest has room again.

        That is how toolstacks do it: what they make in a guest's home belongs to dom0, unless the
        guest must write it.
      `,
      do: [run(0, `xenstore-chmod ${HOME}/note n0 r1`), run(1, "xenstore-write data/1 x")],
      show: { view: "quotas", domid: 1, path: `${HOME}/note` },
      expect: [value(`${HOME}/data/1`, "x")],
    },
    {
      title: "Another limit",
      text: told`
        The administrator raises the limit while everything runs, for all guests. In the view Quotas
        you can do it for a single one.

        A limit that is lowered below what a guest owns takes nothing away: the guest can only not
        grow.
      `,
      do: [run(0, "xenstore-control quota set nodes 40"), run(1, "xenstore-write data/19 x")],
      show: { view: "quotas", domid: 1, path: `${HOME}/data` },
      expect: [out(0, "OK"), value(`${HOME}/data/19`, "x")],
    },
  ],
};
