// Places: where the daemon's sockets and files lie.
// Holds   nothing.
// Never   makes anything.
// Source  command line, Environment and places.

import os from "node:os";
import path from "node:path";

const RUN_FOLDER = "/var/run/xenstored";
/** Name of the simulated machine beside the socket. */
export const MACHINE = "machine";
const STATE_DUMP = "state_dump";
const DATA_FOLDER = "/var/lib/xen/xenstore";
const STORE_FOLDER = "/var/lib/xenstored";
const DATABASE = "tdb";

export interface Places {
  /** The sockets' paths. */
  readonly socket: string;
  readonly socketReadOnly: string;
  /** What is noted of rings for whoever starts after a kill. */
  readonly ringNotes: string;
  /** Where a simulated machine is to be found: a folder, or a link to it. */
  readonly machine: string;
  /** The state of a daemon that another one replaces. */
  readonly stateDump: string;
  /** Where relative names of trace files and reports belong. */
  readonly data: string;
  /** Folder of the database. */
  readonly database: string;
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
    ringNotes: `${socket}_rings`,
    machine: path.join(path.dirname(socket), MACHINE),
    // The C daemon looks in the folder of the sockets, wherever the socket itself is.
    stateDump: path.resolve(env.XENSTORED_RUNDIR ? run : path.dirname(socket), STATE_DUMP),
    data: path.resolve(env.XENSTORED_ROOTDIR || (own ? run : DATA_FOLDER)),
    database: database(env, socket, own),
  };
}

/** A daemon with sockets of its own has a store of its own, unless it is told where that is. */
function database(env: Environment, socket: string, own: boolean): string {
  const { XENSTORED_ROOTDIR: root, XENSTORED_RUNDIR: run, XENSTORED_PATH: named } = env;
  if (root) return path.resolve(root, DATABASE);
  if (!(run || named) || atHome(socket)) {
    return path.join(own ? stateFolder(env) : STORE_FOLDER, DATABASE);
  }
  const inRun = run && path.resolve(run, "socket") === socket;
  return inRun ? path.join(path.dirname(socket), DATABASE) : `${socket}.${DATABASE}`;
}

/** Do the sockets lie where everybody looks for them? */
function atHome(socket: string): boolean {
  return [RUN_FOLDER, "/run/xenstored"].includes(path.dirname(socket));
}

function userFolder(env: Environment): string {
  return env.XDG_RUNTIME_DIR ? path.join(env.XDG_RUNTIME_DIR, "xenstored") : stateFolder(env);
}

function stateFolder(env: Environment): string {
  const state = env.XDG_STATE_HOME || path.join(os.homedir(), ".local", "state");
  return path.join(state, "xenstored");
}
