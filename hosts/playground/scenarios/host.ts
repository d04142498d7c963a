// Host: a small host with three guests to look around in, as xl makes them.
// Holds   the tree, built from the parts that all guests and devices have; a tour.
// Never   does anything.
// Source  the store of a real host with guests made by xl.

import type { Scenario } from "../model/scenario.ts";
import { err, lens, listed, type Nodes, notRead, out, run, told } from "./make.ts";

interface Guest {
  readonly domid: number;
  readonly name: string;
  readonly uuid: string;
  readonly type: "pv" | "pvh" | "hvm";
  readonly memoryKib: number;
  readonly cpus: number;
  readonly disks: Nodes;
  readonly macs: readonly string[];
}

const GUESTS: readonly Guest[] = [
  {
    domid: 1,
    name: "web",
    uuid: "49a27d1c-39f4-41d2-98fb-8191cb96f79d",
    type: "pvh",
    memoryKib: 1048576,
    cpus: 2,
    disks: { 51712: "/dev/vg0/web-root" },
    macs: ["00:16:3e:0a:0b:0c"],
  },
  {
    domid: 2,
    name: "db",
    uuid: "73b5a5e6-e666-41f1-a1f9-9e959077786a",
    type: "pv",
    memoryKib: 4194304,
    cpus: 4,
    disks: { 51712: "/dev/vg0/db-root", 51728: "/dev/vg0/db-data" },
    macs: ["00:16:3e:0a:0b:0d", "00:16:3e:0a:0c:0d"],
  },
  {
    domid: 3,
    name: "desk",
    uuid: "0c7e3b52-5d6f-4a7f-9a55-2f4e8c1b7d10",
    type: "hvm",
    memoryKib: 2097152,
    cpus: 1,
    disks: { 51712: "/dev/vg0/desk" },
    macs: ["00:16:3e:0a:0b:0e"],
  },
];

/** What is the same for all disks that work. */
const DISK_BACKEND: Nodes = {
  script: "/etc/xen/scripts/block",
  online: "1",
  removable: "0",
  bootable: "1",
  state: "4",
  type: "phy",
  mode: "w",
  "device-type": "disk",
  "discard-enable": "1",
  specification: "xen",
  "hotplug-status": "connected",
  "feature-flush-cache": "1",
  "feature-max-indirect-segments": "256",
  "max-ring-page-order": "4",
  sectors: "20971520",
  info: "0",
  "sector-size": "512",
  "physical-sector-size": "4096",
};

const NET_BACKEND: Nodes = {
  online: "1",
  state: "4",
  script: "/etc/xen/scripts/vif-bridge",
  bridge: "xenbr0",
  type: "vif",
  "hotplug-status": "connected",
  "feature-sg": "1",
  "feature-gso-tcpv4": "1",
  "feature-rx-copy": "1",
  "feature-rx-flip": "0",
  "feature-split-event-channels": "1",
  "multi-queue-max-queues": "2",
};

/** Both halves of a device: the guest owns one, dom0 the other, and each reads the other's. */
function device(domid: number, kind: string, id: string, front: Nodes, back: Nodes): string[] {
  const frontend = `/local/domain/${domid}/device/${kind}/${id}`;
  const backend = `/local/domain/0/backend/${kind}/${domid}/${id}`;
  const half = { backend, "backend-id": "0", state: "4", ...front };
  const other = { frontend, "frontend-id": `${domid}`, ...back };
  return [
    listed(frontend, `n${domid},r0`, half),
    listed(backend, `n0,r${domid}`, other),
    listed(`/libxl/${domid}/device/${kind}/${id}`, "n0", { frontend, backend }),
  ];
}

function disk(guest: Guest, id: string, params: string, index: number): string[] {
  const front = {
    "virtual-device": id,
    "device-type": "disk",
    protocol: "x86_64-abi",
    "ring-ref": `${8 + index}`,
    "event-channel": `${12 + index}`,
  };
  const dev = `xvd${String.fromCharCode(97 + index)}`;
  return device(guest.domid, "vbd", id, front, { ...DISK_BACKEND, params, dev });
}

function network(guest: Guest, mac: string, index: number): string[] {
  const front = {
    handle: `${index}`,
    mac,
    "multi-queue-num-queues": "1",
    "tx-ring-ref": `${522 + 2 * index}`,
    "rx-ring-ref": `${523 + 2 * index}`,
    "event-channel-tx": `${20 + 2 * index}`,
    "event-channel-rx": `${21 + 2 * index}`,
    "request-rx-copy": "1",
  };
  const back = { ...NET_BACKEND, mac, handle: `${index}` };
  return device(guest.domid, "vif", `${index}`, front, back);
}

