// The same part with one connection that stays open.
import { connect } from "xenstore";

const xs = await connect();

/** The value of a key, or null when there is none. Any other error says what it is. */
export function readKey(path) {
  return xs.read(path, { default: null });
}

export const close = () => xs.close();
