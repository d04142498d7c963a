// Cases: command lines that our tools and Debian's must answer alike.
// Holds   lists of command lines, and the tree they run on.
// Never   says what the right answer is: Debian's tools do.
// Source  the XenStore command line.

/** What every case finds: paths and values, one character for each byte. */
export const TREE: readonly (readonly [path: string, value: string])[] = [
  ["/t/a", "1"],
  ["/t/b/c/d", "deep"],
  ["/t/b/e", ""],
  ["/t/empty/only/child", ""],
  ["/t/bytes", "\x00\x01\x07\x08\t\n\r\x1b \"'\\~\x7f\x80\xc3\xa9\xff"],
  ["/t/long", "x".repeat(200)],
  ["/t/escapes", "\\".repeat(60)],
  ["/t/width60", "y".repeat(60)],
  [`/t/${"n".repeat(100)}/${"m".repeat(90)}`, "far"],
  ["rel/x/y", "2"],
];

/** Words are divided by blanks; `''` is an empty word, %XX a byte. */
export function words(line: string): [string, ...string[]] {
  const parts = line
    .split(" ")
    .map((word) =>
      word === "''"
        ? ""
        : word.replace(/%([0-9a-f]{2})/g, (_all, hex) =>
            String.fromCharCode(Number.parseInt(hex, 16)),
          ),
    );
  return parts as [string, ...string[]];
}

const lines = (text: string) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

/** No request is sent for these: options, usage, names. */
export const USAGE = lines(`
  xenstore
  xenstore foo
  xenstore -h
  xenstore ''
  xenstore -s read
  xenstore control
  xenstore read
  xenstore read -h
  xenstore read -z
  xenstore watch -n
  xenstore chmod --up
  xenstore-read -z
  xenstore-read -zq
  xenstore-read -zh
  xenstore-read -hz
  xenstore-read --help
  xenstore-read --he
  xenstore-read --help=1
  xenstore-read --foo
  xenstore-read --foo=bar
  xenstore-read --r
  xenstore-read --r=1
  xenstore-read --
  xenstore-read -- -h --
  xenstore-read ---
  xenstore-read ---p
  xenstore-read --=
  xenstore-read --=x
  xenstore-read -:
  xenstore-read -W
  xenstore-read -;
  xenstore-read -?
  xenstore-read -p-
  xenstore-read -%ff
  xenstore-read --%c3%a9
  xenstore-read --prefix=1
  xenstore-read --prefix=
  xenstore-read -n
  xenstore-read --number
  xenstore-read --nu=
  xenstore-read --number 3
  xenstore-read -n 3
  xenstore-read -n3h
  xenstore-read -d
  xenstore-read --depth
  xenstore-read -R -n
  xenstore-read -s -s -p
  xenstore-watch -n
  xenstore-watch --number
  xenstore-watch -n 1
  xenstore-watch --n
  xenstore-watch -sn
  xenstore-write
  xenstore-write a
  xenstore-write a b c
  xenstore-write -R a
  xenstore-exists --tidy
  xenstore-chmod
  xenstore-list --rec
  xenstore-rm -tp
`);

/** Every command with every option and nothing else. */
export const MATRIX = "read write rm exists list ls chmod watch".split(" ").flatMap((command) =>
  ["", "-p", "-R", "-f", "-t", "-u", "-r", "-s", "-n1", "-h", "-d"]
    .concat(["--prefix", "--raw", "--flat", "--tidy", "--upto", "--recurse", "--number=1"])
    .concat(["--socket", "--p", "--fl", "--ra"])
    // These go on to a request, or wait.
    .filter((option) => !(command === "watch" && option === "-d"))
    .map((option) => `xenstore-${command} ${option}`.trim()),
);

