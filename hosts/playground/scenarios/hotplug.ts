// Hotplug: the scenario about a network card that is plugged in and out.
// Holds   data.
// Never   does anything.
// Source  traffic of a real host: xl network-attach and network-detach.

import type { Scenario } from "../model/scenario.ts";
import {
  begin,
  commit,
  committed,
  events,
  heard,
  listed,
  missing,
  run,
  told,
  value,
} from "./make.ts";

const HOME = "/local/domain/1";
const FRONT = `${HOME}/device/vif/0`;
const BACK = "/local/domain/0/backend/vif/1/0";
const MAC = "00:16:3e:01:02:03";
const OWN_BACK = "backend/vif/1/0";

export const hotplug: Scenario = {
  id: "hotplug",
  title: "A network card is plugged in",
  summary: "The toolstack, a backend and a frontend bring a vif from state 1 to 4, and away again.",
  group: "Devices",
  setup: {
    tree: [
      listed("/local/domain/0", "n0", { domid: "0", name: "Domain-0" }),
      listed("/local/domain/0/backend/vif", "n0"),
      listed("/libxl/1/device", "n0"),
    ].join("\n"),
    domains: [{ domid: 1, name: "guest", home: "xl" }],
  },
  steps: [
    {
      title: "Both kernels listen",
      text: told`
        A paravirtual network card has two halves: netback in dom0's kernel and netfront in the
        guest's. They find each other through the store.

        Long before there is a card, each kernel watches the directory in which its halves appear:
        \`backend\` in dom0's home, \`device\` in the guest's.
      `,
      do: [run(0, "xenstore-watch backend"), run(1, "xenstore-watch device")],
      show: { view: "domains", domid: 1, path: `${HOME}/device` },
      expect: [heard(0, "backend"), heard(1, "device")],
    },
    {
      title: "The toolstack writes both halves",
      text: told`
        \`xl network-attach\` makes the nodes of both halves in one transaction, so nobody ever sees
        half a card. Each half names the other one, and both begin in state 1, Initialising.

        Look at the permissions: the guest owns its half and dom0 reads it (\`n1 r0\`); it is the
        other way round for the backend (\`n0 r1\`). A third note, for the toolstack alone, is in
        \`/libxl\`.

        Nothing was heard while the transaction was open. Its commit fires all the watches at once.
      `,
      do: [
        ...begin(
          "attach",
          0,
          `write ${FRONT} ''`,
          `chmod ${FRONT} n1 r0`,
          `write ${FRONT}/backend ${BACK}`,
          `write ${FRONT}/backend-id 0`,
          `write ${FRONT}/state 1`,
          `write ${FRONT}/handle 0`,
          `write ${FRONT}/mac ${MAC}`,
          `write ${BACK} ''`,
          `chmod ${BACK} n0 r1`,
          `write ${BACK}/frontend ${FRONT}`,
          `write ${BACK}/frontend-id 1`,
          `write ${BACK}/online 1`,
          `write ${BACK}/state 1`,
          `write ${BACK}/script /etc/xen/scripts/vif-bridge`,
          `write ${BACK}/mac ${MAC}`,
          `write ${BACK}/bridge xenbr0`,
          `write ${BACK}/handle 0`,
          `write ${BACK}/hotplug-status ''`,
          `write /libxl/1/device/vif/0/frontend ${FRONT}`,
          `write /libxl/1/device/vif/0/backend ${BACK}`,
        ),
        commit("attach"),
      ],
      show: { view: "transactions", domid: 0, path: FRONT },
      expect: [
        committed(),
        value(`${FRONT}/state`, "1"),
        value(`${BACK}/state`, "1"),
        heard(1, "device/vif/0/state"),
        heard(0, "backend/vif/1/0/state"),
      ],
    },
    {
      title: "Each watches the other's state",
      text: told`
        Each driver reads where its other half is, and watches the \`state\` there. From now on they
        speak by these two numbers.

        The guest may read dom0's node because the toolstack gave it \`r1\`.
      `,
      do: [
        run(1, "xenstore-read device/vif/0/backend"),
        run(1, `xenstore-watch ${BACK}/state`),
        run(0, `xenstore-watch ${FRONT}/state`),
      ],
      show: { view: "domains", domid: 1, path: `${BACK}/state` },
      expect: [heard(1, `${BACK}/state`), heard(0, `${FRONT}/state`)],
    },
    {
      title: "The backend says what it can do",
      text: told`
        netback writes what it can do, its \`feature-*\` nodes, and goes to state 2, InitWait: it
        waits for the guest. Meanwhile the hotplug script puts dom0's end of the cable into the
        bridge, and writes \`connected\`.

        The write of the state is heard twice: by the kernel's watch on \`backend\`, and by the
        guest.
      `,
      do: [
        run(
          0,
          `xenstore-write ${OWN_BACK}/feature-sg 1 ${OWN_BACK}/feature-rx-copy 1 ` +
            `${OWN_BACK}/feature-split-event-channels 1 ${OWN_BACK}/multi-queue-max-queues 2`,
        ),
        run(0, `xenstore-write ${OWN_BACK}/hotplug-status connected`),
        run(0, `xenstore-write ${OWN_BACK}/state 2`),
      ],
      show: { view: "timeline", domid: 0, path: `${BACK}/state` },
      expect: [
        value(`${BACK}/state`, "2"),
        heard(1, `${BACK}/state`),
        events(`${BACK}/state`, 2),
        value(`${BACK}/hotplug-status`, "connected"),
      ],
    },
    {
      title: "The guest shares its rings",
      text: told`
        netfront sets up two rings in its own memory, one for each direction, and writes how dom0
        can reach them: grant references and event channels. Several nodes in one command go in one
        transaction.

        Then it says that it is ready: state 4, Connected.
      `,
      do: [
        run(
          1,
          "xenstore-write device/vif/0/tx-ring-ref 525 device/vif/0/rx-ring-ref 526 " +
            "device/vif/0/event-channel-tx 9 device/vif/0/event-channel-rx 10 " +
            "device/vif/0/request-rx-copy 1",
        ),
        run(1, "xenstore-write device/vif/0/state 4"),
      ],
      show: { view: "domains", domid: 1, path: `${FRONT}/state` },
      expect: [value(`${FRONT}/state`, "4"), heard(0, `${FRONT}/state`)],
    },
    {
      title: "Connected",
      text: told`
        netback hears of it, reads the references, maps the rings and goes to state 4 as well. From
        here on packets go through shared memory; the store is not needed for them.

        Select a \`state\` in the tree and go back in time: with each step, the explanation tells
        what the number means.
      `,
      do: [
        run(0, `xenstore-read ${FRONT}/tx-ring-ref ${FRONT}/rx-ring-ref`),
        run(0, `xenstore-write ${OWN_BACK}/state 4`),
      ],
      show: { view: "domains", domid: 0, path: `${BACK}/state` },
      expect: [value(`${BACK}/state`, "4"), heard(1, `${BACK}/state`)],
    },
    {
      title: "And out again",
      text: told`
        \`xl network-detach\` sets \`online\` to 0 and the backend's state to 5, Closing. The guest
        hears of it, closes its half and says 6, Closed. The backend follows, and the toolstack
        removes what it made.

        The guest takes part in this: if its driver hangs, the card stays until the toolstack takes
        it away by force.
      `,
      do: [
        run(0, `xenstore-write ${BACK}/online 0 ${BACK}/state 5`),
        run(1, "xenstore-write device/vif/0/state 6"),
        run(0, `xenstore-write ${OWN_BACK}/state 6`),
        run(0, `xenstore-rm ${FRONT} ${BACK} /libxl/1/device/vif/0`),
      ],
      show: { view: "timeline", domid: 0, path: `${HOME}/device` },
      expect: [
        missing(FRONT),
        missing(BACK),
        missing("/libxl/1/device/vif/0"),
        heard(0, `${FRONT}/state`),
        heard(1, `${BACK}/state`),
      ],
    },
  ],
};
