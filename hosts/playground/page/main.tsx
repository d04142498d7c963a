// Main: the page's first steps.
// Holds   the theme, the shell, the service worker.
// Never   knows what a view shows.
// Source  our own.

import { render } from "preact";
import { App } from "./app.tsx";
import { start } from "./start.ts";
import { followTheme } from "./theme.ts";

followTheme();

const root = document.getElementById("app") as HTMLElement;
root.replaceChildren();
render(<App />, root);

start();

// Offline: what a static server gave once is there without it. Not where the browser refuses.
if ("serviceWorker" in navigator && location.protocol !== "file:") {
  navigator.serviceWorker.register("service.js").catch((error) => {
    console.warn(`The playground will not work offline: ${error.message}`);
  });
}
