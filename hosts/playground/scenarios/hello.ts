// Hello: the first scenario: values, homes, watches.
// Holds   data.
// Never   does anything.
// Source  our own.

import type { Scenario } from "../model/scenario.ts";
import { err, events, heard, notRead, out, run, told, value } from "./make.ts";

const HOME = "/local/domain/1";

export const hello: Scenario = {
  id: "hello",
  title: "Hello, guest",
  summary: "A host and its guest talk by writing, reading and watching nodes.",
  group: "First steps",
  setup: { domains: [{ domid: 1, name: "guest", home: "own" }] },
  steps: [
    {
      title: "The host writes",
      text: told`
        XenStore is a tree of nodes. Each node has a name, a small value, and a list of who may read
        and write it. All domains of a Xen host use one store to find each other, and to agree on
        disks, networks and much more.

        There are two domains here: dom0, the control domain, which may do everything, and dom1, a
        guest. Each has a console in the view Domains. Run this step: dom0 writes a node, and it
        appears in the tree.
      `,
      do: [run(0, `xenstore-write ${HOME}/greeting "hello, guest"`)],
      show: { view: "domains", domid: 0, path: HOME },
      expect: [value(`${HOME}/greeting`, "hello, guest")],
    },
    {
      title: "The guest reads",
      text: told`
        A path that begins with \`/\` counts from the root. Any other path counts from the domain's
        home, which for dom1 is \`/local/domain/1\`.

        So the guest reads the same node twice here, by its short and by its long path.
      `,
      do: [run(1, `xenstore-read ${HOME}/greeting`), run(1, "xenstore-read greeting")],
      show: { view: "domains", domid: 1, path: `${HOME}/greeting` },
      expect: [out(1, "hello, guest")],
    },
    {
      title: "Not everything is for the guest",
      text: told`
        Select \`/tool\` in the tree: its permissions are \`n0\`. Domain 0 owns it, and nobody else
        gets anything (n: nothing).

        The guest tries to read it. The tool says only that it could not; the view Packets has the
        store's answer: EACCES.
      `,
      do: [run(1, "xenstore-read /tool")],
      show: { view: "packets", domid: 1, path: "/tool" },
      expect: [err(1, notRead("/tool"))],
    },
    {
      title: "The guest answers",
      text: told`
        The guest owns its home (\`n1\`), so it may write there. A node that does not exist yet is
        made.

        dom0 reads the answer. It needs the long path: its own home is \`/local/domain/0\`.
      `,
      do: [run(1, 'xenstore-write answer "hello, host"'), run(0, `xenstore-read ${HOME}/answer`)],
      show: { view: "domains", domid: 1, path: `${HOME}/answer` },
      expect: [out(0, "hello, host"), value(`${HOME}/answer`, "hello, host")],
    },
    {
      title: "The guest watches",
      text: told`
        Reading again and again to see a change would be a waste. A watch asks the store to tell:
        whenever the node, or anything below it, changes.

        A watch fires once at once, so that whoever set it looks at the value for the first time.
        That is the line you see. The command goes on until it is stopped.
      `,
      do: [run(1, "xenstore-watch greeting")],
      show: { view: "domains", domid: 1, path: `${HOME}/greeting` },
      expect: [heard(1, "greeting")],
    },
    {
      title: "It hears",
      text: told`
        dom0 writes a new greeting, and the guest's watch fires. An event tells only where something
        has changed, not what: the guest would read the node now.

        The view Timeline shows it as a picture: the request of dom0, and the arrow to the
        connection that heard of it.
      `,
      do: [run(0, `xenstore-write ${HOME}/greeting "how are you?"`)],
      show: { view: "timeline", domid: 1, path: `${HOME}/greeting` },
      expect: [heard(1, "greeting"), events(`${HOME}/greeting`, 1)],
    },
    {
      title: "The other way round",
      text: told`
        dom0 watches the guest's whole home, and the guest writes. The event names the node that has
        changed, by the kind of path that the watch was set with.

        That is all of XenStore's everyday life: write, read, watch. Try it yourself: type a command
        in a console, or change a value in the tree.
      `,
      do: [run(0, `xenstore-watch ${HOME}`), run(1, "xenstore-write answer fine")],
      show: { view: "domains", domid: 0, path: `${HOME}/answer` },
      expect: [heard(0, `${HOME}/answer`), value(`${HOME}/answer`, "fine")],
    },
  ],
};
