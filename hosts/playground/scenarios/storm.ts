// Storm: the scenario about many watches on one directory.
// Holds   data.
// Never   does anything.
// Source  the XenStore protocol, Watches.

import type { Action, Scenario } from "../model/scenario.ts";
import { events, heard, listed, run, silent, stop, told, value } from "./make.ts";

const CROWD = [1, 2, 3, 4, 5, 6];
const NEWS = "/news";

export const storm: Scenario = {
  id: "storm",
  title: "One write, many events",
  summary: "Six domains watch one directory: what a write costs, and how to watch less.",
  group: "Trouble",
  setup: {
    tree: listed(NEWS, "r0", { price: "1" }),
    domains: CROWD.map((domid) => ({ domid, name: `reader-${domid}`, home: "own" })),
  },
  steps: [
    {
      title: "Everybody watches",
      text: told`
        Six guests watch \`/news\`, a directory that all may read. On a real host many tools follow
        the whole of \`/local/domain\` like that.

        A watch hears of everything at or below its node.
      `,
      do: CROWD.map((domid): Action => run(domid, `xenstore-watch ${NEWS}`)),
      show: { view: "domains", domid: 1, path: NEWS },
      expect: CROWD.map((domid) => heard(domid, NEWS)),
    },
    {
      title: "One write",
      text: told`
        dom0 writes one node. Six events go out, one for each watch; each wakes a domain, which then
        reads the node: six more requests.

        The Timeline shows it: one request, and a fan of arrows.
      `,
      do: [run(0, `xenstore-write ${NEWS}/price 2`)],
      show: { view: "timeline", domid: 0, path: `${NEWS}/price` },
      expect: [events(`${NEWS}/price`, 6), heard(6, `${NEWS}/price`)],
    },
    {
      title: "A hundred writes",
      text: told`
        The storm: a hundred writes cause six hundred events. The work grows with writes times
        watches, and that is why one busy node can make a whole host slow.

        Events are hints, not a log. A reader that is slow does not get a hundred of them: an event
        that still waits for it is not queued a second time, as it will read the newest value
        anyway.
      `,
      do: [{ kind: "repeat", domid: 0, line: `xenstore-write ${NEWS}/price {i}`, times: 100 }],
      show: { view: "packets", domid: 0, path: `${NEWS}/price` },
      expect: [value(`${NEWS}/price`, "100"), events(`${NEWS}/price`, 6)],
    },
    {
      title: "A steady load",
      text: told`
        This starts a load that does not end by itself: 200 writes a second by several domains, in
        nodes of their own. The rate is shown at the top.

        It is a good moment to look at the Timeline, the Packets and the Quotas while something
        happens.
      `,
      do: [{ kind: "load", rate: 200 }],
      show: { view: "timeline", domid: 0 },
      expect: [],
    },
    {
      title: "Quiet again",
      text: told`
        The load ends, and dom1 to dom6 stop watching. Watches cost nothing while nothing happens
        below them, but each must be taken back when it is not needed any more.
      `,
      do: [{ kind: "load", rate: 0 }, ...CROWD.map(stop)],
      show: { view: "domains", domid: 1 },
      expect: [],
    },
    {
      title: "Watch less",
      text: told`
        Who only wants to know whether something appears directly in \`/news\` says so: \`-d 1\`
        hears changes at most one level below. dom1 does that, dom2 says \`-d 0\`: the node itself
        and nothing below it.

        dom0 writes one level below. dom1 hears it, dom2 does not. Older daemons know no depth; the
        next best thing is to watch the one node that matters.
      `,
      do: [
        run(1, `xenstore-watch -d 1 ${NEWS}`),
        run(2, `xenstore-watch -d 0 ${NEWS}`),
        run(0, `xenstore-write ${NEWS}/price 101`),
      ],
      show: { view: "timeline", domid: 1, path: `${NEWS}/price` },
      expect: [heard(1, `${NEWS}/price`), silent(2, `${NEWS}/price`)],
    },
  ],
};
