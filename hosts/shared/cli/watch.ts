// Watch: xenstore watch, the paths of changes as they happen.
// Holds   how watches are set and events printed.
// Never   ends by itself unless a number of events was asked for.
// Source  the XenStore command line, watch.

import { errorText, isXenstoreError } from "../errors.ts";
import { type Call, type Command, Failure, JSON_OPTION } from "./command.ts";
import { bytesOf, looseInt, utf8 } from "./host.ts";
import { jsonLine } from "./json.ts";

const WITHOUT_END = -1;

export const watch: Command = {
  usage: "[-h] [-n NR] key",
  accepts: "n",
  extra: [{ letter: "d", name: "depth", value: true, exact: true }, JSON_OPTION],
  fits: (count) => count >= 1,
  inTransaction: () => false,
  async run(_store, call) {
    await setWatches(call);
    const limit = looseInt(call.values.get("n") ?? String(WITHOUT_END));
    for (let count = 0; limit === WITHOUT_END || count < limit; count++) {
      const event = await call.client.nextEvent().catch((error) => {
        if (!isXenstoreError(error)) throw error;
        throw new Failure(call, `connection to the store lost: ${errorText(error.code)}`);
      });
      call.host.out(call.json ? jsonLine(event) : `${utf8(event.path)}\n`);
      call.host.flush();
    }
  },
};

/** Each key is a watch of its own; its token is the key. */
async function setWatches(call: Call): Promise<void> {
  const given = call.values.get("d");
  const depth = given === undefined ? undefined : looseInt(given);
  for (const key of call.operands) {
    try {
      await call.client.watch(bytesOf(key), bytesOf(key), depth);
    } catch (error) {
      if (!isXenstoreError(error)) throw error;
      const how = depth === undefined ? "" : ` with depth ${depth}`;
      throw new Failure(call, `Unable to add watch on ${key}${how}\n`);
    }
  }
}
