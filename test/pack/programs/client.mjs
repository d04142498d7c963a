// Client program: uses the daemon whose socket is its first argument, and prints what came out.
// Holds   nothing.
// Never   makes a store of its own.
// Source  our own.

import { connect } from "xenstore";

const xs = await connect(process.argv[2]);
await xs.write("/tool/a", "1");
const changes = xs.watchValues("/tool/a");
const first = await changes.next();
await xs.write("/tool/a", "2");
const second = await changes.next();
await changes.return();
const all = Array.from({ length: 1000 }, (_, i) => xs.write(`/tool/many/${i}`, String(i)));
await Promise.all(all);
const missing = await xs.read("/nothing").catch((error) => [error.name, error.code]);
const result = {
  values: [first.value.value, second.value.value],
  many: (await xs.list("/tool/many")).length,
  missing,
  state: xs.state,
};
await xs.rm("/tool/many");
await xs.close();
console.log(JSON.stringify(result));
