// Packages: the Debian packages with Xen, its tools and a kernel, downloaded and unpacked.
// Holds   the list of packages, and what of their dependencies is left aside.
// Never   installs anything on this machine.
// Source  our own; apt-get(8), dpkg-deb(1).

import fs from "node:fs";
import path from "node:path";
import { run } from "./run.ts";

export const XEN_VERSION = "4.17";

const PACKAGES = [
  `xen-hypervisor-${XEN_VERSION}-amd64`,
  `xen-utils-${XEN_VERSION}`,
  "xenstore-utils",
  "linux-image-amd64",
  "busybox-static",
  "bash",
  "iproute2",
  "mount",
  "util-linux",
  "coreutils",
  "libstdc++6",
  "libgcc-s1",
];

/** Dependencies that an image without package management has no use for. */
const ASIDE =
  /^(python3|libpython3|perl|linux-base|initramfs|systemd|udev|init-system|debconf|dpkg|tar|klibc|libklibc|adduser|passwd|login|grub|ucf|sensible|sysvinit|media-types|mailcap|libapt|apt)[-_.\d]/;

/**
 * Unpacks the packages and all they depend on below `folder`, once.
 * @returns the root of what was unpacked
 * @throws  Error when apt-get can't find or fetch them
 */
export function unpackPackages(folder: string): string {
  const tree = path.join(folder, "tree");
  const done = path.join(folder, "tree.done");
  const wanted = PACKAGES.join(" ");
  if (fs.existsSync(done) && fs.readFileSync(done, "latin1") === wanted) return tree;
  fs.rmSync(tree, { recursive: true, force: true });
  fs.mkdirSync(tree, { recursive: true });
  for (const archive of download(path.join(folder, "archives"))) {
    if (!ASIDE.test(path.basename(archive))) run("dpkg-deb", ["-x", archive, tree]);
  }
  fs.writeFileSync(done, wanted);
  return tree;
}

/** Downloads as for a system on which nothing is installed yet. */
function download(folder: string): string[] {
  fs.mkdirSync(path.join(folder, "partial"), { recursive: true });
  const status = path.join(folder, "status");
  fs.writeFileSync(status, "");
  const settings = [
    `Dir::State::status=${status}`,
    `Dir::Cache::archives=${folder}`,
    "APT::Sandbox::User=root",
    "APT::Keep-Downloaded-Packages=true",
    "Debug::NoLocking=true",
  ].flatMap((setting) => ["-o", setting]);
  const how = ["-y", "-qq", "--no-install-recommends", "--download-only"];
  run("apt-get", [...how, ...settings, "install", ...PACKAGES]);
  const archives = fs.readdirSync(folder).filter((name) => name.endsWith(".deb"));
  if (archives.length === 0) throw new Error("apt-get has downloaded nothing");
  return archives.map((name) => path.join(folder, name));
}
