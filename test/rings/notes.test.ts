// Notes: ring notes, whole and half, and the file in which they outlive a process.
// Holds   nothing.
// Never   needs a daemon that is killed at one moment: restart.test.ts has all moments.
// Source  our own.

import fs from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadLibc } from "../../hosts/node/libc.ts";
import { fileMapper } from "../../hosts/node/machine.ts";
import { takeNotes } from "../../hosts/node/ring_notes.ts";
import { NOTE_WORDS, RingNotes } from "../../hosts/shared/ring_notes.ts";
import { Daemon, release, temporaryFolder } from "../host/rig.ts";

afterAll(release);

const koffi = (await loadLibc()) !== null;
const leftOut = koffi ? "" : " (left out: the package koffi can't be loaded)";
/** In different pages, at the ends of one, and the largest there is. */
const DOMIDS = [0, 1, 511, 512, 0x7fef];

describe("a ring note", () => {
  it("is of one domain, and of one rsp_prod", () => {
    const notes = new RingNotes(() => new Int32Array(NOTE_WORDS));
    for (const domid of DOMIDS) notes.note(domid, 0xffff_fff0 - domid, 0x8000_0000 + domid);
    for (const domid of DOMIDS) {
      expect(notes.reqCons(domid, 0xffff_fff0 - domid)).toBe(0x8000_0000 + domid);
      expect(notes.reqCons(domid, 0xffff_fff1 - domid)).toBe(null);
    }
    notes.clear(511);
    expect(notes.reqCons(511, 0xffff_fff0 - 511)).toBe(null);
    expect(notes.reqCons(512, 0xffff_fff0 - 512)).toBe(0x8000_0000 + 512);
  });

  it("of which half is written does not match what the page says", () => {
    const words = new Int32Array(NOTE_WORDS);
    const notes = new RingNotes(() => words);
    notes.note(0, 700, 300);
    const [, second] = words;
    notes.note(0, 716, 321);
    words[1] = second;
    expect(notes.reqCons(0, 700)).toBe(null);
  });
});

describe("the file of ring notes", () => {
  it.skipIf(!koffi)(`says what was noted, unless it is to begin anew${leftOut}`, async () => {
    const file = path.join(temporaryFolder(), "notes");
    const map = await fileMapper();
    const told: string[] = [];
    const take = (keep: boolean) => takeNotes(file, keep, map, (line) => told.push(line))?.notes;
    const first = take(true);
    for (const domid of DOMIDS) first?.note(domid, 16, 20 + domid);
    const second = take(true);
    for (const domid of DOMIDS) expect(second?.reqCons(domid, 16)).toBe(20 + domid);
    expect(take(false)?.reqCons(1, 16)).toBe(null);
    expect(told).toEqual([]);
  });

  it.skipIf(!koffi)(`is told of when it can't be had${leftOut}`, async () => {
    const told: string[] = [];
    const file = path.join(temporaryFolder(), "no", "notes");
    expect(takeNotes(file, true, await fileMapper(), (line) => told.push(line))).toBe(null);
    expect(told).toEqual([
      `${file}: ENOENT; a daemon that is killed may answer a guest's read twice`,
    ]);
  });

  it.skipIf(!koffi)(
    `is there while a daemon has guests, and after a kill only${leftOut}`,
    async () => {
      const folder = temporaryFolder();
      const args = ["--simulate", path.join(folder, "guests")];
      for (const signal of ["SIGKILL", "SIGTERM"] as const) {
        const daemon = await new Daemon(folder, args, {}).ready();
        const file = `${daemon.socket}_rings`;
        expect(fs.statSync(file).mode & 0o777).toBe(0o600);
        daemon.signal(signal);
        await daemon.ended;
        expect(fs.existsSync(file)).toBe(signal === "SIGKILL");
      }
    },
  );
});