export const READ = lines(`
  xenstore-read /t/a
  xenstore-read -p /t/a
  xenstore-read -p /t/a /t/b /t/b/e
  xenstore-read -R /t/a
  xenstore-read -Rp /t/a /t/bytes
  xenstore-read /t/bytes
  xenstore-read -R /t/bytes
  xenstore-read /t/long -p
  xenstore-read /t/nope
  xenstore-read /t/nope /t/a
  xenstore-read /t/a /t/nope /t/b
  xenstore-read -p /t/a /nope/nope
  xenstore-read ''
  xenstore-read - /t/a
  xenstore-read -- -p
  xenstore-read -z /t/a
  xenstore-read --foo /t/a
  xenstore-read -p- /t/a
  xenstore-read --r /t/a
  xenstore-read /t/a -- -p
  xenstore-read /t//a
  xenstore-read /t/a/
  xenstore-read /t/%c3%a9
  xenstore-read /t/%ff
  xenstore-read @releaseDomain
  xenstore-read rel/x/y
  xenstore-read -s /t/a
  xenstore read /t/a
  xenstore read -z /t/a
  xenstore read -p /t/a /t/b/e
  xenstore-list /t
  xenstore-list -p /t
  xenstore-list /
  xenstore-list -p /
  xenstore-list -p /t /t/b /t/a
  xenstore-list /t /t/nope /t/b
  xenstore-list rel
  xenstore-list -p rel
  xenstore-list ''
  xenstore-list /t/
  xenstore-list @introduceDomain
  xenstore-list -z /t/b
  xenstore list -p /t/b
  xenstore-exists /t/a
  xenstore-exists /t/a /t/b
  xenstore-exists /t/nope
  xenstore-exists /t/a /t/nope
  xenstore-exists /t/nope /t/a
  xenstore-exists ''
  xenstore-exists @releaseDomain
  xenstore exists /t/a
  xenstore exists -z /t/nope
  xenstore-ls /t
  xenstore-ls -p /t
  xenstore-ls -f /t
  xenstore-ls -fp /t
  xenstore-ls -f -p /t/b rel
  xenstore-ls /t/b /t/nope /t/empty
  xenstore-ls /t/a
  xenstore-ls ''
  xenstore-ls /t/
  xenstore-ls t
  xenstore-ls -p rel
  xenstore-ls rel/
  xenstore-ls @releaseDomain
  xenstore-ls -- -f
  xenstore-ls /t/b -f
  xenstore-ls -z /t/b
  xenstore ls -p /t/b
`);

export const CHANGE = lines(`
  xenstore-write /t/a 2
  xenstore-write /t/new/node v /t/other w
  xenstore-write /t/a 1 /t/b 2 /t//c 3
  xenstore-write /t/a ''
  xenstore-write '' ''
  xenstore-write /t/v x\\n\\x41\\101\\\\z\\q
  xenstore-write -R /t/v x\\n\\x41\\101\\\\z\\q
  xenstore-write /t/v a\\
  xenstore-write /t/v \\ /t/w b\\
  xenstore-write /t/v \\x
  xenstore-write /t/v \\x4
  xenstore-write /t/v \\x4g
  xenstore-write /t/v \\x414
  xenstore-write /t/v \\xg
  xenstore-write /t/v \\x%2041\\x%09%0a4
  xenstore-write /t/v \\x-12\\x+52\\x--1\\x-g
  xenstore-write /t/v \\x0x41\\x0Xg\\x-0x1\\x%200x1
  xenstore-write /t/v \\X41
  xenstore-write /t/v \\1
  xenstore-write /t/v \\12
  xenstore-write /t/v \\1234
  xenstore-write /t/v \\8\\9
  xenstore-write /t/v \\18
  xenstore-write /t/v \\400\\777
  xenstore-write /t/v \\0a\\x00b
  xenstore-write /t/v \\a\\b\\f\\v\\e\\"
  xenstore-write /t/v %0a%09%01%ff%c3%a9
  xenstore-write /t/v \\%0a\\%ff
  xenstore-write -R /t/v %ff%fe
  xenstore-write -- /t/v -R
  xenstore-write /t/v -R x
  xenstore-write /t/v -z x
  xenstore-write rel/new 1
  xenstore-write /t/%ff 1
  xenstore write /t/v 1
  xenstore write -R /t/v \\n
  xenstore-rm /t/a
  xenstore-rm /t/nope
  xenstore-rm /t/nope/x
  xenstore-rm /
  xenstore-rm ''
  xenstore-rm /t/a /t/b
  xenstore-rm /t/a /t/nope/x
  xenstore-rm -t /t/empty/only/child
  xenstore-rm -t /t/b/c/d
  xenstore-rm -t /t/b/c/d /t/b/e
  xenstore-rm -t /t/a
  xenstore-rm -t /t/nope
  xenstore-rm -t /nope
  xenstore-rm -t rel/x/y
  xenstore-rm -t rel
  xenstore-rm -t /t/empty/only/child /t/empty
  xenstore-rm -t /t/empty/only/child /t/empty/x
  xenstore-rm @releaseDomain
  xenstore rm -t /t/b/c/d
  xenstore-chmod /t/a n0
  xenstore-chmod /t/a n0 r1 w2 b3
  xenstore-chmod /t/a
  xenstore-chmod -u /t/a
  xenstore-chmod /t/a r
  xenstore-chmod /t/a n0x r1y
  xenstore-chmod /t/a n07 r0x1f
  xenstore-chmod /t/a b+3
  xenstore-chmod /t/a n%205
  xenstore-chmod /t/a n%095
  xenstore-chmod /t/a r-1
  xenstore-chmod /t/a n0 r4294967297
  xenstore-chmod /t/a n0 r99999999999999999999
  xenstore-chmod /t/a n0 r-99999999999999999999
  xenstore-chmod /t/a x0
  xenstore-chmod /t/a N0
  xenstore-chmod /t/a n0 q
  xenstore-chmod /t/a ''
  xenstore-chmod /t/a %ff
  xenstore-chmod /t/a n0 -1
  xenstore-chmod /t/a -- -1
  xenstore-chmod '' n0
  xenstore-chmod -ur '' n0
  xenstore-chmod '' x0
  xenstore-chmod /t/nope n0
  xenstore-chmod /t/a/ n0
  xenstore-chmod -u /t/b/c/d n1
  xenstore-chmod -u /t/b/c/nope n1
  xenstore-chmod -u //t n1
  xenstore-chmod -u rel/x/y n1
  xenstore-chmod -u @releaseDomain n0
  xenstore-chmod -u / n0
  xenstore-chmod -r /t n1 r2
  xenstore-chmod -r /t/b n1
  xenstore-chmod -r rel n1
  xenstore-chmod -r / n0
  xenstore-chmod -r @releaseDomain n0
  xenstore-chmod -r /t/nope n0
  xenstore-chmod -r /t/${"n".repeat(100)} n1
  xenstore-chmod -ur /t/b n1
  xenstore-chmod -ru rel/x n1
  xenstore-chmod --upto --recurse /t/b/c b5
  xenstore-chmod -r n0 /t
  xenstore-chmod -z /t/a n3
  xenstore chmod -r /t/b r4
`);

