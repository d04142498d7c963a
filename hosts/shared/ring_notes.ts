// Ring notes: what is about to be put into a ring's page, noted where it outlives the process.
// Holds   two words for each domid, in pages that are had when they are first needed.
// Never   waits, and never lets half of a note be taken for a note.
// Source  our own.
//
// "A reply is there" and "its request is gone" are two words of a ring's page. A store that ends
// between them finds the request again, and if that changed nothing, no journal says that it was
// served. The note, written before both, says so: when the page has the rsp_prod of the note but
// not its req_cons, the rest of what was begun is still to be done.
//
// A note is req_cons, then rsp_prod ^ req_cons. Between these two stores it reads as a rsp_prod
// that differs from the one before, which the page still has, in just the bits in which req_cons
// has changed: it does not match, or it says what the page says already. That holds because each
// note but a domain's first follows one that said what the page says; the first one is of that kind.

/** Domids whose notes are in one page of 4096 bytes. */
const DOMIDS = 512;
/** Words of such a page. */
export const NOTE_WORDS = DOMIDS * 2;

export class RingNotes {
  #pages: (Int32Array | undefined)[] = [];
  #map: (page: number) => Int32Array;

  /** @param map  gives a page of NOTE_WORDS words, zeros where nothing was noted; never throws */
  constructor(map: (page: number) => Int32Array) {
    this.#map = map;
  }

  /** Both indexes, as u32, are to be in the page of this domain next. */
  note(domid: number, rspProd: number, reqCons: number): void {
    const words = this.#words(domid);
    const at = (domid % DOMIDS) * 2;
    Atomics.store(words, at, reqCons | 0);
    Atomics.store(words, at + 1, rspProd ^ reqCons);
  }

  /** The req_cons, as u32, that was to follow this rsp_prod; null: that is not noted. */
  reqCons(domid: number, rspProd: number): number | null {
    const words = this.#words(domid);
    const at = (domid % DOMIDS) * 2;
    const reqCons = Atomics.load(words, at);
    const noted = (Atomics.load(words, at + 1) ^ reqCons) >>> 0;
    return noted === rspProd ? reqCons >>> 0 : null;
  }

  /** The domain has ended: a ring begins with these indexes, so they say nothing. */
  clear(domid: number): void {
    this.note(domid, 0, 0);
  }

  #words(domid: number): Int32Array {
    const page = Math.floor(domid / DOMIDS);
    const known = this.#pages[page];
    if (known) return known;
    const words = this.#map(page);
    this.#pages[page] = words;
    return words;
  }
}
