// Guest: a domain whose ring and watches outlive the store, and that must not notice it.
// Holds   what it has read of the news, each time an event told it to.
// Never   asks again for what it was not told of.
// Source  the XenStore protocol, Watches; Clients.

import type { Driver } from "./driver.ts";
import type { RingLine } from "./ring.ts";
import { at, brief, type Node } from "./tree.ts";

/** What the control domain writes and all guests follow. */
export const NEWS_PATH = "/crash/news";
const NEWS_TOKEN = "news";
const OWN_TOKEN = "own";

export class Guest {
  readonly domid: number;
  readonly ring: RingLine;
  readonly driver: Driver;
  /** The last value read of each node of the news. */
  #news = new Map<string, string>();
  #heard = 0;

  constructor(domid: number, ring: RingLine, driver: Driver) {
    this.domid = domid;
    this.ring = ring;
    this.driver = driver;
    const { writer } = driver;
    writer.onEvent = (path, token) => this.#event(path, token);
    writer.attach(ring);
  }

  /** Sets its watches, once and for all. Resolves when they are set. */
  watch(): Promise<void> {
    const { writer } = this.driver;
    const watch = (path: string, token: string) =>
      new Promise<void>((resolve) => {
        writer.ask("WATCH", `${path}\0${token}\0`, 0, ({ error }) => {
          resolve();
          return error && `WATCH was answered with ${error}`;
        });
      });
    this.driver.expectEvents();
    // The second as a path below the domain's home: events then name it so, too.
    return Promise.all([watch(NEWS_PATH, NEWS_TOKEN), watch("data", OWN_TOKEN)]).then(() => {});
  }

  /** Resolves when all events that were due have been told, and followed. */
  async caughtUp(): Promise<void> {
    for (let heard = -1; heard !== this.#heard; ) {
      heard = this.#heard;
      await new Promise<void>((resolve) => {
        // Events come before the answer to what was asked after them.
        this.driver.writer.ask("GET_DOMAIN_PATH", `${this.domid}\0`, 0, () => {
          resolve();
          return "";
        });
      });
    }
  }

  /** Complaints about news that it was not told of. */
  behind(news: Node): string[] {
    const complaints: string[] = [];
    for (const [name, { value }] of news.children) {
      const known = this.#news.get(`${NEWS_PATH}/${name}`);
      if (known === value || (value === "" && known === undefined)) continue;
      const text = `last saw ${brief(known ?? "nothing")} at ${NEWS_PATH}/${name}`;
      complaints.push(`${this.driver.writer.name}: ${text}, which is ${brief(value)} by now`);
    }
    return complaints;
  }

  #event(path: string, token: string): void {
    this.#heard += 1;
    if (token === OWN_TOKEN) this.driver.sawEvent(`/local/domain/${this.domid}/${path}`);
    if (token !== NEWS_TOKEN || path === NEWS_PATH) return;
    const { writer } = this.driver;
    writer.ask("READ", `${path}\0`, 0, ({ error, payload }) => {
      this.#news.set(path, payload);
      return error && `was answered with ${error}`;
    });
  }
}

/** The part of a whole tree that the guests follow. */
export function newsOf(whole: Node): Node {
  const news = at(whole, NEWS_PATH.slice(1).split("/"));
  if (!news) throw new Error(`${NEWS_PATH} is missing`);
  return news;
}
