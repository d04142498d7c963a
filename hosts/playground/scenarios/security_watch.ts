// Security (who may know): advisories about reading what is not one's own.
// Holds   data: XSA-115, XSA-322, XSA-353.
// Never   says more of a daemon than the advisory does.
// Source  the Xen security advisories 115, 322 and 353.

import type { Scenario } from "../model/scenario.ts";
import {
  err,
  events,
  heard,
  lens,
  missing,
  notRead,
  notRemoved,
  notWritten,
  out,
  run,
  silent,
  stop,
  told,
  value,
} from "./make.ts";

const SHOP = "/local/domain/5";

export const xsa115: Scenario = {
  id: "xsa-115",
  title: "XSA-115: watches that told too much",
  summary: "A guest watches another one's home, to learn from events what it can't read.",
  group: "Security",
  setup: {
    domains: [
      { domid: 3, name: "spy", home: "own" },
      { domid: 5, name: "shop", home: "own" },
    ],
  },
  steps: [
    {
      title: "The idea",
      text: told`
        An event carries no value, but it carries a path. When this was published in 2020, the
        daemons sent events without looking at permissions: a guest that watched the root heard of
        every node that was made, changed or removed on the whole host.

        From the names alone it could learn which machines there are, what devices they have, and
        when they start.
      `,
      do: [lens(3)],
      show: { view: "domains", domid: 3, path: SHOP },
      expect: [],
    },
    {
      title: "The guest sets its watches",
      text: told`
        dom3 watches the home of dom5, and \`@introduceDomain\`, which fires for each new domain.
        Both are allowed: to set a watch no right is needed, and the node need not even exist.

        It gets the first event of each. That one is sent always and tells nothing, as the guest has
        named the path itself.
      `,
      do: [run(3, `xenstore-watch ${SHOP}`), run(3, "xenstore-watch @introduceDomain")],
      show: { view: "domains", domid: 3, path: SHOP },
      expect: [heard(3, SHOP), heard(3, "@introduceDomain")],
    },
    {
      title: "The victim writes",
      text: told`
        dom5 makes nodes in its home. dom0 watches as well, and hears. dom3 may read neither the
        node nor the one above it, so it hears nothing.

        The Timeline shows who heard of the write.
      `,
      do: [run(0, `xenstore-watch ${SHOP}`), run(5, "xenstore-write vpn/peer 10.0.0.7")],
      show: { view: "timeline", domid: 3, path: `${SHOP}/vpn/peer` },
      expect: [
        value(`${SHOP}/vpn/peer`, "10.0.0.7"),
        heard(0, `${SHOP}/vpn/peer`),
        silent(3, `${SHOP}/vpn/peer`),
      ],
    },
    {
      title: "A new domain",
      text: told`
        A domain is made. The special watches have permissions of their own: \`@introduceDomain\` is
        \`n0\`, so no guest hears of it. dom0 does.

        \`@releaseDomain\` may be heard by all. It does not say which domain has gone, and a backend
        in a guest needs it.
      `,
      do: [
        run(0, "xenstore-watch @introduceDomain"),
        { kind: "domain", what: "add", domid: 7, name: "new", home: "own" },
      ],
      show: { view: "timeline", domid: 3, path: "/local/domain" },
      expect: [heard(0, "@introduceDomain"), silent(3, "@introduceDomain")],
    },
    {
      title: "What it may know, it hears",
      text: told`
        dom5 lets dom3 read one node. Now there is something dom3 is meant to know, and its watch
        fires: it may read the node under the new permissions. When the right is taken away again,
        it hears of that, too: it could read it before.
      `,
      do: [
        run(5, "xenstore-chmod vpn/peer n5 r3"),
        run(3, `xenstore-read ${SHOP}/vpn/peer`),
        stop(0),
      ],
      show: { view: "domains", domid: 3, path: `${SHOP}/vpn/peer` },
      expect: [heard(3, `${SHOP}/vpn/peer`), events(`${SHOP}/vpn/peer`, 1), out(3, "10.0.0.7")],
    },
  ],
};

