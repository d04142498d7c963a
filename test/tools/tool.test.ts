// Tool: the command line tools on a store in memory, without any daemon or other tool.
// Holds   options, escapes, layout, JSON and messages, with their exact texts.
// Never   opens a socket.
// Source  the XenStore command line; docs/tools.md.

import { describe, expect, it } from "vitest";
import { escapeValue, unescapeValue } from "../../hosts/shared/cli/escape.ts";
import { looseInt } from "../../hosts/shared/cli/host.ts";
import { type Option, scanOptions } from "../../hosts/shared/cli/options.ts";
import { words } from "./cases.ts";
import { type Rules, ScriptedStore, ScriptedStream } from "./scripted.ts";
import { runOurs } from "./tools.ts";

/** Runs a tool against a scripted store; also says what it asked. */
async function run(line: string, rules: Rules = {}, columns?: number) {
  const store = new ScriptedStore(rules);
  const terminal = columns === undefined ? {} : { columns };
  const done = await runOurs({ argv: words(line), ...terminal }, new ScriptedStream(store));
  return { ...done, asked: store.log };
}
const out = async (line: string, rules: Rules, columns?: number) =>
  (await run(line, rules, columns)).out;

describe("options", () => {
  const options: Option[] = [
    { letter: "a", name: "alpha" },
    { letter: "b", name: "beta", value: true },
    { letter: "c", name: "bent", exact: true },
    { letter: "s" },
  ];
  /** Findings as `a`, `b=value` or `!text`, then the operands. */
  function scan(line: string, ordered = false): string[] {
    const found: string[] = [];
    const steps = scanOptions("prog", line === "" ? [] : line.split(" "), options, ordered);
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done) return [...found, "|", ...step.value];
      const { value } = step;
      if (value.kind === "error") found.push(`!${value.text.replace("\n", "")}`);
      else found.push(value.value === "" ? value.letter : `${value.letter}=${value.value}`);
    }
  }
  it.each([
    ["", ["|"]],
    ["x -a y", ["a", "|", "x", "y"]],
    ["-as", ["a", "s", "|"]],
    ["-ab1 x", ["a", "b=1", "|", "x"]],
    ["-b -a x", ["b=-a", "|", "x"]],
    ["-sb", ["s", "!prog: option requires an argument -- 'b'", "|"]],
    ["-- -a", ["|", "-a"]],
    ["- -a", ["a", "|", "-"]],
    ["--alpha --beta=1 --beta 2", ["a", "b=1", "b=2", "|"]],
    ["--al --be=", ["a", "b", "|"]],
    ["--bent", ["c", "|"]],
    ["--ben", ["!prog: unrecognized option '--ben'", "|"]],
    ["--beta", ["!prog: option '--beta' requires an argument", "|"]],
    ["--alpha=1", ["!prog: option '--alpha' doesn't allow an argument", "|"]],
    ["--=", ["!prog: option '--=' is ambiguous; possibilities: '--alpha' '--beta'", "|"]],
    ["-ax", ["a", "!prog: invalid option -- 'x'", "|"]],
  ])("%s is taken apart", (line, expected) => {
    expect(scan(line)).toEqual(expected);
  });
  it("options end at the first operand where POSIX order is asked for", () => {
    expect(scan("-a x -s", true)).toEqual(["a", "|", "x", "-s"]);
  });
});

describe("escapes", () => {
  it("every byte is printed as itself or as an escape that stands for it", () => {
    for (let code = 0; code < 256; code++) {
      const byte = String.fromCharCode(code);
      expect(unescapeValue(escapeValue(byte))).toBe(byte);
      expect(escapeValue(byte)).toMatch(/^[ -~]+$/);
    }
  });
  it.each([
    ["\x00\x07\x08\x1f", "\\000\\007\\x08\\x1f"],
    ["\t\n\r\\", "\\t\\n\\r\\\\"],
    [" ~\x7f\x80\xff", " ~\\x7f\\x80\\xff"],
  ])("%j is printed as %s", (value, printed) => expect(escapeValue(value)).toBe(printed));
  it.each([
    ["\\q\\8\\", "q8\0"],
    ["\\x\\xg\\x4g\\x414", "xxg\x04gA4"],
    ["\\1\\12\\1234\\400\\777", "\x01\nS4\x00\xff"],
  ])("%s stands for %j", (text, value) => expect(unescapeValue(text)).toBe(value));
});

