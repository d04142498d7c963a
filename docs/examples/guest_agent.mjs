// Guest agent: tells the host how the guest is, afresh whenever the host asks.
//   node guest_agent.mjs            in a guest, as root: over /dev/xen/xenbus
// Paths without a slash at their start lie below the guest's home, /local/domain/<domid>, where
// data/ is the guest's to write. The host asks by writing something new to data/agent/ask.
import os from "node:os";
import { connect } from "xenstore";

const xs = await connect();

// The first value comes at once: what is there, or undefined.
const asked = xs.watchValues("data/agent/ask");
process.once("SIGTERM", () => asked.return());

for await (const { value } of asked) await report(value ?? "");
await xs.rm("data/agent");
await xs.close();

/** All or nothing: a host that sees the answer finds the figures that belong to it. */
async function report(question) {
  await xs.transaction(async (tx) => {
    const data = tx.at("data/agent");
    await data.write("os", `${os.type()} ${os.release()}`);
    await data.write("uptime", Math.round(os.uptime()));
    await data.write("memory/total", Math.round(os.totalmem() / 1024));
    await data.write("memory/free", Math.round(os.freemem() / 1024));
    await data.write("answered", question);
  });
}
