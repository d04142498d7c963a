// Obstacles: what ../host/obstacles.test.ts says of the daemon is true on Deno, too.
// Holds   nothing.
// Never   asks less than on Node, but for what the suite itself names.
// Source  our own.

import { onDeno } from "./runtime.ts";

await onDeno(() => import("../host/obstacles.test.ts"));
