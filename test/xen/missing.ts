// Missing: what these tests need of the machine they run on, and is not there.
// Holds   the list.
// Never   installs anything.
// Source  our own.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { XEN_VERSION } from "./packages.ts";

const PROGRAMS: Readonly<Record<string, string>> = {
  "qemu-system-x86_64": "qemu-system-x86",
  "apt-get": "apt",
  "dpkg-deb": "dpkg",
  cpio: "cpio",
  readelf: "binutils",
  xz: "xz-utils",
  find: "findutils",
};

/** Why an emulated Xen host can't be had here, in one clause; null when it can. */
export function missing(project: string): string | null {
  if (process.platform !== "linux" || process.arch !== "x64") return "it needs Linux on x86-64";
  const programs = Object.keys(PROGRAMS).filter((name) => !isInstalled(name));
  if (programs.length > 0) {
    const packages = programs.map((name) => PROGRAMS[name]).join(" ");
    return `${programs.join(", ")} not installed (Debian's ${packages})`;
  }
  if (!fs.existsSync(path.join(project, "node_modules/koffi"))) {
    return "the optional package koffi is not installed";
  }
  const known = spawnSync("apt-cache", ["show", `xen-utils-${XEN_VERSION}`]);
  if (known.status === 0) return null;
  return `apt knows no package xen-utils-${XEN_VERSION} (apt-get update, on Debian 12)`;
}

function isInstalled(program: string): boolean {
  const folders = `${process.env.PATH ?? ""}:/usr/sbin:/sbin`.split(":");
  return folders.some((folder) => fs.existsSync(path.join(folder, program)));
}
