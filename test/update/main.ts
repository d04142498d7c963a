// Main: live updates under a load as a program: npm run test:update -- --minutes 3
// Holds   the command line.
// Never   ends well when a client noticed anything.
// Source  our own.

import process from "node:process";
import { parseArgs } from "node:util";
import { release } from "../host/rig.ts";
import { campaign, type Report } from "./campaign.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "3" },
    clients: { type: "string", default: "50" },
    guests: { type: "string", default: "5" },
    transport: { type: "string", default: "epoll" },
  },
});
const endMs = Date.now() + Number(values.minutes) * 60_000;

function show({ updates, requests, events, waitMostMs }: Report): void {
  const wait = `${Math.round(waitMostMs)} ms at most for a reply`;
  console.log(`${updates} updates, ${requests} requests, ${events} events, ${wait}`);
}

try {
  show(
    await campaign({
      transport: values.transport,
      clients: Number(values.clients),
      guests: Number(values.guests),
      more: () => Date.now() < endMs,
      after: (report) => report.updates % 10 === 0 && show(report),
    }),
  );
  console.log("nobody noticed");
} catch (error) {
  console.error(`test:update: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  await release();
}
