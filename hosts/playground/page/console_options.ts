// Console options: what could be completed, asked for while one types.
// Holds   the newest answer, and which line it is for.
// Never   asks twice at a time: while an answer is due only the newest question is kept.
// Source  our own.

import { useMemo } from "preact/hooks";
import type { Edited } from "../model/console_edit.ts";
import { call } from "./state.ts";

export interface Found extends Edited {
  readonly from: number;
  readonly options: readonly string[];
}

const DELAY_MS = 60;

class Finder {
  #domid: number;
  #last: Found | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(domid: number) {
    this.#domid = domid;
  }

  /** The answer for exactly this line, where it is there already. */
  known = (now: Edited): Found | null => {
    const last = this.#last;
    return last?.line === now.line && last.cursor === now.cursor ? last : null;
  };

  /** Asks soon, in case Tab is pressed. */
  ask(now: Edited, then: (found: Found) => void = () => {}): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.find(now).then(then), DELAY_MS);
  }

  async find(now: Edited): Promise<Found> {
    clearTimeout(this.#timer);
    let found: Found = { ...now, from: now.cursor, options: [] };
    try {
      found = { ...now, ...(await call("console.complete", { domid: this.#domid, ...now })) };
    } catch {
      // Completion is a help only: without it one types on.
    }
    this.#last = found;
    return found;
  }
}

export function useCompletions(domid: number): Finder {
  return useMemo(() => new Finder(domid), [domid]);
}
