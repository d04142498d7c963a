// Boot: one run of a scenario on an emulated Xen host.
// Holds   the emulated machine's size, and what is laid over the image for one run.
// Never   touches a network or a disk of this machine.
// Source  our own; qemu-system-x86_64(1), the multiboot modules that Xen expects.

import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import type { Image } from "./image.ts";
import { run as runProgram } from "./run.ts";

const MEMORY_MB = 2560;
const DOM0_MB = 1408;
/** Guests of type PVH need a processor that helps: Debian's Xen has no shadow paging. */
const CPU = { pv: "qemu64", pvh: "qemu64,+svm,+npt" };
const LINUX_ARGUMENTS = "console=hvc0 mitigations=off nokaslr quiet loglevel=4";
const XEN_ARGUMENTS =
  `dom0_mem=${DOM0_MB}M,max:${DOM0_MB}M console=com1 com1=115200 loglvl=warning ` +
  "guest_loglvl=warning spec-ctrl=no xpti=no";
const CARRIED = "mount_tag=carried,security_model=none";

export type GuestType = keyof typeof CPU;

export interface Run {
  /** The scenario's file, in the folder of the scenarios. */
  readonly scenario: string;
  readonly guestType: GuestType;
  /** Folder of the package: what build/ and node_modules/ hold goes with it. */
  readonly project: string;
  /** Command in dom0 that starts the daemon in the background. */
  readonly daemon: string;
  /** Where the console's file and the run's own archive are put. */
  readonly folder: string;
  readonly limitMs: number;
  /** Which of the scenario's runs of the machine this is, from 1 on. */
  readonly number: number;
  /** Folder that the scenario's runs share, /carried in dom0; null: there is but one. */
  readonly carried: string | null;
}

export interface Booted {
  /** All that came over the serial line. */
  readonly text: string;
  /** The file with that. */
  readonly log: string;
}

/** Where the package stands in dom0. */
export const INSTALLED = "/opt/xenstore";

/**
 * Boots, and waits for the end.
 * @param sources  folder of these tests
 */
export async function boot(image: Image, sources: string, run: Run): Promise<Booted> {
  fs.mkdirSync(run.folder, { recursive: true });
  const root = path.join(run.folder, "root.cpio");
  // The kernel unpacks one archive after the other.
  fs.copyFileSync(image.root, root);
  fs.appendFileSync(root, overlay(sources, run));
  const serial = path.join(run.folder, `console${run.number > 1 ? `.${run.number}` : ""}.log`);
  fs.rmSync(serial, { force: true });
  try {
    await emulate(image, root, serial, run);
  } finally {
    fs.rmSync(root, { force: true });
  }
  return { text: fs.readFileSync(serial, "latin1"), log: serial };
}

/** The scenario, its settings, and the package, as an archive. */
function overlay(sources: string, run: Run): Buffer {
  const { folder, scenario, guestType, project, daemon, number } = run;
  const root = path.join(folder, "overlay");
  fs.rmSync(root, { recursive: true, force: true });
  fs.mkdirSync(root);
  const ours = daemon.startsWith(INSTALLED) ? "yes" : "no";
  const options = `DAEMON='${daemon}'\nOURS=${ours}\nGUEST_TYPE=${guestType}\nBOOT=${number}\n`;
  fs.writeFileSync(path.join(root, "options.sh"), options);
  for (const name of fs.readdirSync(path.join(sources, "dom0"))) {
    // The first program is part of the image.
    if (name !== "init") fs.copyFileSync(path.join(sources, "dom0", name), path.join(root, name));
  }
  fs.cpSync(path.join(sources, "scenarios"), path.join(root, "scenarios"), { recursive: true });
  fs.writeFileSync(path.join(root, "run.sh"), `. /checks.sh\n. /scenarios/${scenario}\n`);
  const installed = path.join(root, INSTALLED);
  for (const name of ["build/hosts", "build/xenstore.wasm", ...koffiFolders(project)]) {
    fs.cpSync(path.join(project, name), path.join(installed, name), { recursive: true });
  }
  const how = ["-o", "-H", "newc", "--quiet", "-R", "0:0"];
  const archive = runProgram("cpio", how, {
    cwd: root,
    input: runProgram("find", ["."], { cwd: root }),
  });
  fs.rmSync(root, { recursive: true });
  return archive;
}

/** The package koffi and the package with its native part. */
function koffiFolders(project: string): string[] {
  const names = ["koffi", `@koromix/koffi-${process.platform}-${process.arch}`];
  return names
    .map((name) => `node_modules/${name}`)
    .filter((name) => {
      return fs.existsSync(path.join(project, name));
    });
}

/** Runs qemu until the machine is switched off, or for as long as the run may take. */
function emulate(image: Image, root: string, serial: string, run: Run): Promise<void> {
  const qemu = spawn(
    "qemu-system-x86_64",
    [
      ["-accel", "tcg,thread=multi", "-cpu", CPU[run.guestType], "-smp", "2"],
      ["-m", String(MEMORY_MB), "-nodefaults", "-no-user-config", "-display", "none"],
      ["-no-reboot", "-serial", `file:${serial}`, "-kernel", image.xen],
      ["-initrd", `${image.linux} ${LINUX_ARGUMENTS},${root}`, "-append", XEN_ARGUMENTS],
      run.carried === null ? [] : ["-virtfs", `local,path=${run.carried},${CARRIED}`],
    ].flat(),
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let complaint = "";
  qemu.stderr.on("data", (chunk) => {
    complaint += chunk;
  });
  const limit = setTimeout(() => qemu.kill("SIGKILL"), run.limitMs);
  return new Promise((resolve, reject) => {
    qemu.once("error", reject);
    qemu.once("close", (code, signal) => {
      clearTimeout(limit);
      // A run that took too long is judged by what it has printed.
      if (code === 0 || signal === "SIGKILL") resolve();
      else reject(new Error(`qemu ended with ${code ?? signal}: ${complaint.trim()}`));
    });
  });
}
