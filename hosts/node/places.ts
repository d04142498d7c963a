// Places: where the daemon's sockets and files lie.
// Holds   nothing.
// Never   makes anything.
// Source  command line, Environment and places.

import os from "node:os";
import path from "node:path";

const RUN_FOLDER = "/var/run/xenstored";
/** Name of the simulated machine beside the socket. */
export const MACHINE = "machine";
const DATA_FOLDER = "/var/lib/xen/xenstore";

export interface Places {
  /** The sockets' paths. */
  readonly socket: string;
  readonly socketReadOnly: string;
  /** Where a simulated machine is to be found: a folder, or a link to it. */
  readonly machine: string;
  /** Where relative names of trace files and reports belong. */
  readonly data: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The places the environment asks for.
 * @param own  whether what it leaves open lies below a folder of the user's
 */
export function places(env: Environment, own: boolean): Places {
  const run = env.XENSTORED_RUNDIR || (own ? userFolder(env) : RUN_FOLDER);
  const socket = path.resolve(env.XENSTORED_PATH || path.join(run, "socket"));
  return {
    socket,
    socketReadOnly: `${socket}_ro`,
    machine: path.join(path.dirname(socket), MACHINE),
    data: path.resolve(env.XENSTORED_ROOTDIR || (own ? run : DATA_FOLDER)),
  };
}

function userFolder(env: Environment): string {
  if (env.XDG_RUNTIME_DIR) return path.join(env.XDG_RUNTIME_DIR, "xenstored");
  const state = env.XDG_STATE_HOME || path.join(os.homedir(), ".local", "state");
  return path.join(state, "xenstored");
}
