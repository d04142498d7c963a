// Quota words: how near a count is to its limit, in words.
// Holds   texts for people.
// Never   looks at a store.
// Source  the XenStore protocol, quotas and throttling.

export interface Meter {
  readonly name: string;
  readonly used: number;
  readonly highest: number;
  readonly limit: number;
}

export type Level = "free" | "near" | "full" | "over" | "off";

/** From four fifths on a limit is near. */
export function levelOf({ used, limit }: Meter): Level {
  if (limit === 0) return "off";
  if (used > limit) return "over";
  if (used === limit) return "full";
  return used >= limit * 0.8 ? "near" : "free";
}

export function levelText(level: Level): string {
  return {
    free: "",
    near: "near the limit",
    full: "at the limit",
    over: "over the limit",
    off: "",
  }[level];
}

/** "12 of 1000", or "12, no limit". */
export function amountText({ name, used, limit }: Meter): string {
  const unit = name.includes("memory") ? " bytes" : "";
  if (limit === 0) return `${number(used)}${unit}, no limit`;
  return `${number(used)} of ${number(limit)}${unit}`;
}

/** A number; long ones with their thousands apart by a thin blank. */
export function number(value: number): string {
  if (value < 10_000) return `${value}`;
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

const FULL: Readonly<Record<string, string>> = {
  nodes: "The next node it creates fails with ENOSPC.",
  watches: "Its next watch fails with ENOSPC.",
  outstanding: "Its ring is not read until replies and events have been taken.",
  memory: "What would need more fails with ENOMEM, and its ring is not read.",
  transactions: "Its next transaction fails with ENOSPC.",
};

/** What happens at the limit; "" for a quota without a text. */
export function fullText(name: string): string {
  return FULL[name] ?? "";
}