export const WATCH = lines(`
  xenstore-watch -n 1 /t
  xenstore-watch -n 2 /t /t/nope
  xenstore-watch -n1 -n2 /t /t/a
  xenstore-watch --number=1 /t
  xenstore-watch --num 1 /t
  xenstore-watch --number= /t
  xenstore-watch -n0 /t
  xenstore-watch -n -5 /t
  xenstore-watch -n x /t
  xenstore-watch -n 1x /t
  xenstore-watch -n %202 /t /t/b
  xenstore-watch -n 0x2 /t
  xenstore-watch -n 4294967297 /t
  xenstore-watch -n +1 /t
  xenstore-watch -n1s /t
  xenstore-watch -n 1 rel
  xenstore-watch -n 1 @releaseDomain
  xenstore-watch -n 1 /t/nope/nope
  xenstore-watch -n 1 /t /t
  xenstore-watch -n 0 /t /t
  xenstore-watch -n 1 ''
  xenstore-watch -n 1 /t//a
  xenstore-watch -n 1 /t/%ff
  xenstore-watch -z -n 1 /t
  xenstore watch -n 1 /t
`);

/** Tools that are ended after so many lines. */
export const ENDLESS: readonly (readonly [line: string, lines: number])[] = [
  ["xenstore-watch /t", 1],
  ["xenstore-watch /t rel /t/a", 3],
  ["xenstore-watch -n -1 /t", 1],
  ["xenstore-watch -n 99999999999999999999 /t", 1],
];

/** Wrong places for the store. `%d` is a folder with a dead socket, a long name and so on. */
export const PLACES: readonly Readonly<Record<string, string>>[] = [
  { XENSTORED_PATH: "%d/none" },
  { XENSTORED_PATH: "" },
  { XENSTORED_PATH: "%d" },
  { XENSTORED_PATH: "%d/dead" },
  { XENSTORED_PATH: "/dev/null/x" },
  { XENSTORED_PATH: "/dev/null" },
  { XENSTORED_PATH: `/${"a".repeat(120)}` },
  { XENSTORED_PATH: `/${"a".repeat(300)}` },
  { XENSTORED_PATH: `%d/${"./".repeat(60)}dead` },
  { XENSTORED_RUNDIR: "%d/none" },
  { XENSTORED_RUNDIR: "" },
];

export const CONTROL = lines(`
  xenstore-control check
  xenstore-control check x
  xenstore-control help
  xenstore-control bogus
  xenstore-control bogus a ''
  xenstore-control -h
  xenstore-control --help
  xenstore-control ''
  xenstore-control log on
  xenstore-control log off
  xenstore-control log bad
  xenstore-control print hello
  xenstore-control print
  xenstore-control print %ff%0a
  xenstore-control quota set nodes 0
  xenstore-control quota set nope 5
  xenstore-control quota set nodes
  xenstore-control quota 777
  xenstore-control live-update
  xenstore-control live-update -c
  xenstore-control live-update -t
  xenstore-control live-update -F
  xenstore-control live-update -c a -t 5
  xenstore-control print ${"a".repeat(4089)}
  xenstore-control print ${"a".repeat(4090)}
  xenstore-control print ${"a".repeat(3000)} ${"a".repeat(3000)}
`);
