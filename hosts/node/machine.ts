// Machine: which host of guests this daemon serves: a real Xen host, a simulated one, or none.
// Holds   nothing.
// Never   looks for Xen when a person tries the daemon out, or says --no-domain-init.
// Source  command line, Daemon xenstored; the XenStore protocol, domains (start-up).

import fs from "node:fs";
import type { Config } from "../shared/config.ts";
import type { HandedMachine, Machine } from "../shared/machine.ts";
import { isXenHost } from "./dom0.ts";
import type { MapFile } from "./file_page.ts";
import { loadLibc, SEEK_END } from "./libc.ts";
import { SimMachine } from "./machine_sim.ts";
import type { Watch } from "./transport.ts";
import { XenDevice } from "./xen_device.ts";

/**
 * The machine below this daemon; null: there is none, only sockets are served.
 * @param handed  what the process before had open; null: there was none
 * @throws        Error of one line when there is one that can't be used
 */
export async function findMachine(
  config: Config,
  watch: Watch | null,
  handed: HandedMachine | null = null,
): Promise<Machine | null> {
  const { domainInit, simulate } = config;
  if (domainInit && simulate) {
    return new SimMachine(simulate, watch, await fileMapper(), handed, await loadLibc());
  }
  if (!servesXen(config)) return null;
  try {
    const { default: koffi } = await import("koffi");
    const { XenMachine } = await import("./machine_xen.ts");
    if (!watch) throw new Error("nothing waits for its events");
    return new XenMachine(koffi, watch, handed);
  } catch (error) {
    throw new Error(`this is a Xen host, but ${obstacle(error as Error)}`);
  }
}

/** Throws an Error of one line when the machine can't be served for want of a package. */
export async function checkMachine(config: Config): Promise<void> {
  if (!servesXen(config)) return;
  try {
    await import("koffi");
  } catch (error) {
    throw new Error(`this is a Xen host, but ${obstacle(error as Error)}`);
  }
}

function servesXen({ domainInit, simulate, try: tried }: Config): boolean {
  return domainInit && !simulate && !tried && isXenHost();
}

/** How to map files, if there is a way. */
export async function fileMapper(): Promise<MapFile | null> {
  try {
    const { default: koffi } = await import("koffi");
    const device = new XenDevice(koffi);
    const libc = await loadLibc();
    return (fd, offset) => {
      const { buffer, unmap } = device.map("page", fd, offset);
      return { buffer, unmap, size: () => libc?.lseek(fd, 0, SEEK_END) ?? fs.fstatSync(fd).size };
    };
  } catch {
    return null;
  }
}

function obstacle(error: Error): string {
  const hint = "--no-domain-init serves sockets only";
  if (error.name === "XenError") return `its guests can't be served: ${error.message}; ${hint}`;
  const line = error.message.split("\n")[0];
  return `the package koffi, which serves its guests, can't be loaded: ${line}; ${hint}`;
}
