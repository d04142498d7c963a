// as-pect's own names, for the type check.
// Holds   a reference.
// Never   is compiled into a module.
// Source  our own.

/// <reference path="../../node_modules/@as-pect/assembly/types/as-pect.d.ts" />
