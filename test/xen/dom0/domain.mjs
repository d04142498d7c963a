// Domain: a domain of the hypervisor, without any store: for the time when there is none.
// Holds   nothing.
// Never   touches what a toolstack keeps about the domain.
// Source  Xen's public header domctl.h, XEN_DOMCTL_getdomaininfo; libxenctrl.
//
//   node domain.mjs state DOMID      prints running, shutdown, dying or gone
//   node domain.mjs destroy DOMID

import { createRequire } from "node:module";
import process from "node:process";

const koffi = createRequire("/opt/xenstore/build/hosts/")("koffi");
const FLAG_DYING = 1;
const FLAG_SHUTDOWN = 4;
const INFO_SIZE = 1024;

const [, , what, number] = process.argv;
const domid = Number(number);
const library = koffi.load("libxenctrl.so.4.17");
const open = library.func("void *xc_interface_open(void *, void *, unsigned int)");
const infoList = library.func(
  "int xc_domain_getinfolist(void *, uint32_t, unsigned int, _Out_ uint8_t *)",
);
const destroy = library.func("int xc_domain_destroy(void *, uint32_t)");
const handle = open(null, null, 0);

if (what === "destroy") process.exitCode = destroy(handle, domid) === 0 ? 0 : 1;
else console.log(state());

function state() {
  const info = Buffer.alloc(INFO_SIZE);
  if (infoList(handle, domid, 1, info) !== 1 || info.readUInt16LE(0) !== domid) return "gone";
  const flags = info.readUInt32LE(4);
  if (flags & FLAG_DYING) return "dying";
  return flags & FLAG_SHUTDOWN ? "shutdown" : "running";
}
