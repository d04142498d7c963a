// Vitest: which suites there are and how they run.
// Holds   every *.test.ts below test/; the AssemblyScript specs of test/unit are as-pect's.
// Never   sets a limit that a slow machine would meet.
// Source  our own.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/unit/**", "node_modules/**"],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 30_000,
    passWithNoTests: false,
  },
});
