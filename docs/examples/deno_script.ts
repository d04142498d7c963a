// Deno script: the subtree of one domain as JSON, from the daemon of this host.
//   deno run --allow-env --allow-read --allow-write --allow-net deno_script.ts 3
import { connect, isXenstoreError } from "xenstore";

const domid = Number(Deno.args[0] ?? 0);
await using xs = await connect();
try {
  const home = await xs.domain(domid).path();
  console.log(JSON.stringify(await xs.snapshot(home), null, 2));
} catch (error) {
  if (!isXenstoreError(error, "ENOENT")) throw error;
  console.error(`there is no domain ${domid}`);
  Deno.exitCode = 1;
}
