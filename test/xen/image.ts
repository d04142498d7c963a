// Image: a hypervisor, a kernel, and the root file systems of the control domain and its guests.
// Holds   which files each of the two systems consists of.
// Never   takes a file from this machine, but for Node itself and the libraries it needs.
// Source  our own.

import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import zlib from "node:zlib";
import { unpackLinux, unpackXen } from "./kernel.ts";
import { unpackPackages, XEN_VERSION } from "./packages.ts";
import { run } from "./run.ts";
import { Tree } from "./tree.ts";

export interface Image {
  /** The hypervisor. */
  readonly xen: string;
  /** The kernel of the control domain and of the guests. */
  readonly linux: string;
  /** The control domain's root, to which a run adds what it needs. */
  readonly root: string;
}

const GUEST_COMMANDS =
  "sh mount mkdir cat echo sleep seq insmod ls dd head cut grep ip poweroff reboot";
const GUEST_TOOLS = "read write ls list watch rm exists";
const GUEST_MODULES = "xen-privcmd xenfs xen-evtchn xen-blkfront xen-netfront";
const DOM0_MODULES =
  "xen-evtchn xen-gntdev xen-gntalloc xenfs xen-privcmd xen-netback xen-blkback loop bridge stp llc " +
  "virtio virtio_ring virtio_pci virtio_pci_modern_dev virtio_pci_legacy_dev " +
  "9pnet 9pnet_virtio 9p netfs fscache";
/** Programs that Xen's scripts want whole, where busybox has its own of the same name. */
const DOM0_PROGRAMS = "bin/bash bin/ip sbin/bridge sbin/losetup usr/bin/stat usr/bin/flock";
const DOM0_FOLDERS =
  "proc sys dev run tmp root etc guest modules opt bin usr/bin usr/sbin usr/lib var/log/xen " +
  "var/lib/xen var/lib/xenstored";

/**
 * Makes the image below `folder`, unless it is there and made of the same.
 * @param sources  folder of these tests
 */
export function makeImage(folder: string, sources: string): Image {
  const image = {
    xen: path.join(folder, "xen"),
    linux: path.join(folder, "linux"),
    root: path.join(folder, "dom0.cpio"),
  };
  const stamp = path.join(folder, "stamp");
  const wanted = hashOf(sources);
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, "latin1") === wanted) return image;
  fs.mkdirSync(folder, { recursive: true });
  const packages = unpackPackages(folder);
  const release = fs.readdirSync(path.join(packages, "lib/modules"))[0] as string;
  unpackXen(path.join(packages, `boot/xen-${XEN_VERSION}-amd64.gz`), image.xen);
  unpackLinux(path.join(packages, `boot/vmlinuz-${release}`), image.linux);
  const guest = guestRoot(new Tree(path.join(folder, "guest"), packages, release), sources);
  const dom0 = dom0Root(new Tree(path.join(folder, "dom0"), packages, release), sources);
  dom0.add("guest/ramdisk", zlib.gzipSync(guest.archive(), { level: 1 }));
  dom0.copy(image.linux, "guest/linux");
  fs.writeFileSync(image.root, dom0.archive());
  fs.writeFileSync(stamp, wanted);
  return image;
}

/** A guest: busybox, the tools, and the front ends of the devices. */
function guestRoot(tree: Tree, sources: string): Tree {
  for (const name of ["proc", "sys", "dev", "tmp", "sbin", "bin", "modules"]) tree.folder(name);
  tree.take("bin/busybox");
  for (const name of GUEST_COMMANDS.split(" ")) tree.link("busybox", `bin/${name}`);
  tree.take("usr/bin/xenstore", "bin/xenstore");
  for (const name of GUEST_TOOLS.split(" ")) tree.link("xenstore", `bin/xenstore-${name}`);
  // What the kernel runs when it is told to shut down.
  for (const name of ["poweroff", "reboot"]) {
    tree.add(`sbin/${name}`, `#!/bin/sh\nexec /bin/busybox ${name} -f\n`, 0o755);
  }
  for (const name of GUEST_MODULES.split(" ")) tree.module(name);
  tree.copy(path.join(sources, "guest/init"), "init");
  tree.libraries(["bin/xenstore"]);
  // A thread that is cancelled loads it by name.
  tree.library("libgcc_s.so.1");
  return tree;
}

/** The control domain: busybox, Xen's tools and scripts, Node, and the back ends. */
function dom0Root(tree: Tree, sources: string): Tree {
  for (const name of DOM0_FOLDERS.split(" ")) tree.folder(name);
  tree.link("../run", "var/run");
  tree.link("../run/lock", "var/lock");
  tree.take("bin/busybox");
  const commands = run(path.join(tree.packages, "bin/busybox"), ["--list"]).toString();
  for (const name of commands.trim().split("\n")) {
    if (name !== "busybox" && name !== "brctl") tree.link("busybox", `bin/${name}`);
  }
  tree.link("/bin/busybox", "usr/bin/env");
  const programs = DOM0_PROGRAMS.split(" ").map((from) => {
    const to = `bin/${path.basename(from)}`;
    tree.take(from, to);
    return to;
  });
  tree.takeAll(`usr/lib/xen-${XEN_VERSION}`);
  tree.takeAll("usr/lib/xen-common");
  tree.takeAll("etc/xen");
  tree.remove(`usr/lib/xen-${XEN_VERSION}/boot/xen-shim`);
  for (const name of tree.packaged("usr/bin")) {
    if (/^xenstore/.test(name)) tree.take(`usr/bin/${name}`);
  }
  const xenBin = `usr/lib/xen-${XEN_VERSION}/bin`;
  for (const name of tree.packaged(xenBin)) tree.link(`/${xenBin}/${name}`, `usr/sbin/${name}`);
  tree.copy(process.execPath, "usr/bin/node");
  for (const name of DOM0_MODULES.split(" ")) tree.module(name);
  tree.add("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
  tree.add("etc/group", "root:x:0:\n");
  tree.add("etc/xen/xl.conf", 'autoballoon="off"\nvif.default.bridge="xenbr0"\n');
  tree.copy(path.join(sources, "dom0/init"), "init");
  tree.libraries([...programs, "usr/bin/xenstore", "usr/bin/node"]);
  tree.libraries(tree.packaged(xenBin).map((name) => `${xenBin}/${name}`));
  // Loaded by name: by the tools, and by our daemon.
  for (const name of tree.packaged("usr/lib/x86_64-linux-gnu")) {
    if (/^libxen.*\.so\.[\d.]+$/.test(name)) tree.library(name);
  }
  return tree;
}

/** Hash of everything that decides what the image is. */
function hashOf(sources: string): string {
  const hash = createHash("sha256").update(process.version);
  const names = fs.readdirSync(sources, { recursive: true, encoding: "utf8" }).sort();
  for (const name of names) {
    const file = path.join(sources, name);
    if (/(image|packages|kernel|tree)\.ts$|init$/.test(name)) hash.update(fs.readFileSync(file));
  }
  return hash.digest("hex");
}
