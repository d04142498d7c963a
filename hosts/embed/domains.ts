// Domains: how a domain comes to be in a store of this process: introduced, with a home.
// Holds   what a home looks like.
// Never   touches a home that is there.
// Source  the XenStore protocol, domains; the store of a real host with a guest made by xl.

import {
  XENSTORE_RING_PAGE,
  XS_DIRECTORY,
  XS_INTRODUCE,
  XS_IS_DOMAIN_INTRODUCED,
} from "../../assembly/xs_wire.ts";
import { InvalidRequestError } from "../client/errors.ts";
import { isXenstoreError, XenstoreError } from "../shared/errors.ts";
import type { LocalDomain } from "../shared/machine_local.ts";
import { firstString, strings, toBytes, toText } from "../shared/wire.ts";
import type { Home } from "./api.ts";
import type { Site } from "./site.ts";
import { type Planted, plant } from "./tree.ts";

/** Numbers from here on stand for something else. */
const DOMID_END = 0x7ff0;
/** Where a guest's page lies in its memory, and its end of the event channel: any will do. */
const FRAME = 1;
const PORT = 1;
const NOTHING = new Uint8Array(0);

/** Nodes that a guest of xl may write to; all others below its home it can only read. */
const XL_OWN = [
  "device/suspend/event-channel",
  "control/shutdown",
  "control/feature-poweroff",
  "control/feature-reboot",
  "control/feature-suspend",
  "control/sysrq",
  "data",
  "drivers",
  "feature",
  "attr",
  "error",
];
const XL_READ = ["cpu", "memory", "device", "device/suspend", "control"];

/** Throws InvalidRequestError for a number that no guest can have. */
export function checkDomid(domid: number): void {
  if (Number.isInteger(domid) && domid >= 0 && domid < DOMID_END) return;
  const what = `${domid} is no domain: numbers from 0 to ${DOMID_END - 1} are`;
  throw new InvalidRequestError("EINVAL", what, { op: "INTRODUCE" });
}

/**
 * Makes a domain that the store knows, unless it does.
 * @param page  for a domain that is made; see `guest` of Store
 */
export function makeDomain(
  site: Site,
  domid: number,
  home: Home = "own",
  page?: ArrayBufferLike,
): LocalDomain {
  checkDomid(domid);
  if (page && page.byteLength < XENSTORE_RING_PAGE) {
    const what = `the page of domain ${domid} has ${page.byteLength} bytes, not 4096`;
    throw new InvalidRequestError("EINVAL", what, { op: "INTRODUCE" });
  }
  const domain = site.machine.domain(domid, page);
  if (page && domain.buffer !== page) {
    const cause = new Error(`domain ${domid} has a page already`);
    throw new XenstoreError("EEXIST", { op: "INTRODUCE", cause });
  }
  if (!isIntroduced(site, domid)) {
    const place = { op: "INTRODUCE", path: `${domid}` };
    site.ask(XS_INTRODUCE, strings(`${domid}`, `${FRAME}`, `${PORT}`), place);
  }
  if (home !== "none") makeHome(site, domid, home);
  return domain;
}

/** Throws InvalidRequestError for a domain that nobody has introduced. */
export function checkKnown(site: Site, domid: number): void {
  if (isIntroduced(site, domid)) return;
  const what = `domain ${domid} is not introduced; asDomain, guest and domain(${domid}).introduce do that`;
  throw new InvalidRequestError("ENOENT", what, { op: "connect" });
}

function isIntroduced(site: Site, domid: number): boolean {
  const place = { op: "IS_DOMAIN_INTRODUCED", path: `${domid}` };
  const reply = site.ask(XS_IS_DOMAIN_INTRODUCED, strings(`${domid}`), place);
  return toText(firstString(reply)) === "T";
}

function makeHome(site: Site, domid: number, home: Home): void {
  const path = `/local/domain/${domid}`;
  if (domid === 0 || exists(site, path)) return;
  if (home === "own") plant(site, [{ path, value: NOTHING, perms: `n${domid}` }]);
  else plant(site, xlHome(path, domid));
}

function* xlHome(path: string, domid: number): Generator<Planted> {
  const read = `n0 r${domid}`;
  yield { path, value: NOTHING, perms: read };
  for (const name of XL_READ) yield { path: `${path}/${name}`, value: NOTHING, perms: read };
  for (const name of XL_OWN) {
    yield { path: `${path}/${name}`, value: NOTHING, perms: `n${domid}` };
  }
  yield { path: `${path}/domid`, value: toBytes(`${domid}`), perms: read };
}

function exists(site: Site, path: string): boolean {
  try {
    site.ask(XS_DIRECTORY, strings(path), { op: "DIRECTORY", path });
    return true;
  } catch (error) {
    if (isXenstoreError(error, "ENOENT")) return false;
    if (isXenstoreError(error, "E2BIG")) return true;
    throw error;
  }
}
