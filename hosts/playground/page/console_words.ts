// Console words: what a console says by itself: its first examples.
// Holds   texts for people.
// Never   runs anything.
// Source  the XenStore command line.

/** A command to try, and what it is for. */
export interface Example {
  readonly line: string;
  readonly what: string;
}

export function examplesFor(domid: number, guest: number | null): readonly Example[] {
  if (domid === 0) {
    return [
      { line: "xenstore-ls -fp /", what: "the whole tree, with permissions" },
      {
        line: "xenstore-write /tool/hello world",
        what: "make a node",
      },
      {
        line: guest === null ? "xenstore-watch /" : `xenstore-watch /local/domain/${guest}`,
        what: "hear of every change below it",
      },
    ];
  }
  return [
    { line: "xenstore-ls", what: "this domain's home" },
    { line: "xenstore-write data/hello world", what: "make a node in it" },
    { line: "xenstore-read /tool", what: "see what a guest may not read" },
  ];
}
