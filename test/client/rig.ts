// Rig: what a conformance case is given, made from any way to a store.
// Holds   the client under test, another one, and a node of the case's own.
// Never   names a runtime or a transport.
// Source  our own.

import type { Client, ClientOptions } from "../../hosts/client/api.ts";

/** What not every store or way to one has. */
export type Need =
  /** Clients that speak as another domain. */
  | "asDomain"
  /** More clients like the one under test. */
  | "connect"
  /** CONTROL. */
  | "control"
  /** GET_QUOTA and SET_QUOTA. */
  | "quota"
  /** SET_FEATURE, and GET_FEATURE with a domain. */
  | "features"
  /** Requests about domains. */
  | "privileged"
  /** Directories above 4096 bytes. */
  | "parts"
  /** Paths up to 3072 characters. */
  | "longPaths"
  /** GET_PERMS of special nodes. */
  | "specialPerms"
  /** Special paths of one domain, such as `@releaseDomain/5`. */
  | "specialDomain"
  /** The connection under test can be cut. */
  | "reconnect";

/** A way to a store. */
export interface Site {
  readonly offers: ReadonlySet<Need>;
  /** Whose home relative paths of the client under test begin at. */
  readonly domid: number;
  /** Opens the client under test, or one more like it. */
  connect(options?: ClientOptions): Promise<Client>;
  /** Opens a client of the control domain to the same store, over whatever. */
  other(): Promise<Client>;
  /** Opens a client that speaks as a domain. */
  asDomain?(domid: number): Promise<Client>;
  /** Breaks the connection of the client that was opened last. */
  cut?(): void;
}

export interface Rig {
  /** Under test. */
  readonly client: Client;
  /** Another connection, of the control domain. */
  readonly other: Client;
  /** A node that both may do with what they want; empty. */
  readonly root: string;
  /** The home of the client. */
  readonly home: string;
  connect(options?: ClientOptions): Promise<Client>;
  asDomain(domid: number): Promise<Client>;
  cut(): void;
  /** The number of a domain that no other case uses. */
  freshDomid(): number;
}

export interface Case {
  readonly name: string;
  readonly needs?: readonly Need[];
  run(rig: Rig): Promise<void>;
}

let roots = 0;
let domids = 40;

/** Names what a site does not offer of a case's needs. */
export function lacking(one: Case, site: Site): readonly Need[] {
  return (one.needs ?? []).filter((need) => !site.offers.has(need));
}

/** Runs one case with clients and a node of its own, and cleans up behind it. */
export async function runCase(one: Case, site: Site): Promise<void> {
  const opened: Client[] = [];
  const keep = async (opening: Promise<Client>) => {
    const client = await opening;
    opened.push(client);
    return client;
  };
  const home = `/local/domain/${site.domid}`;
  try {
    const other = await keep(site.other());
    const base = site.domid === 0 ? "/conformance" : home;
    const root = `${base}/case${++roots}`;
    await other.mkdir(root);
    await other.setPerms(root, `n${site.domid}`);
    const rig: Rig = {
      other,
      root,
      home,
      client: await keep(site.connect()),
      connect: (options) => keep(site.connect(options)),
      asDomain: (domid) => keep((site.asDomain as (domid: number) => Promise<Client>)(domid)),
      cut: () => site.cut?.(),
      freshDomid: () => ++domids,
    };
    await one.run(rig);
    if (other.state !== "closed") await other.rm(root);
  } finally {
    await Promise.all(opened.map((client) => client.close()));
  }
}
