// Known (values): what values that are codes mean, in words.
// Holds   states, requests, sizes, numbers of disks.
// Never   guesses: a value that is none of these means nothing.
// Source  Xen's public headers (io/xenbus.h, io/blkif.h); the XenStore protocol, well-known paths.

/** Long values are no codes. */
const LONGEST = 64;

const STATES = [
  "Unknown: the driver has not said anything yet",
  "Initialising: the driver knows of the device",
  "InitWait: the backend waits for the other half",
  "Initialised: this half has shared its rings and waits",
  "Connected: the device works",
  "Closing: the device is about to go",
  "Closed: this half is done with the device",
  "Reconfiguring: something about the device is being changed",
  "Reconfigured: the change is made",
];

const SHUTDOWN: Words = {
  "": "Nothing is asked for, or the guest has acknowledged the request",
  poweroff: "The guest is to shut down and power off",
  halt: "The guest is to shut down and halt",
  reboot: "The guest is to shut down and start again",
  suspend: "The guest is to suspend, to be saved or moved to another host",
  crash: "The guest is to crash, so that its memory can be looked at",
  s3: "The guest is to sleep, with its memory kept",
  s4: "The guest is to hibernate",
};

type Words = Readonly<Record<string, string>>;
type Reading = Words | ((text: string, name: string) => string | null);

const KINDS = {
  state: (text) => {
    if (!/^\d+$/.test(text)) return null;
    const state = STATES[Number(text)];
    return state === undefined ? "No state has this number; 0 to 8 are used" : state;
  },
  shutdown: SHUTDOWN,
  yes: { 0: "No", 1: "Yes" },
  online: { 0: "The device is to go away", 1: "The device is to stay" },
  trusted: {
    0: "No: the guest copies what it shares with the backend",
    1: "Yes: the guest shares its memory as it is",
  },
  availability: {
    online: "The guest is to use this processor",
    offline: "The guest is to stop using this processor",
  },
  hotplug: {
    "": "The script has not reported yet",
    connected: "The script is done: the device is connected on the host's side",
    error: "The script failed; hotplug-error has more",
  },
  mode: { r: "Read only", w: "The guest may read and write" },
  devicetype: { disk: "A disk", cdrom: "A CD drive" },
  type: {
    pv: "PV: the guest's kernel knows that it runs on Xen, and needs no hardware to help",
    hvm: "HVM: the guest runs on a whole virtual machine, with firmware and a device model",
    pvh: "PVH: the processor helps as for HVM, but there is no device model",
  },
  ostype: {
    linux: "A PV machine",
    hvm: "A machine with hardware virtualisation",
  },
  dm: {
    qemu_xen: "QEMU as its makers release it",
    qemu_xen_traditional: "An old QEMU, changed for Xen",
  },
  consoletype: {
    xenconsoled: "The console daemon, xenconsoled",
    ioemu: "The device model, QEMU",
  },
  backendtype: {
    phy: "A block device of the backend's domain, served by its kernel",
    file: "A file in the backend's domain",
    tap: "A disk image, served by tapdisk",
    qdisk: "A disk image, served by QEMU",
    vif: "A network interface whose other end is in the backend's domain",
    vif_ioemu: "The backend's end of an interface that the device model emulates, too",
  },
  abi: {
    "x86_64-abi": "A 64 bit x86 guest",
    "x86_32-abi": "A 32 bit x86 guest",
    "arm-abi": "An Arm guest",
  },
  slate: {
    laptop: "Like a laptop, with a keyboard",
    slate: "Like a tablet, without a keyboard",
  },
  sysrq: (text) => {
    if (text === "") return "No key is waiting";
    return text.length === 1 ? `The key ${text}` : null;
  },
  kib: (text) => counted(text, (count) => `${size(count, 1)} of memory`),
  mib: (text) => counted(text, (count) => `${size(count, 2)} of memory`),
  bytes: (text) => counted(text, (count) => size(count, 0)),
  sectors: (text) => counted(text, (count) => size(count / 2, 1)),
  count: (text) => counted(text, (count) => (count === 1 ? "Only one" : `Up to ${count}`)),
  domid: (text) => {
    if (!/^\d+$/.test(text)) return null;
    return text === "0" ? "The control domain" : `Domain ${text}`;
  },
  time: (text) => {
    const date = new Date(Number(text) * 1000);
    if (!/^\d+(\.\d*)?$/.test(text) || Number.isNaN(date.getTime())) return null;
    return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  },
  device: (text) => {
    const numbers = /^([0-9a-f]+):([0-9a-f]+)$/i.exec(text);
    if (!numbers) return null;
    const [major, minor] = numbers.slice(1).map((digits) => Number.parseInt(digits, 16));
    return `Major ${major}, minor ${minor}`;
  },
  diskinfo: (text) => {
    if (!/^\d+$/.test(text)) return null;
    const bits = ["a CD drive", "removable", "read only"];
    const set = bits.filter((_, bit) => (Number(text) >> bit) & 1);
    return set.length === 0 ? "An ordinary disk" : `The disk is ${set.join(", ")}`;
  },
  disk: (text, name) => {
    const called = diskName(Number(/^\d+$/.test(text) ? text : name));
    return called === null ? null : `The guest calls it ${called}`;
  },
} satisfies Readonly<Record<string, Reading>>;

export type ValueKind = keyof typeof KINDS;

/**
 * What a value means: a sentence.
 * @param name  the node's own name, which has the number of a disk
 * @returns     null where it is no such code
 */
export function meaning(kind: ValueKind, value: Uint8Array, name: string): string | null {
  if (value.length > LONGEST) return null;
  const text = String.fromCharCode(...value);
  const reading: Reading = KINDS[kind];
  const said = typeof reading === "function" ? reading(text, name) : own(reading, text);
  return said === null ? null : `${said}.`;
}

function own(words: Words, text: string): string | null {
  return Object.hasOwn(words, text) ? (words[text] as string) : null;
}

function counted(text: string, say: (count: number) => string): string | null {
  return /^\d{1,15}$/.test(text) ? say(Number(text)) : null;
}

/** Of so many bytes, KiB (1) or MiB (2), in the unit that suits people. */
function size(count: number, unit: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let at = unit;
  let rest = count;
  while (rest >= 1024 && at < units.length - 1) {
    rest /= 1024;
    at++;
  }
  const shown = Number.isInteger(rest) ? `${rest}` : rest.toFixed(2).replace(/0$/, "");
  return at === 0 && rest === 1 ? "1 byte" : `${shown} ${units[at]}`;
}

/** What a disk's number is called in the guest; null for other numbers. */
function diskName(number: number): string | null {
  const major = number >>> 8;
  const minor = number & 0xff;
  if (number >>> 28 === 1) return named("xvd", (number >>> 8) & 0xfffff, number & 0xff);
  if (major === 202) return named("xvd", minor >> 4, minor & 15);
  if (major === 8) return named("sd", minor >> 4, minor & 15);
  if (major === 3) return named("hd", minor >> 6, minor & 63);
  if (major === 22) return named("hd", 2 + (minor >> 6), minor & 63);
  return null;
}

/** The disk by letters from a on, and its partition. */
function named(prefix: string, disk: number, partition: number): string {
  let letters = "";
  for (let rest = disk; rest >= 0; rest = Math.floor(rest / 26) - 1) {
    letters = String.fromCharCode(97 + (rest % 26)) + letters;
  }
  return `${prefix}${letters}${partition === 0 ? "" : partition}`;
}
