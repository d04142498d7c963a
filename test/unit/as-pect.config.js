// as-pect: where the AssemblyScript specs are and what they are compiled with.
// Holds   the globs; one spec file stands for one file of assembly/.
// Never   imports anything into the module that the core would not have.
// Source  our own.

export default {
  entries: ["test/unit/*/**/*.spec.ts"],
  include: [],
  disclude: [/node_modules/],
  async instantiate(memory, createImports, instantiate, binary) {
    return instantiate(binary, createImports({ env: { memory } }));
  },
  outputBinary: false,
};