export const xsa322: Scenario = {
  id: "xsa-322",
  title: "XSA-322: rights that outlived a domain",
  summary: "Domain numbers are used again; what was granted to the old holder must be gone.",
  group: "Security",
  setup: {
    domains: [
      { domid: 3, name: "partner", home: "own" },
      { domid: 5, name: "shop", home: "own" },
    ],
  },
  steps: [
    {
      title: "A right for a number",
      text: told`
        dom5 shares a node with dom3, its partner: \`n5 r3\`. A permission names a domain by its
        number. dom3 also writes something of its own.
      `,
      do: [
        run(5, "xenstore-write invoices 17"),
        run(5, "xenstore-chmod invoices n5 r3"),
        run(3, "xenstore-write notes mine"),
        run(3, `xenstore-read ${SHOP}/invoices`),
      ],
      show: { view: "domains", domid: 3, path: `${SHOP}/invoices` },
      expect: [out(3, "17"), value("/local/domain/3/notes", "mine")],
    },
    {
      title: "The partner goes",
      text: told`
        dom3 is destroyed. When this was published in 2020, the daemons left the \`r3\` in the list
        of dom5's node. Numbers are used again, so whoever became the next dom3 could read the
        invoices.

        Here the store removes every node that dom3 owned, and its number from all lists.
        \`xenstore-ls -fp\` shows what is left of dom5's list: \`n5\`.
      `,
      do: [{ kind: "domain", what: "kill", domid: 3 }, run(0, `xenstore-ls -fp ${SHOP}`)],
      show: { view: "domains", domid: 0, path: `${SHOP}/invoices` },
      expect: [
        out(0, `${SHOP}/invoices = "17"   (n5)`),
        missing("/local/domain/3/notes"),
        missing("/local/domain/3"),
      ],
    },
    {
      title: "A stranger gets the number",
      text: told`
        A new domain is made, and it gets the number 3. It tries to read the invoices: EACCES.
        Nothing of the old dom3 is left for it.
      `,
      do: [
        { kind: "domain", what: "add", domid: 3, name: "stranger", home: "own" },
        run(3, `xenstore-read ${SHOP}/invoices`),
        lens(3),
      ],
      show: { view: "domains", domid: 3, path: `${SHOP}/invoices` },
      expect: [err(3, notRead(`${SHOP}/invoices`)), value(`${SHOP}/invoices`, "17")],
    },
    {
      title: "A new grant is a new grant",
      text: told`
        If dom5 wants to share with the new dom3, it says so again. The entry means the domain that
        has the number when it is written.
      `,
      do: [run(5, "xenstore-chmod invoices n5 r3"), run(3, `xenstore-read ${SHOP}/invoices`)],
      show: { view: "domains", domid: 3, path: `${SHOP}/invoices` },
      expect: [out(3, "17")],
    },
  ],
};

export const xsa353: Scenario = {
  id: "xsa-353",
  title: "XSA-353: the root without a guard",
  summary: "A guest tries to list, take over and remove the root of the whole store.",
  group: "Security",
  setup: { domains: [{ domid: 3, name: "guest", home: "own" }] },
  steps: [
    {
      title: "A node without a parent",
      text: told`
        The root is a node like any other, but for one thing: it has no parent. In oxenstored the
        tree had a special case for it, and in 2020 it was found that permissions were not checked
        there for some requests.

        So any guest could list the root, make itself its owner, or remove the whole tree and with
        it all that the host knew of its guests.
      `,
      do: [run(0, "xenstore-ls -p /")],
      show: { view: "domains", domid: 0, path: "/" },
      expect: [],
    },
    {
      title: "Listing and reading",
      text: told`
        The root belongs to dom0 and gives others nothing: \`n0\`. The guest tries to list it.
      `,
      do: [run(3, "xenstore-ls /")],
      show: { view: "packets", domid: 3, path: "/" },
      expect: [err(3, "xenstore-ls: xs_directory (/): Permission denied")],
    },
    {
      title: "Taking it over",
      text: told`
        The next attempt: the guest wants to be the root's owner. To change permissions one must own
        the node already, so this is refused, as is writing a value.
      `,
      do: [run(3, "xenstore-write / mine"), run(3, "xenstore-chmod / n3")],
      show: { view: "packets", domid: 3, path: "/" },
      expect: [
        err(3, "xenstore-chmod: Error occurred setting permissions on '/': Permission denied"),
      ],
    },
    {
      title: "Removing everything",
      text: told`
        And the worst: \`xenstore-rm /\`. Refused for the guest. Then dom0 tries the same by
        mistake: the root can't be removed by anybody, as a store without a root is none. That is
        EINVAL.
      `,
      do: [run(3, "xenstore-rm /"), run(0, "xenstore-rm /")],
      show: { view: "packets", domid: 3, path: "/" },
      expect: [err(3, notRemoved("/")), err(0, notRemoved("/")), value("/local/domain/3", "")],
    },
    {
      title: "Nothing has changed",
      text: told`
        The Packets show one refusal after the other, and the tree is as it was. A check that has no
        special cases has none that can be forgotten.
      `,
      do: [run(3, "xenstore-write own 1"), run(3, "xenstore-write /not-own 1")],
      show: { view: "domains", domid: 3, path: "/" },
      expect: [
        value("/local/domain/3/own", "1"),
        err(3, notWritten("/not-own")),
        missing("/not-own"),
      ],
    },
  ],
};
