// Known: what the playground says of well-known paths and of their values.
// Holds   patterns of every table, which of several is chosen, values that are codes.
// Never   repeats the tables.
// Source  the XenStore protocol, well-known paths.

import { describe, expect, it } from "vitest";
import { explain, patterns } from "../../hosts/playground/model/known.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const patternOf = (path: string) => explain(path, bytes(""))?.pattern ?? null;
const meaningOf = (path: string, value: string) => explain(path, bytes(value))?.value ?? null;

const VBD = "/local/domain/0/backend/vbd/5/51728";
const VIF = "/local/domain/0/backend/vif/5/0";

describe("well-known paths", () => {
  it("are many, each with its text", () => {
    const all = patterns();
    expect(all.length).toBeGreaterThan(220);
    expect(new Set(all).size).toBe(all.length);
    for (const pattern of all) {
      const path = pattern.replace(/<[^>]*>/g, "7").replaceAll("*", "7");
      const found = explain(path, bytes(""));
      expect(found?.pattern, path).toBe(pattern);
      expect(found?.text, path).toMatch(/^[A-Z].*\.$/s);
      expect(found?.text.length, path).toBeGreaterThan(15);
      expect(found?.text, path).not.toContain("\n");
    }
  });

  it.each([
    ["/", "/"],
    ["@releaseDomain", "@releaseDomain"],
    ["@introduceDomain/5", "@introduceDomain/<domid>"],
    ["/local/domain/5", "/local/domain/<domid>"],
    ["/local/domain/5/cpu/1/availability", "/local/domain/<domid>/cpu/<n>/availability"],
    ["/local/domain/5/device/suspend", "/local/domain/<domid>/device/suspend"],
    ["/local/domain/5/device/vif/0/mac", "/local/domain/<domid>/device/vif/<n>/mac"],
    ["/local/domain/5/device/vif/0/state", "/local/domain/<domid>/device/<class>/<n>/state"],
    ["/local/domain/5/device/vsnd/0/state", "/local/domain/<domid>/device/<class>/<n>/state"],
    [
      "/local/domain/5/device/vif/0/feature-gso-tcpv4",
      "/local/domain/<domid>/device/vif/<n>/feature-gso-*",
    ],
    [
      "/local/domain/5/device/vif/0/queue-1/tx-ring-ref",
      "/local/domain/<domid>/device/<class>/<n>/queue-*/<what>",
    ],
    [VBD, "/local/domain/<backend>/backend/vbd/<frontend>/<devid>"],
    [`${VBD}/online`, "/local/domain/<backend>/backend/<class>/<frontend>/<n>/online"],
    [`${VIF}/bridge`, "/local/domain/<backend>/backend/vif/<frontend>/<n>/bridge"],
    ["/local/domain/5/control/feature-s5", "/local/domain/<domid>/control/feature-*"],
    ["/local/domain/5/data/hello", "/local/domain/<domid>/data/<what>"],
    ["/libxl/5/device/vif/0/mac", "/libxl/<domid>/device/<class>/<n>/<what>"],
    ["/vm/49a27d1c-39f4-41d2-98fb-8191cb96f79d/image", "/vm/<uuid>/image"],
  ])("%s is %s", (path, pattern) => {
    expect(patternOf(path)).toBe(pattern);
  });

  it.each([
    "/nope",
    "/local/domain/five",
    "/local/domain/5/mine",
    "/local/domain/5/name/below",
    `${VBD}/params/below`,
    "/tool/xenstored/nope",
    "@nope",
    "/local/domain/5/__proto__",
    "/constructor",
  ])("nothing is said of %s", (path) => {
    expect(patternOf(path)).toBeNull();
  });
});

describe("values", () => {
  it.each([
    [`${VIF}/state`, "4", "Connected: the device works."],
    [`${VIF}/state`, "9", "No state has this number; 0 to 8 are used."],
    [`${VIF}/state`, "", null],
    [`${VIF}/online`, "0", "The device is to go away."],
    [`${VIF}/hotplug-status`, "connected", /connected on the host's side\.$/],
    [`${VIF}/feature-sg`, "1", "Yes."],
    [`${VIF}/feature-sg`, "2", null],
    [`${VIF}/mac`, "00:16:3e:0a:0b:0c", null],
    [`${VIF}/frontend-id`, "5", "Domain 5."],
    [VBD, "", "The guest calls it xvdb."],
    [`${VBD}/sectors`, "16384", "8 MiB."],
    [`${VBD}/sectors`, "1", "0.5 KiB."],
    [`${VBD}/sector-size`, "512", "512 bytes."],
    [`${VBD}/physical-device`, "7:1f", "Major 7, minor 31."],
    [`${VBD}/info`, "5", "The disk is a CD drive, read only."],
    [`${VBD}/mode`, "r", "Read only."],
    [`${VBD}/feature-max-indirect-segments`, "256", "Up to 256."],
    ["/local/domain/5/device/vbd/51712/virtual-device", "51713", "The guest calls it xvda1."],
    ["/local/domain/5/device/vbd/2048/virtual-device", "2048", "The guest calls it sda."],
    ["/local/domain/5/device/vbd/5632/virtual-device", "5632", "The guest calls it hdc."],
    ["/local/domain/5/device/vbd/268441856", "", "The guest calls it xvdz."],
    ["/local/domain/5/device/vbd/268442112", "", "The guest calls it xvdaa."],
    ["/local/domain/5/memory/target", "163840", "160 MiB of memory."],
    ["/local/domain/5/memory/target", "much", null],
    ["/local/domain/5/control/shutdown", "poweroff", "The guest is to shut down and power off."],
    ["/local/domain/5/control/shutdown", "", /acknowledged the request\.$/],
    ["/local/domain/5/control/shutdown", "toString", null],
    ["/local/domain/5/control/sysrq", "h", "The key h."],
    ["/local/domain/5/cpu/0/availability", "offline", /stop using this processor\.$/],
    ["/vm/x/start_time", "1700000000.47", "2023-11-14 22:13:20 UTC."],
    ["/vm/x/start_time", "1e99", null],
    ["/libxl/5/type", "pvh", /no device model\.$/],
    ["/local/domain/5/name", "g3", null],
  ])("%s of %s", (path, value, meaning) => {
    const said = meaningOf(path, value);
    if (meaning instanceof RegExp) expect(said).toMatch(meaning);
    else expect(said).toBe(meaning);
  });

  it("of any bytes and any length are taken", () => {
    const state = `${VIF}/state`;
    expect(explain(state, Uint8Array.of(0, 255))?.value).toBeNull();
    expect(explain(state, new Uint8Array(4096).fill(52))?.value).toBeNull();
  });
});
