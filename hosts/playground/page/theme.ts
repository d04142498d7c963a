// Theme: light, dark or high contrast.
// Holds   the choice and what follows from it; "system" goes with the system, also while it changes.
// Never   knows a colour: those are in the style sheet.
// Source  our own.

import { computed, effect, signal } from "@preact/signals";
import { keep, kept } from "./keep.ts";
import { prefersContrast, prefersDark } from "./media.ts";

export const THEMES = [
  { name: "system", label: "System" },
  { name: "light", label: "Light" },
  { name: "dark", label: "Dark" },
  { name: "contrast", label: "High contrast" },
] as const;

export type Theme = (typeof THEMES)[number]["name"];

const before = kept("theme");

/** What was chosen. */
export const theme = signal<Theme>(THEMES.find(({ name }) => name === before)?.name ?? "system");

const applied = computed(() => {
  if (theme.value !== "system") return theme.value;
  if (prefersContrast.value) return "contrast";
  return prefersDark.value ? "dark" : "light";
});

export function chooseTheme(next: string): void {
  theme.value = THEMES.find(({ name }) => name === next)?.name ?? "system";
  keep("theme", theme.value);
}

/** Applies the theme from now on. */
export function followTheme(): void {
  effect(() => {
    document.documentElement.dataset.theme = applied.value;
  });
}
