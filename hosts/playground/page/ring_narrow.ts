// Ring narrow: whether an element is narrower than so many pixels.
// Holds   one observer for each use.
// Never   draws.
// Source  our own; ResizeObserver.

import { useEffect, useState } from "preact/hooks";

export function useNarrow(frame: { readonly current: Element | null }, width: number): boolean {
  const [narrow, setNarrow] = useState(false);
  useEffect(() => {
    if (!frame.current) return;
    const observer = new ResizeObserver(([entry]) => setNarrow(entry.contentRect.width < width));
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, [frame, width]);
  return narrow;
}
