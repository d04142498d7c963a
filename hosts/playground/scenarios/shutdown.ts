// Shutdown: the scenario about how a guest is asked to shut down, and what is left of it.
// Holds   data.
// Never   does anything.
// Source  traffic of a real host: xl shutdown; the XenStore protocol, domains.

import type { Scenario } from "../model/scenario.ts";
import {
  begin,
  commit,
  committed,
  events,
  heard,
  missing,
  run,
  stop,
  told,
  value,
} from "./make.ts";

const HOME = "/local/domain/1";
const ASKED = `${HOME}/control/shutdown`;

export const shutdown: Scenario = {
  id: "shutdown",
  title: "Please shut down",
  summary: "The toolstack asks, the guest acknowledges and goes, and everybody hears of it.",
  group: "Devices",
  setup: { domains: [{ domid: 1, name: "guest", home: "xl" }] },
  steps: [
    {
      title: "The guest is willing",
      text: told`
        A guest can't be shut down in an orderly way from outside: its own kernel must do that. So
        there is a node for requests, \`control/shutdown\`, and the guest watches it.

        It also tells what it acts on, by a node for each kind of request.
      `,
      do: [
        run(1, "xenstore-write control/feature-poweroff 1 control/feature-reboot 1"),
        run(1, "xenstore-watch control/shutdown"),
      ],
      show: { view: "domains", domid: 1, path: ASKED },
      expect: [heard(1, "control/shutdown"), value(`${HOME}/control/feature-poweroff`, "1")],
    },
    {
      title: "The toolstack watches, too",
      text: told`
        The toolstack will want to know two things: whether the guest has seen the request, and when
        it is gone. For the second one there is a special watch: \`@releaseDomain\` is not a node,
        and fires when any domain has ended.
      `,
      do: [run(0, `xenstore-watch ${ASKED}`), run(0, "xenstore-watch @releaseDomain")],
      show: { view: "domains", domid: 0, path: ASKED },
      expect: [heard(0, ASKED), heard(0, "@releaseDomain")],
    },
    {
      title: "The request",
      text: told`
        \`xl shutdown\` writes \`poweroff\`. The guest owns this node, but dom0 may do everything.

        Two watches hear of it: the guest's, and the toolstack's own. Whoever writes hears of its
        own changes as well.
      `,
      do: [run(0, `xenstore-write ${ASKED} poweroff`)],
      show: { view: "timeline", domid: 1, path: ASKED },
      expect: [value(ASKED, "poweroff"), heard(1, "control/shutdown"), events(ASKED, 2)],
    },
    {
      title: "The guest acknowledges",
      text: told`
        The guest reads the request and empties the node, both in one transaction. If the toolstack
        changed its mind in between, say from poweroff to reboot, the commit would fail, and the
        guest would read again.

        The toolstack hears the change, reads the empty value and knows: the guest is on its way.
      `,
      do: [
        ...begin("acknowledge", 1, "read control/shutdown", "write control/shutdown ''"),
        commit("acknowledge"),
      ],
      show: { view: "transactions", domid: 1, path: ASKED },
      expect: [committed(), value(ASKED, ""), heard(0, ASKED)],
    },
    {
      title: "It has shut down",
      text: told`
        The guest's kernel is done and tells Xen. The store hears it from Xen and fires
        \`@releaseDomain\`.

        The event does not say which domain it was, nor how it ended. The toolstack asks Xen about
        all that it knows. All nodes are still there: a domain that has shut down still exists.
      `,
      do: [{ kind: "domain", what: "shutdown", domid: 1 }],
      show: { view: "domains", domid: 0, path: HOME },
      expect: [heard(0, "@releaseDomain"), value(ASKED, "")],
    },
    {
      title: "It is destroyed",
      text: told`
        The toolstack destroys the domain. Now the store removes every node that the guest owned,
        wherever it was, and the guest's number from all lists of permissions: the next domain with
        this number must not inherit anything.

        \`@releaseDomain\` fires again. What dom0 owned in the guest's home is still there.
      `,
      do: [{ kind: "domain", what: "kill", domid: 1 }],
      show: { view: "domains", domid: 0, path: HOME },
      expect: [missing(ASKED), value(`${HOME}/domid`, "1"), heard(0, "@releaseDomain")],
    },
    {
      title: "The toolstack tidies up",
      text: told`
        Last, the toolstack removes the home with whatever is left in it, and its own notes. Nothing
        tells any more that there was such a domain.
      `,
      do: [stop(0), run(0, `xenstore-rm ${HOME}`)],
      show: { view: "domains", domid: 0, path: "/local/domain" },
      expect: [missing(HOME)],
    },
  ],
};
