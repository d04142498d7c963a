// Script port: a script's worker at the other end of a port, as a client of the store.
// Holds   the ports that are served.
// Never   trusts the other end: it may do what its domain may.
// Source  our own.

import { serve } from "../../entry/browser.ts";
import { DomainError } from "./domain_entry.ts";
import type { Context } from "./engine.ts";
import type { Feature } from "./feature.ts";
import type { Session } from "./session.ts";

const LABEL = "script";
/** Ports of scripts that have ended are hung up when there are so many. */
const PORTS_MAX = 64;

/** Makes or introduces domains. */
interface Domains {
  run(op: "domain.add" | "domain.introduce", args: { domid: number }): Promise<unknown>;
}

export function scriptFeature(context: Context & Domains): Feature {
  let hangUps: (() => void)[] = [];
  const hangUpAll = (): void => {
    for (const hangUp of hangUps) hangUp();
    hangUps = [];
  };
  return {
    ops: {
      "script.port": async ({ port, domid }) => {
        const { session } = context;
        try {
          await known(context, session, domid);
        } catch (error) {
          port.close();
          throw error;
        }
        if (session !== context.session) {
          port.close();
          return;
        }
        const stream = (options: { readonly domid?: number | undefined }) =>
          session.labelled(LABEL, () => session.store.stream({ domid: options.domid }));
        if (hangUps.length >= PORTS_MAX) hangUps.shift()?.();
        hangUps.push(serve({ stream }, port, { domid }));
      },
    },
    closing: hangUpAll,
  };
}

/** Sees to it that the store knows the domain. */
async function known(domains: Domains, session: Session, domid: number): Promise<void> {
  if (domid === 0) return;
  const entry = session.domains.get(domid);
  if (!entry) await domains.run("domain.add", { domid });
  else if (entry.state !== "running") {
    const what = entry.state === "dead" ? "has ended" : "has shut down";
    throw new DomainError(`Domain ${domid} ${what}. Reboot it, then run the script as it.`);
  } else if (!entry.introduced) await domains.run("domain.introduce", { domid });
}
