// Suite: what the files of browser tests have in common: one server, one visitor for each test.
// Holds   the visitors that have to leave.
// Never   goes on without a browser: the tests are skipped, with the reason.
// Source  our own.

import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { withoutChromium } from "../../browser/chromium.ts";
import { type Page, serve, Visitor } from "./site.ts";

const without = await withoutChromium();

/** What tests of one file use. */
export interface Suite {
  /** A new profile of a browser; it leaves with the test. */
  visitor(options?: object): Promise<Visitor>;
  /** A page in a profile of its own. */
  open(fragment?: string, options?: object): Promise<Page>;
}

/** Sets a file of tests up. What pages complain of fails the test, unless it is expected. */
export function suite(): Suite {
  let server: { site: string; stop(): void } | null = null;
  let visitors: Visitor[] = [];

  beforeAll(async () => {
    if (without === null) server = await serve();
  });
  afterAll(() => server?.stop());
  beforeEach((ctx) => {
    if (without !== null) ctx.skip(without);
  });
  afterEach(async () => {
    const complaints = visitors.flatMap((visitor) => visitor.complaints);
    for (const visitor of visitors.splice(0)) await visitor.leave();
    visitors = [];
    expect(complaints).toEqual([]);
  });

  const visitor = async (options: object = {}): Promise<Visitor> => {
    const one = await Visitor.come((server as { site: string }).site, options);
    visitors.push(one);
    return one;
  };
  return {
    visitor,
    open: async (fragment = "", options = {}) => (await visitor(options)).open(fragment),
  };
}
