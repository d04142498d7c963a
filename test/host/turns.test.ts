// Turns: the epoll transport asks the event loop for one turn at a time.
// Holds   a system that has nothing to tell, and counts how often it is asked.
// Never   opens a descriptor.
// Source  our own.

import { expect, test } from "vitest";
import { EpollTransport } from "../../hosts/node/transport_epoll.ts";

test("work that is asked for a thousand times within a turn is one turn more", async () => {
  let asked = 0;
  const libc = {
    epollCreate: () => 3,
    epollWait: () => {
      asked++;
      return 0;
    },
    watch: () => ({ close: () => {} }),
    close: () => 0,
  };
  const server = { begin: () => {}, settle: () => {}, gathers: false };
  const transport = new EpollTransport(libc as never, server as never, () => {});
  let worked = 0;
  const work = () => {
    worked++;
    return false;
  };
  for (let n = 0; n < 1000; n++) transport.soon(work);
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(worked).toBe(1);
  // Once with the work, and once more to see that nothing is left.
  expect(asked).toBe(2);
  transport.close();
});
