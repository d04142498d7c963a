// Main: the page's first steps.
// Holds   the theme, the shell, the service worker.
// Never   knows what a view shows.
// Source  our own.

import { render } from "preact";
import { App } from "./app.tsx";
import { isOutdated, keepFiles } from "./offline.ts";
import { start } from "./start.ts";
import { followTheme } from "./theme.ts";

followTheme();

const root = document.getElementById("app") as HTMLElement;
root.replaceChildren();
render(<App />, root);

// A link is opened by the page that stays.
if (await isOutdated()) location.reload();
else start();
keepFiles();
