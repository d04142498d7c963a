// Watch feature: the watches that are set.
// Holds   nothing: the history knows them.
// Never   tells more than the page can show.
// Source  our own.

import type { Context } from "./engine.ts";
import type { Feature } from "./feature.ts";

const WATCHES_MAX = 2000;

export function watchFeature(context: Context): Feature {
  return {
    ops: {},
    sections: [
      {
        name: "watches",
        stamp: ({ watches }) => {
          const { id, history } = context.session;
          return watches ? `${id} ${history.version}` : null;
        },
        make: () => context.session.history.watches().slice(0, WATCHES_MAX),
      },
    ],
  };
}
