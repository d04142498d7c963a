// Reconnect: the scenario about a guest's ring: half a message, broken indexes, a new beginning.
// Holds   data.
// Never   does anything.
// Source  the XenStore protocol, Ring.

import type { Action, Scenario } from "../model/scenario.ts";
import { ringError, run, told, value } from "./make.ts";

const HOME = "/local/domain/1";

const hold: Action = { kind: "hold", domid: 1 };
const reconnected: Action = { kind: "reconnect", domid: 1 };
const write = (path: string, text: string): Action => {
  return { kind: "compose", domid: 1, type: "WRITE", path, value: text };
};
const put = (count: number | "header" | "message"): Action => ({ kind: "put", domid: 1, count });
const take = (count: number | "header" | "message"): Action => ({ kind: "take", domid: 1, count });

export const reconnect: Scenario = {
  id: "reconnect",
  title: "A kernel starts again",
  summary: "A guest's ring by hand: half a message, a broken index, and how to begin anew.",
  group: "Trouble",
  setup: { domains: [{ domid: 1, name: "guest", home: "own" }] },
  steps: [
    {
      title: "One page of memory",
      text: told`
        A guest does not speak with the store over a network. They share one page of memory, the
        ring: 1024 bytes for requests, 1024 for replies, and for each queue two indexes that say how
        far it was written and how far it was read.

        This takes the ring from the guest's kernel: from now on nothing moves unless you move it.
      `,
      do: [hold],
      show: { view: "ring", domid: 1 },
      expect: [ringError(1, 0)],
    },
    {
      title: "A request, whole",
      text: told`
        A message is a header of 16 bytes, type, request, transaction and length, and then its
        payload. Here a WRITE is composed and put into the queue; the guest's index of requests goes
        on by as many bytes, and an event wakes the store.

        The store reads it, does it, and puts its reply into the other queue. The reply stays there
        until the guest takes it.
      `,
      do: [write("data", "1"), put("message"), take("message")],
      show: { view: "ring", domid: 1, path: `${HOME}/data` },
      expect: [value(`${HOME}/data`, "1"), ringError(1, 0)],
    },
    {
      title: "Half a request",
      text: told`
        Now only the header of the next request goes into the queue. The store has read it and waits
        for the rest, as it must: messages may come in pieces of any size.

        Then the guest's kernel dies, and another one is started in its place, as kexec does. It
        knows nothing of the request that was begun. Whatever it sends first, the store would take
        for the rest of it.
      `,
      do: [write("data", "2"), put("header")],
      show: { view: "ring", domid: 1, path: `${HOME}/data` },
      expect: [value(`${HOME}/data`, "1"), ringError(1, 0)],
    },
    {
      title: "Reconnection",
      text: told`
        The new kernel writes 1 into the word \`connection\` and waits. The store forgets what was
        half done: the partial request, unread replies, watches and open transactions. It sets all
        four indexes to 0, and then the word to 0. That is the sign to begin.

        The nodes stay as they are. The guest writes by its console again, and it works.
      `,
      do: [reconnected, run(1, "xenstore-write data 3")],
      show: { view: "ring", domid: 1, path: `${HOME}/data` },
      expect: [value(`${HOME}/data`, "3"), ringError(1, 0)],
    },
    {
      title: "A broken index",
      text: told`
        The page belongs to the guest, too, and a guest may write anything into it. Here its index
        of requests claims that more bytes wait than the queue can hold.

        The store must not believe it. It stops serving this ring and says why: error 2, in the page
        itself. All other domains are served as before.
      `,
      do: [hold, { kind: "break", domid: 1, how: "req-index" }],
      show: { view: "ring", domid: 1 },
      expect: [ringError(1, 2)],
    },
    {
      title: "And back",
      text: told`
        A ring that is shut off is not lost: reconnection clears the error. The guest is served
        again.
      `,
      do: [reconnected, run(1, "xenstore-write data 4")],
      show: { view: "ring", domid: 1, path: `${HOME}/data` },
      expect: [value(`${HOME}/data`, "4"), ringError(1, 0)],
    },
    {
      title: "Too long",
      text: told`
        A message can't be longer than 4096 bytes. This header claims more. The store can't know
        where the next message would begin, so it stops at once: error 3.

        What only looks odd is no reason to stop: a type that nobody knows, or a path without its
        end, is answered with EINVAL. Try them with the buttons of this view, after a reconnection.
      `,
      do: [hold, { kind: "break", domid: 1, how: "oversize" }],
      show: { view: "ring", domid: 1 },
      expect: [ringError(1, 3)],
    },
  ],
};