describe("numbers", () => {
  it.each([
    ["", 0],
    ["x", 0],
    [" +7x", 7],
    ["-1", -1],
    ["4294967297", 1],
    ["2147483648", -2147483648],
    ["99999999999999999999", -1],
    ["-99999999999999999999", 0],
  ])("%j is read as %d", (text, value) => expect(looseInt(text)).toBe(value));
});

describe("ls", () => {
  const tree = {
    "DIRECTORY /|": "tool|a-name-of-24-characters|",
    "DIRECTORY /tool|": "x|",
    "READ /tool/x|": "v".repeat(40),
    "READ /a-name": "1",
  };
  it("indents what is below", async () => {
    expect(await out("xenstore-ls", tree)).toBe(
      `tool = ""\n x = "${"v".repeat(40)}"\na-name-of-24-characters = "1"\n`,
    );
  });
  it("leads to permissions with dots up to column 60", async () => {
    const lines = (await out("xenstore-ls -p", tree)).split("\n");
    expect(lines[0]).toBe('tool = ""  . . . . . . . . . . . . . . . . . . . . . . . . .  (n0)');
    expect(lines[1].indexOf("(n0)")).toBe(62);
  });
  it("cuts names and values at the terminal's width less two", async () => {
    expect(await out("xenstore-ls", tree, 30)).toBe(
      `tool = ""\n x = "${"v".repeat(18)}\\..."\na-name-of-24-charact = "\\..."\n`,
    );
  });
  it("asks for siblings ahead but prints them in the store's order", async () => {
    const names = Array.from({ length: 40 }, (_, i) => `n${i}`);
    const { out: text, asked } = await run("xenstore-ls /", {
      "DIRECTORY /|": `${names.join("|")}|`,
    });
    expect(text).toBe(names.map((name) => `${name} = ""\n`).join(""));
    expect(asked.length).toBe(81);
  });
  it("stops where a path gets too long to be asked for", async () => {
    const name = "d".repeat(1500);
    const result = await run("xenstore-ls -f /", { DIRECTORY: `${name}|` });
    expect(result.exit).toBe(0);
    expect(result.out.split("\n").slice(0, 2)).toEqual([`/${name} = ""`, `/${name}/${name} = ""`]);
    expect(result.out.split("\n").slice(2)).toEqual([`/${name}/${name}/${name}:`, "", ""]);
  });
});

describe("watch", () => {
  it("says so when the store goes away", async () => {
    const stream = new ScriptedStream(new ScriptedStore());
    const done = runOurs({ argv: ["xenstore-watch", "/a"] }, stream);
    await new Promise((next) => setImmediate(next));
    stream.hangUp();
    expect(await done).toEqual({
      out: "/a\n",
      err: "xenstore-watch: connection to the store lost: Bad file descriptor\n",
      exit: 1,
    });
  });
  it("takes a depth where the store offers it", async () => {
    const result = await run("xenstore-watch -d 1 -n 1 /a", { GET_FEATURE: "4|" });
    expect(result).toMatchObject({ out: "/a\n", exit: 0 });
    expect(result.asked).toEqual(["GET_FEATURE ", "WATCH /a|/a|1|"]);
  });
  it("names the depth that can't be had", async () => {
    expect(await run("xenstore-watch --depth=3 /a", { GET_FEATURE: "0|" })).toMatchObject({
      err: "xenstore-watch: Unable to add watch on /a with depth 3\n\n",
      exit: 1,
    });
  });
});