/** The home and what else belongs to a guest. */
function guestTree(guest: Guest): string[] {
  const { domid, name, uuid, memoryKib } = guest;
  const home = `/local/domain/${domid}`;
  const read = `n0,r${domid}`;
  const own = `n${domid}`;
  const kib = `${memoryKib}`;
  const cpus = Array.from({ length: guest.cpus }, (_, cpu) =>
    listed(`${home}/cpu/${cpu}`, read, { availability: "online" }),
  );
  const agent = { os_name: "Debian GNU/Linux 12", updated: "1" };
  return [
    listed(home, read, { vm: `/vm/${uuid}`, name, domid: `${domid}` }),
    listed(`${home}/cpu`, read),
    ...cpus,
    listed(`${home}/memory`, read, { "static-max": kib, target: kib, videoram: "0" }),
    listed(`${home}/control`, read, { "platform-feature-xs_reset_watches": "1" }),
    listed(`${home}/control/shutdown`, own),
    ...["poweroff", "reboot", "suspend"].map(
      (what) => `${home}/control/feature-${what} = "1"   (${own})`,
    ),
    listed(`${home}/device`, read),
    listed(`${home}/device/suspend`, read),
    listed(`${home}/device/suspend/event-channel`, own),
    listed(`${home}/store`, read, { port: "1", "ring-ref": "603649" }),
    listed(`${home}/console`, read, consoleOf(domid)),
    listed(`${home}/data`, own, agent),
    ...["drivers", "feature", "attr", "error"].map((what) => listed(`${home}/${what}`, own)),
    listed(`/vm/${uuid}`, read, { name, uuid, start_time: "1795346503.47" }),
    listed(`/vm/${uuid}/image`, read, { ostype: guest.type === "pv" ? "linux" : "hvm" }),
    listed(`/libxl/${domid}`, "n0", { type: guest.type, "dm-version": "qemu_xen" }),
    ...Object.entries(guest.disks).flatMap(([id, params], at) => disk(guest, id, params, at)),
    ...guest.macs.flatMap((mac, at) => network(guest, mac, at)),
  ];
}

function consoleOf(domid: number): Nodes {
  return {
    limit: "1048576",
    type: "xenconsoled",
    output: "pty",
    tty: `/dev/pts/${domid}`,
    port: "2",
    "ring-ref": "603650",
  };
}

const HOST = [
  listed("/local", "n0"),
  listed("/local/domain", "n0"),
  listed("/local/domain/0", "n0", { domid: "0", name: "Domain-0" }),
  listed("/local/domain/0/memory", "n0", { target: "1441792", "static-max": "1441792" }),
  listed("/local/domain/0/backend", "n0"),
  ...GUESTS.flatMap(guestTree),
  listed("/local/pool/0", "n0", { name: "Pool-0" }),
].join("\n");

export const host: Scenario = {
  id: "boot",
  title: "A small host to explore",
  summary: "Three guests with their disks and networks, laid out as on a real host.",
  group: "First steps",
  setup: {
    tree: HOST,
    domains: GUESTS.map(({ domid, name }) => ({ domid, name, home: "none" })),
  },
  steps: [
    {
      title: "Who is there",
      text: told`
        Each domain has a home: a node with its number below \`/local/domain\`. Open it in the tree.
        Select any node: most of those that tools and drivers use have a short explanation, and a
        value such as 4 is put into words.

        \`xenstore-list\` prints the names below a node.
      `,
      do: [run(0, "xenstore-list /local/domain")],
      show: { view: "domains", domid: 0, path: "/local/domain" },
      expect: [out(0, "0\n1\n2\n3")],
    },
    {
      title: "From a disk to what is behind it",
      text: told`
        A paravirtual device has two halves. The guest's half, the frontend, is below \`device\` in
        the guest's home. It names its other half with \`backend\`.

        dom2 follows it: the backend is in dom0's home, and dom2 may read it, although it can read
        little else there.
      `,
      do: [
        run(2, "xenstore-read device/vbd/51728/backend"),
        run(2, "xenstore-read /local/domain/0/backend/vbd/2/51728/params"),
      ],
      show: { view: "domains", domid: 2, path: "/local/domain/0/backend/vbd/2/51728/params" },
      expect: [out(2, "/dev/vg0/db-data")],
    },
    {
      title: "The whole device at a glance",
      text: told`
        \`xenstore-ls\` prints all nodes below one, with \`-f\` by their whole paths and with \`-p\`
        with their permissions. Here dom2 lists its network interfaces.

        Both halves have a \`state\`. 4 means that this half is connected; the scenario about
        hotplugging shows how they get there.
      `,
      do: [
        run(2, "xenstore-ls -fp device/vif"),
        run(2, "xenstore-read device/vif/1/state device/vif/1/mac"),
      ],
      show: { view: "domains", domid: 2, path: "/local/domain/2/device/vif" },
      expect: [out(2, "4\n00:16:3e:0a:0c:0d")],
    },
    {
      title: "As a guest sees it",
      text: told`
        The lens shows the tree with the rights of one domain, here dom1. It reads its own home and
        its backends. Other guests' homes and the toolstack's notes in \`/libxl\` stay closed.

        That is how guests share one store without trusting each other.
      `,
      do: [lens(1), run(1, "xenstore-read name"), run(1, "xenstore-read /local/domain/2/name")],
      show: { view: "domains", domid: 1, path: "/local/domain" },
      expect: [err(1, notRead("/local/domain/2/name"))],
    },
    {
      title: "What stays and what goes",
      text: told`
        A domain's number is gone when it is rebooted or moved to another host. What belongs to the
        machine itself is below \`/vm\`, by its UUID; the home points there with \`vm\`.

        \`/libxl\` is what the toolstack wrote down for itself. It never trusts what a guest could
        have changed.
      `,
      do: [
        lens(null),
        run(3, "xenstore-read vm"),
        run(0, "xenstore-read /vm/0c7e3b52-5d6f-4a7f-9a55-2f4e8c1b7d10/name /libxl/3/type"),
      ],
      show: { view: "domains", domid: 0, path: "/vm" },
      expect: [out(3, "/vm/0c7e3b52-5d6f-4a7f-9a55-2f4e8c1b7d10"), out(0, "desk\nhvm")],
    },
  ],
};
