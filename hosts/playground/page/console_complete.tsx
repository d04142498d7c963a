// Console complete: the list of what could stand at the cursor.
// Holds   the list box; the focus stays in the line.
// Never   draws more than the first of very many.
// Source  the ARIA Authoring Practices, Combobox.

import { useEffect, useRef } from "preact/hooks";
import type { Found } from "./console_options.ts";

const SHOWN = 100;

interface CompletionsProps {
  readonly id: string;
  readonly found: Found | null;
  readonly active: number;
  readonly onChoose: (option: string) => void;
}

export function Completions({ id, found, active, onChoose }: CompletionsProps) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [active]);
  const options = found?.options ?? [];
  // The list is there while it is empty, too: the line names it.
  return (
    <div class="console-completions" hidden={options.length === 0}>
      <div ref={list} id={id} role="listbox" aria-label="Completions" class="console-options">
        {options.slice(0, Math.max(SHOWN, active + 1)).map((option, at) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the line's
          // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the line
          <div
            key={option}
            id={`${id}-${at}`}
            role="option"
            class="mono"
            aria-selected={at === active}
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => onChoose(option)}
          >
            {option}
          </div>
        ))}
      </div>
      {options.length > SHOWN && <p class="dim">and {options.length - SHOWN} more: type on</p>}
      <p class="said" role="status">
        {options.length > 0 ? `${options.length} completions` : ""}
      </p>
    </div>
  );
}
