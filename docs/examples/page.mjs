// Page: a whole store in a web page, with a host that writes and a guest that watches.
//   npx esbuild page.mjs --bundle --format=esm --outfile=page.js     and serve this folder
import { createStore } from "xenstore/inline";

const store = await createStore();
const host = store.client;
const guest = await store.asDomain(7);

const input = document.querySelector("#value");
const write = () => host.write("/local/domain/7/key", input.value);
input.addEventListener("input", write);
await write();

for await (const { value } of guest.watchValues("key")) {
  document.querySelector("#seen").value = value ?? "nothing";
}