describe("--json", () => {
  it("read prints an object for each key, text where it is UTF-8, else base64", async () => {
    const rules = { "READ /a": "gr\xc3\xbc\xc3\x9fe\n|", "READ /b": "\xff\x00" };
    expect(await out("xenstore-read --json -p /a /b", rules)).toBe(
      '{"path":"/a","value":"grüße\\n\\u0000"}\n{"path":"/b","value":{"base64":"/wA="}}\n'.replace(
        "grüße",
        "gr\xc3\xbc\xc3\x9fe",
      ),
    );
  });
  it("list prints the children of each key", async () => {
    expect(await out("xenstore-list --json /a /b", { "DIRECTORY /a": "x|y|" })).toBe(
      '{"path":"/a","children":["x","y"]}\n{"path":"/b","children":[]}\n',
    );
  });
  it("ls prints an object for each node, null for what can't be read", async () => {
    const rules = { "DIRECTORY /|": "a|b|", "READ /a": "!EACCES", "GET_PERMS /b": "n0|r3|" };
    expect(await out("xenstore-ls --json -p", rules)).toBe(
      '{"path":"/a","value":null,"perms":["n0"]}\n{"path":"/b","value":"","perms":["n0","r3"]}\n',
    );
  });
  it("exists tells of every key, and the exit code is that of the plain command", async () => {
    const result = await run("xenstore-exists --json /a /b", { "READ /a": "!ENOENT" });
    expect(result.out).toBe('{"path":"/a","exists":false}\n{"path":"/b","exists":true}\n');
    expect(result.exit).toBe(1);
  });
  it("watch prints an object for each event", async () => {
    expect(await out("xenstore-watch --json -n 1 /a", {})).toBe('{"path":"/a","token":"/a"}\n');
  });
  it("control prints the command and the reply", async () => {
    expect(await out("xenstore-control --json quota 0", { CONTROL: "Domain 0:\n|" })).toBe(
      '{"command":["quota","0"],"reply":"Domain 0:\\n"}\n',
    );
  });
  it("commands that print nothing refuse it", async () => {
    for (const command of ["write", "rm", "chmod"]) {
      expect((await run(`xenstore-${command} --json /a b`)).err).toContain("unrecognized option");
    }
  });
});

describe("control", () => {
  const stubDomain = { "READ /tool/xenstored/domid|": "5" };
  it("sends a daemon in a domain of its own its kernel in pieces", async () => {
    const { asked, exit } = await run("xenstore-control live-update /kernel", stubDomain);
    expect(exit).toBe(0);
    expect(asked.slice(1).map((one) => one.slice(0, 30).replace(/k+$/, "…"))).toEqual([
      "CONTROL live-update|-b|5000|",
      "CONTROL live-update|-d|2048|…",
      "CONTROL live-update|-d|2048|…",
      "CONTROL live-update|-d|904|…",
      "CONTROL live-update|-s|-t|60|",
    ]);
  });
  it("says which kernel can't be read", async () => {
    const { err, exit } = await run("xenstore-control live-update /none", stubDomain);
    expect(err).toBe("Setting update binary failed:\nNo such file or directory\n");
    expect(exit).toBe(3);
  });
  it("passes on the version of the stream", async () => {
    const none = { READ: "!ENOENT" };
    const { asked } = await run("xenstore-control live-update -v 2 -t 5 /x", none);
    expect(asked.at(-1)).toBe("CONTROL live-update|-s|-t|5|-v|2|");
    expect(await run("xenstore-control live-update /x -v", none)).toMatchObject({
      err: "Missing version value\n",
      exit: 2,
    });
  });
  it("asks again while the daemon is busy", async () => {
    const { asked, exit } = await run("xenstore-control live-update /x", {
      READ: "!ENOENT",
      "CONTROL live-update|-s": ["BUSY|", "OK|"],
    });
    expect(asked.filter((one) => one.includes("|-s|")).length).toBe(2);
    expect(exit).toBe(0);
  });
});
