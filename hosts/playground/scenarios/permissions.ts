// Permissions: the scenario about who may do what with a node.
// Holds   data.
// Never   does anything.
// Source  the XenStore protocol, Permissions.

import type { Scenario } from "../model/scenario.ts";
import { err, lens, listed, notRead, notWritten, out, run, told, value } from "./make.ts";

const WEB = "/local/domain/3";
const KEY = `${WEB}/key`;

export const permissions: Scenario = {
  id: "permissions",
  title: "Who may do what",
  summary:
    "Owners, entries for single domains, everybody else, and a domain that acts for another.",
  group: "First steps",
  setup: {
    tree: listed("/notice", "n0"),
    domains: [
      { domid: 3, name: "web", home: "own" },
      { domid: 5, name: "db", home: "own" },
      { domid: 6, name: "device-model", home: "own" },
    ],
  },
  steps: [
    {
      title: "The first entry: owner, and everybody else",
      text: told`
        Each node has a list of permissions. The first entry says two things: its number is the
        owner, who may do everything; its letter is what everybody else gets: n nothing, r reading,
        w writing, b both.

        dom3 writes a node in its home. It inherits the list of the node above it, \`n3\`: dom3 owns
        it, nobody else gets anything. So dom5 is refused.

        The tree is now seen through dom5's eyes: the lens. What dom5 can't read is marked. Select
        the node to see why, for each domain.
      `,
      do: [run(3, "xenstore-write key 42"), run(5, `xenstore-read ${KEY}`), lens(5)],
      show: { view: "domains", domid: 5, path: KEY },
      expect: [value(KEY, "42"), err(5, notRead(KEY))],
    },
    {
      title: "An entry for one domain",
      text: told`
        The entries behind the first one give rights to single domains. dom3, as the owner, adds
        \`r5\`: dom5 may read.

        dom5 reads by the whole path, although it can't read \`/local/domain/3\` above the node:
        only the node itself counts, not the way to it.
      `,
      do: [run(3, "xenstore-chmod key n3 r5"), run(5, `xenstore-read ${KEY}`)],
      show: { view: "domains", domid: 5, path: KEY },
      expect: [out(5, "42")],
    },
    {
      title: "Reading is not writing",
      text: told`
        dom5 tries to write, which r does not give. Then dom3 makes the entry a \`b\`, both, and
        dom5 writes.

        The list is always replaced as a whole: there is no request to add an entry.
      `,
      do: [
        run(5, `xenstore-write ${KEY} 43`),
        run(3, "xenstore-chmod key n3 b5"),
        run(5, `xenstore-write ${KEY} 44`),
      ],
      show: { view: "packets", domid: 5, path: KEY },
      expect: [value(KEY, "44")],
    },
    {
      title: "A new node inherits",
      text: told`
        dom3 makes a node below \`key\`. It gets a copy of the list above it, so dom5 may read and
        write it, too.

        A copy, not a link: when dom3 takes the rights on \`key\` away, the node below keeps its own
        list, and dom5 still reads it. Use \`xenstore-chmod -r\` to change all nodes below.
      `,
      do: [
        run(3, "xenstore-write key/part half"),
        run(3, "xenstore-chmod key n3"),
        run(5, `xenstore-read ${KEY}/part`),
      ],
      show: { view: "domains", domid: 5, path: `${KEY}/part` },
      expect: [out(5, "half")],
    },
    {
      title: "Order matters",
      text: told`
        For a domain that does not own the node, the first entry behind the owner's that names it is
        the only one that counts. In \`n0 r3 b3\` dom3 may only read; the \`b3\` is in vain.

        And an entry can take away: with \`r0 n5\` everybody may read, but not dom5.
      `,
      do: [
        run(0, "xenstore-chmod /notice n0 r3 b3"),
        run(3, "xenstore-write /notice mine"),
        run(0, "xenstore-chmod /notice r0 n5"),
        run(5, "xenstore-read /notice"),
        run(6, "xenstore-read /notice"),
      ],
      show: { view: "domains", domid: 5, path: "/notice" },
      expect: [err(3, notWritten("/notice")), err(5, notRead("/notice")), out(6, "")],
    },
    {
      title: "An owner can't give a node away",
      text: told`
        dom3 tries to make dom5 the owner of its node. That would also charge the node to dom5's
        limit, so only dom0 may do it. The answer is EPERM: not the rights are missing, the thing
        itself is not allowed.
      `,
      do: [run(3, "xenstore-chmod key n5")],
      show: { view: "packets", domid: 3, path: KEY },
      expect: [
        err(
          3,
          "xenstore-chmod: Error occurred setting permissions on 'key': Operation not permitted",
        ),
      ],
    },
    {
      title: "A domain that acts for another",
      text: told`
        A device model can run in a domain of its own, a stub domain. dom0 sets its target: the
        guest that it works for. From then on it has the rights of both.

        dom6 is refused first. Then its target is dom3, and it reads. The lens shows the tree as
        dom6 sees it now.
      `,
      do: [
        run(6, `xenstore-read ${KEY}`),
        { kind: "target", domid: 6, target: 3 },
        run(6, `xenstore-read ${KEY}`),
        lens(6),
      ],
      show: { view: "domains", domid: 6, path: KEY },
      expect: [out(6, "44")],
    },
  ],
};
