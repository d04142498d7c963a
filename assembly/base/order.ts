// Order: addresses of objects put into the order of a number that each of them holds.
// Holds   nothing.
// Never   recurses or allocates: it sorts where they lie, in n log n steps whatever their order.
// Source  our own (heap sort).

export class Order {
  /**
   * @param items   `count` addresses
   * @param offset  of a u64 in each object
   */
  static byNumber(items: usize, count: u32, offset: u32): void {
    for (let i = count >> 1; i > 0; i--) sink(items, i - 1, count, offset);
    for (let end = count; end > 1; end--) {
      const top = load<usize>(items);
      store<usize>(items, load<usize>(items + ((end - 1) << 2)));
      store<usize>(items + ((end - 1) << 2), top);
      sink(items, 0, end - 1, offset);
    }
  }
}

/** Lets the item at `from` fall to where nothing larger is below it. */
function sink(items: usize, from: u32, count: u32, offset: u32): void {
  const item = load<usize>(items + (from << 2));
  const key = load<u64>(item + offset);
  let at = from;
  for (;;) {
    let child = (at << 1) + 1;
    if (child >= count) break;
    if (child + 1 < count && keyAt(items, child + 1, offset) > keyAt(items, child, offset)) child++;
    if (keyAt(items, child, offset) <= key) break;
    store<usize>(items + (at << 2), load<usize>(items + (child << 2)));
    at = child;
  }
  store<usize>(items + (at << 2), item);
}

function keyAt(items: usize, index: u32, offset: u32): u64 {
  return load<u64>(load<usize>(items + (index << 2)) + offset);
}
