// Balloon: the scenario about a guest that gives memory back.
// Holds   data.
// Never   does anything.
// Source  traffic of a real host: xl mem-set.

import type { Scenario } from "../model/scenario.ts";
import {
  begin,
  commit,
  committed,
  err,
  events,
  heard,
  listed,
  notWritten,
  out,
  run,
  told,
  value,
} from "./make.ts";

const HOME = "/local/domain/1";
const VM = "/vm/73b5a5e6-e666-41f1-a1f9-9e959077786a";

export const balloon: Scenario = {
  id: "balloon",
  title: "A guest gives memory back",
  summary: "The toolstack writes a number; the guest's balloon driver hears of it and follows.",
  group: "Devices",
  setup: {
    tree: [
      listed(HOME, "n0,r1", { vm: VM, name: "db", domid: "1" }),
      listed(`${HOME}/memory`, "n0,r1", {
        "static-max": "1048576",
        target: "1048576",
        videoram: "0",
      }),
      listed(`${HOME}/data`, "n1"),
      listed(VM, "n0,r1", { name: "db", memory: "1024" }),
    ].join("\n"),
    domains: [{ domid: 1, name: "db", home: "none" }],
  },
  steps: [
    {
      title: "How much may it have",
      text: told`
        Three numbers in the guest's home tell of its memory, in KiB: \`static-max\`, the most it
        can ever have, fixed when it was built; \`target\`, what it is to use now; and \`videoram\`,
        which does not count.

        Select \`target\` in the tree: 1048576 KiB are 1 GiB.
      `,
      do: [run(1, "xenstore-read memory/static-max memory/target")],
      show: { view: "domains", domid: 1, path: `${HOME}/memory/target` },
      expect: [out(1, "1048576\n1048576")],
    },
    {
      title: "The balloon driver watches",
      text: told`
        The balloon driver in the guest's kernel watches one node. Like every watch, it fires once
        at the beginning, so the driver starts from the value that is there.
      `,
      do: [run(1, "xenstore-watch memory/target")],
      show: { view: "domains", domid: 1, path: `${HOME}/memory/target` },
      expect: [heard(1, "memory/target")],
    },
    {
      title: "The toolstack asks for half",
      text: told`
        \`xl mem-set db 512\` reads the limits and writes the new target in one transaction: if
        somebody changed them meanwhile, the commit would fail and xl would look again.

        The guest hears of the change when the transaction is committed, not before.
      `,
      do: [
        ...begin(
          "mem-set",
          0,
          `read ${HOME}/memory/target`,
          `read ${HOME}/memory/static-max`,
          `read ${HOME}/memory/videoram`,
          `write ${HOME}/memory/target 524288`,
          `write ${VM}/memory 512`,
        ),
        commit("mem-set"),
      ],
      show: { view: "transactions", domid: 1, path: `${HOME}/memory/target` },
      expect: [
        committed(),
        value(`${HOME}/memory/target`, "524288"),
        heard(1, "memory/target"),
        events(`${HOME}/memory/target`, 1),
      ],
    },
    {
      title: "The guest follows",
      text: told`
        The driver reads the target, takes pages away from the guest's own kernel, and gives them
        back to Xen by hypercalls. The store moves no memory: it carries a wish.

        How far the guest has come is not told here. An agent in the guest may write what it sees,
        for whoever wants to know; it is only the guest's word.
      `,
      do: [
        run(1, "xenstore-read memory/target"),
        run(1, "xenstore-write data/meminfo_total 524288"),
      ],
      show: { view: "domains", domid: 1, path: `${HOME}/data/meminfo_total` },
      expect: [value(`${HOME}/data/meminfo_total`, "524288")],
    },
    {
      title: "The guest can't raise it",
      text: told`
        What if the guest writes a larger target itself? The node belongs to dom0 and the guest has
        only an \`r\`: EACCES. And even if it could, Xen has a limit of its own for each domain.
      `,
      do: [run(1, "xenstore-write memory/target 1048576")],
      show: { view: "packets", domid: 1, path: `${HOME}/memory/target` },
      expect: [err(1, notWritten("memory/target")), value(`${HOME}/memory/target`, "524288")],
    },
    {
      title: "The store does not judge",
      text: told`
        dom0 writes a target above \`static-max\`. The store takes it: to a store a value is only
        bytes. It is the tools and drivers that must check what they read.

        Watch the guest's console: it hears of that, too. A careful driver ignores it.
      `,
      do: [run(0, `xenstore-write ${HOME}/memory/target 2097152`)],
      show: { view: "domains", domid: 1, path: `${HOME}/memory/target` },
      expect: [value(`${HOME}/memory/target`, "2097152"), heard(1, "memory/target")],
    },
  ],
};
