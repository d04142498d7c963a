// Ring queues: the two queues of a ring, followed from one look to the next.
// Holds   the track of each, which tells where a message begins.
// Never   draws.
// Source  our own.

import { useMemo, useRef } from "preact/hooks";
import type { RingInfo } from "../model/protocol.ts";
import { type Queue, readQueue, type Track } from "../model/ring_bytes.ts";

export function useQueues(info: RingInfo): { readonly requests: Queue; readonly replies: Queue } {
  const tracks = useRef<{ requests: Track | null; replies: Track | null }>({
    requests: null,
    replies: null,
  });
  return useMemo(() => {
    const { words } = info;
    const before = tracks.current;
    const requests = readQueue(info.requests, words.reqCons, words.reqProd, before.requests);
    const replies = readQueue(info.replies, words.rspCons, words.rspProd, before.replies);
    tracks.current = { requests: requests.track, replies: replies.track };
    return { requests, replies };
  }, [info]);
}
