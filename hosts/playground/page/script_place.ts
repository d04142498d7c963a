// Script place: where something stands in a script.
// Holds   the form of places, and the error of an import that can't be.
// Never   reads a script: script_module.ts does, which is loaded only when it is needed.
// Source  our own.

/** A place in a text: both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A text as a module that can run. */
export interface Prepared {
  readonly code: string;
  /** From a place in `code` to that in the text. */
  original(place: Place): Place;
}

/** An import that can't be, and where it stands. */
export class ImportProblem extends Error {
  readonly place: Place;

  constructor(message: string, place: Place) {
    super(message);
    this.name = "ImportProblem";
    this.place = place;
  }
}
