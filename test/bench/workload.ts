// Workload: what the bench can measure; the list of all of them.
// Holds   names and order, as the command line and the tables show them.
// Never   measures anything itself.
// Source  our own.

import type { Need } from "./peers.ts";
import type { Session } from "./session.ts";
import { client, clientLocal } from "./workload/client.ts";
import { churn, idle } from "./workload/connections.ts";
import { compaction, restart } from "./workload/database.ts";
import { children, nodes, subtree } from "./workload/nodes.ts";
import { clients32, pingpong, pipelined, writers } from "./workload/pingpong.ts";
import { transactions } from "./workload/transactions.ts";
import { liveUpdate } from "./workload/update.ts";
import { delivery, watchScale } from "./workload/watches.ts";

/** A peer's part of a workload, ready to be measured. */
export interface Run {
  /** Measures once; called for all peers in turn, then again. */
  round(): void | Promise<void>;
}

export interface Workload {
  name: string;
  /** One line for --help. */
  about: string;
  /** Number of fresh daemons that a peer needs; 1 if not given. */
  daemons?: number;
  /** A server of fixed answers can take part. */
  fixedAnswers?: boolean;
  /** What only some daemons offer; the others are left out. */
  needs?: Need;
  /** Fills the session's daemons with what the rounds need. */
  open(session: Session): Run | Promise<Run>;
}

export const WORKLOADS: Workload[] = [
  pingpong("read"),
  pingpong("write"),
  clients32,
  pipelined("read"),
  pipelined("write"),
  watchScale,
  delivery,
  nodes,
  children,
  subtree,
  transactions,
  churn,
  idle,
  writers,
  compaction,
  restart,
  liveUpdate,
  client,
  clientLocal,
];
