// Script words: what the editor offers while one types: the client's methods and the exports.
// Holds   names with a line on each, in the words of hosts/client/api.ts.
// Never   parses types: a test compares the names with the library's.
// Source  hosts/client/api.ts; hosts/playground/script/main.ts.

/** Name, its arguments, and a line on it. */
export type Word = readonly [name: string, detail: string, info: string];

/** What a client, a transaction and `at` have. */
export const NODE_WORDS: readonly Word[] = [
  ["read", "(path, { as, default })", 'The value: as text, "bytes" or "int".'],
  ["write", "(path, value)", "Sets the value; makes the node and those above if need be."],
  ["mkdir", "(path)", "Makes a node with an empty value; one that is there stays as it is."],
  ["rm", "(path, { missingOk })", "Removes the node and all below."],
  ["list", "(path)", "Names of the children."],
  ["exists", "(path)", "Whether there is such a node."],
  ["stat", "(path)", "Value, children and permissions of one moment."],
  ["getPerms", "(path)", "The permission list; formatPerms makes text of it."],
  ["setPerms", '(path, "n0 r3")', "Replaces the permission list."],
  ["walk", "(path, { depth, order })", "for await: the node and all below."],
  ["snapshot", "(path)", "The subtree as plain data, of one moment."],
  ["apply", "(path, tree, { prune })", "Makes the subtree be as the data, all or nothing."],
  ["at", "(path)", "The same operations on paths below one."],
];

export const CLIENT_WORDS: readonly Word[] = [
  ["watch", "(path, { depth, overflow })", "for await: an event for each change at or below."],
  ["watchValues", "(path, { as })", "for await: the values of what changes."],
  [
    "waitFor",
    "(path, wanted, { as, timeout })",
    "Waits until the value is the one that is wanted.",
  ],
  ["transaction", "(async (tx) => { … })", "Runs it as one transaction, again after a conflict."],
  ["begin", "()", "A transaction to be ended by hand: commit or abort."],
  ["compareAndSet", "(path, expected, next)", "Writes only if the value is the expected one."],
  ["domain", "(domid)", "A domain: introduce, release, quota and so on."],
  ["control", "(command, ...words)", 'A command of the daemon, such as "help".'],
  ["features", "()", "Features that the store offers, as bits."],
  ["quotas", "()", "Names of all limits."],
  ["quota", "(name)", "The limit that holds for every domain."],
  ["setQuota", "(name, value)", "Sets a limit for every domain."],
  ["resetWatches", "()", "Removes all watches and transactions of this client."],
  ["request", "(type, payload)", "Any request, for what has no name here."],
  ["status", "()", "for await: each change of the connection."],
  ["state", "", 'The connection\'s state, such as "connected".'],
  ["target", "", "Where the connection leads."],
  ["closed", "", "Resolves when the connection is closed for good."],
  ["close", "()", "Ends the connection, its watches and transactions."],
];

export const TRANSACTION_WORDS: readonly Word[] = [
  ["commit", "()", "Applies all or nothing; EAGAIN when others were faster."],
  ["abort", "()", "Gives up what was done."],
  ["id", "", "The transaction's number."],
];

export const DOMAIN_WORDS: readonly Word[] = [
  ["path", "()", "Its home, such as /local/domain/3."],
  ["isIntroduced", "()", "Whether the store knows it."],
  ["introduce", "({ gfn, port })", "Makes the store serve it."],
  ["release", "()", "Ends that."],
  ["resume", "()", "It goes on after it was suspended."],
  ["setTarget", "(domid)", "Gives it the rights of another one, as for a device model."],
  ["setFeatures", "(bits)", "Which features it is offered."],
];

export const WATCH_WORDS: readonly Word[] = [
  ["ready", "", "Resolves when the watch is set."],
  ["return", "()", "Removes the watch and ends its loop."],
  ["waiting", "", "Events that wait to be taken."],
  ["initial", "", "Of an event: it came because the watch was set."],
  ["previous", "", "Of a value: the one before."],
];

/** What a script imports most. */
export const IMPORT_WORDS: readonly Word[] = [
  ["connect", "()", "A client of this page's store, as domain 0."],
  ["asDomain", "(domid)", "A client of this page's store that speaks as a domain."],
  ["createStore", "({ tree, quota })", "A store of the script's own."],
  [
    "isXenstoreError",
    "(error, ...codes)",
    "Whether it is an error of the store, with such a code.",
  ],
  ["formatPerms", "(perms)", 'A permission list as text: "n0 r3".'],
  ["formatPerm", "(perm)", "An entry of a permission list as text."],
  ["parsePerm", "(text)", "An entry of a permission list as data."],
  ["isSubpath", "(top, path)", "Whether a path is the other one or lies below it."],
  ["pathProblem", "(path)", "What is wrong with a path, or null."],
  ["XenstoreError", "", "All errors of the library are of this class."],
  ["ConflictError", "", "A commit came too late: EAGAIN."],
  ["ConnectionLostError", "", "The connection was lost or closed; `sent` says more."],
  ["InvalidRequestError", "", "Refused before it was sent."],
  ["WatchOverflowError", "", "Events were not taken fast enough."],
  ["ManualClock", "", "A clock for a store of one's own."],
  ["MemoryStorage", "", "Keeps a store of one's own while the script runs."],
  ["serve", "(store, port)", "Lets others use a store of one's own."],
];
