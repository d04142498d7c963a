// Domains: what a guest has of the store besides nodes, after the store was killed and has begun anew.
// Holds   one site for each test, with two guests that do nothing by themselves.
// Never   lets a guest introduce itself again.
// Source  the XenStore protocol, Domains, Quotas and Watches.

import fs from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { release } from "../host/rig.ts";
import { setState } from "../rings/files.ts";
import type { Guest } from "./guest.ts";
import { ask, listen, onTwo, restart } from "./two.ts";

afterAll(release);

describe("after a kill a guest still has", () => {
  it("its quota, and the count of what it owns", () =>
    onTwo(async (site, dom0) => {
      const [guest] = site.guests as [Guest, Guest];
      await dom0.ask("SET_QUOTA", "1\0nodes\0" + "5\0");
      for (const name of ["a", "b", "c"]) {
        expect(await ask(site, guest, "WRITE", `data/${name}\0x`)).toBe("OK\0");
      }
      expect(await ask(site, guest, "WRITE", "data/d\0x")).toBe("ENOSPC");
      const after = await restart(site);
      expect(await after.ask("GET_QUOTA", "1\0nodes\0")).toBe("5\0");
      expect(await after.ask("GET_QUOTA", "2\0nodes\0")).toBe("1000\0");
      expect(await ask(site, guest, "WRITE", "data/d\0x")).toBe("ENOSPC");
      expect(await ask(site, guest, "RM", "data/a\0")).toBe("OK\0");
      expect(await ask(site, guest, "WRITE", "data/d\0x")).toBe("OK\0");
      after.close();
    }));

  it("its watches with their depths, each token as it was given", () =>
    onTwo(async (site, dom0) => {
      const [guest] = site.guests as [Guest, Guest];
      await dom0.ask("WRITE", "/crash/news/n0\0first");
      expect(await ask(site, guest, "WATCH", "/crash/news\0deep \0" + "1\0")).toBe("OK\0");
      expect(await ask(site, guest, "UNWATCH", "/crash/news\0news\0")).toBe("OK\0");
      const after = await restart(site);
      const heard = listen(guest);
      await after.ask("WRITE", "/crash/news/n0\0second");
      await after.ask("WRITE", "/crash/news/n0/below\0x");
      await ask(site, guest, "GET_DOMAIN_PATH", "1\0");
      expect(heard).toEqual(["/crash/news/n0 deep "]);
      expect(await ask(site, guest, "WATCH", "/crash/news\0deep \0")).toBe("EEXIST");
      after.close();
    }));

  it("its target", () =>
    onTwo(async (site, dom0) => {
      const [one] = site.guests as [Guest, Guest];
      const path = "/local/domain/2/data";
      expect(await ask(site, one, "READ", `${path}\0`)).toBe("EACCES");
      await dom0.ask("SET_TARGET", "1\0" + "2\0");
      const after = await restart(site);
      expect(await ask(site, one, "WRITE", `${path}/a\0x`)).toBe("OK\0");
      expect(await after.ask("READ", `${path}/a\0`)).toBe("x");
      after.close();
    }));
});

it("a transaction that a guest has open at the kill ends in EAGAIN, and nothing of it stays", () =>
  onTwo(async (site) => {
    const [guest] = site.guests as [Guest, Guest];
    const { writer } = guest.driver;
    const id = Number.parseInt(await ask(site, guest, "TRANSACTION_START", "\0"), 10);
    const inside = (type: string, payload: string) =>
      site.progress(
        new Promise<string>((resolve) => {
          writer.ask(type, payload, id, ({ error, payload: text }) => {
            resolve(error || text);
            return "";
          });
        }),
      );
    expect(await inside("WRITE", "data/a\0x")).toBe("OK\0");
    const after = await restart(site);
    expect(await inside("WRITE", "data/b\0x")).toBe("OK\0");
    expect(await inside("TRANSACTION_END", "T\0")).toBe("EAGAIN");
    expect(await ask(site, guest, "DIRECTORY", "data\0")).toBe("");
    expect(await inside("TRANSACTION_END", "T\0")).toBe("ENOENT");
    after.close();
  }));

describe("a domain that dies while there is no store", () => {
  it("leaves no nodes, no rights and no name behind, and who watches is told", () =>
    onTwo(async (site, dom0) => {
      const [one, two] = site.guests as [Guest, Guest];
      const perms = "/local/domain/1/data/shared\0n1\0r2\0";
      expect(await ask(site, one, "WRITE", "data/shared\0x")).toBe("OK\0");
      expect(await ask(site, one, "SET_PERMS", perms)).toBe("OK\0");
      expect(await ask(site, two, "WRITE", "data/a/b\0x")).toBe("OK\0");
      await dom0.ask("SET_PERMS", "@releaseDomain\0n0\0r1\0");
      expect(await ask(site, one, "WATCH", "@releaseDomain\0gone\0")).toBe("OK\0");
      await site.progress(one.caughtUp());
      const heard = listen(one);
      const after = await restart(site, () => setState(site.machine, 2, "dying"));
      await ask(site, one, "GET_DOMAIN_PATH", "1\0");
      expect(heard).toContain("@releaseDomain gone");
      expect(await after.ask("IS_DOMAIN_INTRODUCED", "2\0")).toBe("F\0");
      expect(await after.answer("READ", "/local/domain/2/data\0")).toBe("ENOENT");
      expect(await after.ask("GET_PERMS", "/local/domain/1/data/shared\0")).toBe("n1\0");
      expect(await after.ask("CONTROL", "check\0")).toContain(" 0 faults");
      after.close();
    }));

  it("and whose number was given to another one leaves nothing to that", () =>
    onTwo(async (site) => {
      const [, two] = site.guests as [Guest, Guest];
      expect(await ask(site, two, "WRITE", "data/a/b\0x")).toBe("OK\0");
      const page = `${site.machine}/ring-2`;
      const after = await restart(site, () => {
        // Made before the old one is gone, so that it is another file for certain.
        fs.writeFileSync(`${page}.new`, Buffer.alloc(4096));
        fs.renameSync(`${page}.new`, page);
      });
      expect(await after.ask("IS_DOMAIN_INTRODUCED", "2\0")).toBe("F\0");
      expect(await after.answer("READ", "/local/domain/2/data\0")).toBe("ENOENT");
      after.close();
    }));
});
