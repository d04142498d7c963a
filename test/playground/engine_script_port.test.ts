// Engine script port: a client of the store at the other end of a port, as a script has it.
// Holds   nothing.
// Never   sleeps.
// Source  our own.

import { describe, expect, it, onTestFinished } from "vitest";
import { type Client, connect, portTransport } from "../../hosts/entry/browser.ts";
import { openRig, type Rig } from "./engine_rig.ts";

async function script(rig: Rig, domid: number): Promise<Client> {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  await rig.call("script.port", { port: port2, domid });
  return connect(portTransport(port1), { reconnect: false });
}

describe("a script", () => {
  it("is a client of domain 0 that may do everything, and is named", async () => {
    const rig = await openRig();
    const client = await script(rig, 0);
    await client.write("/tool/x", "from the script");
    expect(rig.session.mirror.find("/tool/x")).not.toBeNull();
    expect([...rig.session.labels.values()]).toContain("script");
    await client.close();
  });

  it("as a guest has its rights; the domain is made or introduced", async () => {
    const rig = await openRig();
    const client = await script(rig, 6);
    await client.write("mine", "1");
    expect(rig.session.mirror.find("/local/domain/6/mine")?.perms).toBe("n6");
    await expect(client.read("/tool")).rejects.toMatchObject({ code: "EACCES" });
    expect(rig.session.domains.get(6)).toMatchObject({ introduced: true, state: "running" });
    await rig.call("domain.release", { domid: 6 });
    expect(await client.closed).toBeInstanceOf(Error);
    const again = await script(rig, 6);
    expect(await again.list("/local/domain/6")).toEqual([]);
    await again.close();
  });

  it("can't be a domain that has ended, or that can't be", async () => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3 });
    await rig.call("domain.kill", { domid: 3 });
    await expect(script(rig, 3)).rejects.toThrow(/Reboot it/);
    await expect(script(rig, -1)).rejects.toThrow(/integer from 1/);
  });

  it("is hung up when the session ends", async () => {
    const rig = await openRig();
    const client = await script(rig, 0);
    const { emptyBeginning } = await import("../../hosts/playground/engine/openings.ts");
    await rig.engine.open(() => emptyBeginning());
    expect(await client.closed).toBeInstanceOf(Error);
  });
});
