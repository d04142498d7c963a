// Split: a bar between two parts of the page that is dragged to give one of them more room.
// Holds   the share of the first part, as a property of the style sheet, and the last choice.
// Never   lays anything out: the style sheet reads the property.
// Source  the ARIA Authoring Practices, Window Splitter.

import { useEffect, useRef, useState } from "preact/hooks";
import { keep, kept } from "./keep.ts";

interface SplitProps {
  /** Of the property: --split-<name>, in percent. */
  readonly name: string;
  readonly label: string;
  /** What the bar moves along: x between columns, y between rows. */
  readonly axis: "x" | "y";
  readonly initial: number;
}

const LEAST = 15;
const MOST = 80;
const STEP: Readonly<Record<string, number>> = {
  ArrowLeft: -2,
  ArrowUp: -2,
  ArrowRight: 2,
  ArrowDown: 2,
  Home: -100,
  End: 100,
};

export function Split({ name, label, axis, initial }: SplitProps) {
  const [share, setShare] = useState(() =>
    clamp(Number(kept(`split-${name}`) ?? initial), initial),
  );
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => {
    document.documentElement.style.setProperty(`--split-${name}`, `${share}%`);
  }, [name, share]);
  const change = (next: number) => {
    setShare(clamp(next, initial));
    keep(`split-${name}`, String(clamp(next, initial)));
  };
  const drag = (event: PointerEvent) => {
    const room = bar.current?.parentElement?.getBoundingClientRect();
    if (!room || !bar.current?.hasPointerCapture(event.pointerId)) return;
    const part =
      axis === "x"
        ? (event.clientX - room.left) / room.width
        : (event.clientY - room.top) / room.height;
    change(Math.round(part * 1000) / 10);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule can't be moved
    <div
      ref={bar}
      class={`split split-${axis}`}
      role="separator"
      aria-label={label}
      aria-orientation={axis === "x" ? "vertical" : "horizontal"}
      aria-valuenow={Math.round(share)}
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      tabIndex={0}
      onPointerDown={(event) => {
        event.preventDefault();
        bar.current?.setPointerCapture(event.pointerId);
      }}
      onPointerMove={drag}
      onDblClick={() => change(initial)}
      onKeyDown={(event) => {
        const step = STEP[event.key];
        if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        change(share + step);
      }}
    />
  );
}

function clamp(share: number, initial: number): number {
  return Number.isFinite(share) ? Math.min(MOST, Math.max(LEAST, share)) : initial;
}
