// Tools: what `import "xenstore/tools"` gives: the command line tools for programs, on any runtime.
// Holds   re-exports only.
// Never   connects by itself.
// Source  our own.

/**
 * The command line tools for programs, on any runtime and any connection: a terminal in a page, a
 * shell in a test.
 * @module xenstore/tools
 */

export { clientStream } from "../client/shared_stream.ts";
export type { ByteStream, StreamSink } from "../shared/byte_stream.ts";
export { runTool, type ToolFiles, type ToolOptions } from "../shared/cli/run.ts";
export { COMMANDS } from "../shared/cli/tool.ts";
export { splitWords } from "../shared/cli/words.ts";
