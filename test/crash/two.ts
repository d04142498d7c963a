// Two: a site with two guests that do nothing by themselves, and what a test does with it.
// Holds   nothing.
// Never   lets a guest introduce itself again.
// Source  our own.

import { bundleDaemon } from "./bundle.ts";
import { onSite } from "./campaign.ts";
import type { Guest } from "./guest.ts";
import { Reader } from "./reader.ts";
import type { Site } from "./site.ts";

/** Said when a domain is at its limit of nodes for the first time. */
const REFUSED = /^xenstored: domain 1 is refused something: nodes \d+, its quota is \d+$/;

/** Runs `work` on a site with two guests; it is given a program of the control domain. */
export async function onTwo(work: (site: Site, dom0: Reader) => Promise<void>): Promise<void> {
  const bundle = await bundleDaemon();
  const options = { seed: 1, sockets: 0, guests: 2, args: [], bundle, mayReport: [REFUSED] };
  return onSite(options, async (site) => {
    const dom0 = await Reader.open(site.socket);
    await work(site, dom0);
    dom0.close();
  });
}

/** Kills the daemon, does `meanwhile`, and starts another. */
export async function restart(site: Site, meanwhile = () => {}): Promise<Reader> {
  await site.kill();
  meanwhile();
  await site.progress(site.launch().ready());
  return Reader.open(site.socket);
}

/** Sends a request of a guest; returns its payload, or the name of its error. */
export function ask(site: Site, guest: Guest, type: string, payload: string): Promise<string> {
  const answered = new Promise<string>((resolve) => {
    guest.driver.writer.ask(type, payload, 0, ({ error, payload: text }) => {
      resolve(error || text);
      return "";
    });
  });
  return site.progress(answered);
}

/** Collects the events of a guest from here on, as "path token". */
export function listen(guest: Guest): string[] {
  const heard: string[] = [];
  guest.driver.writer.onEvent = (path, token) => heard.push(`${path} ${token}`);
  return heard;
}
