// Share words: what is said of a link's length, of sizes and of times.
// Holds   the lengths from which on a link is trouble.
// Never   draws.
// Source  our own.

/** Chat programs and mail cut links that are longer. */
export const LINK_LONG = 8_000;
/** Browsers don't take links that are longer. */
export const LINK_MAX = 2_000_000;

/** What to know of a link of that length; null: nothing. */
export function linkWarning(length: number): string | null {
  if (length > LINK_MAX) {
    return (
      `The link would have ${counted(length, "character")}, more than browsers take. ` +
      "Save the session to a file and send that, or share the tree only."
    );
  }
  if (length <= LINK_LONG) return null;
  return (
    `The link has ${counted(length, "character")}: chat programs and mail may cut it, and half a ` +
    "link opens nothing. A file is safer."
  );
}

export function counted(count: number, word: string): string {
  return `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
}

/** "14 KB", "2.3 MB". */
export function sizeWords(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 999_500) return `${Math.round(bytes / 1000)} KB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** "3 minutes ago". */
export function agoWords(then: number, now: number): string {
  const minutes = Math.floor((now - then) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${counted(minutes, "minute")} ago`;
  if (minutes < 24 * 60) return `${counted(Math.floor(minutes / 60), "hour")} ago`;
  return `${counted(Math.floor(minutes / (24 * 60)), "day")} ago`;
}

/** A file's name from a session's: letters and digits, the day, what it is. */
export function fileName(session: string, day: Date, ending: string): string {
  const plain = session
    .normalize("NFKD")
    .replace(/[^\w]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .toLowerCase()
    .slice(0, 40);
  const parts = ["xenstore", ...(plain === "" ? [] : [plain]), day.toISOString().slice(0, 10)];
  return `${parts.join("-")}.${ending}`;
}
