// Failing storage: a database in memory that can't be written to while a test says so.
// Holds   the code of the error.
// Never   writes a part of what it refuses.
// Source  Storage of hosts/shared/storage.ts.

import { MemoryStorage } from "../../hosts/embed/memory_storage.ts";
import { type Appender, StorageError } from "../../hosts/shared/storage.ts";

export class FailingStorage extends MemoryStorage {
  /** What every writing fails with; null: it works. */
  code: string | null = null;

  override create(name: string): Appender {
    this.check(name);
    return this.#watched(super.create(name));
  }

  override open(name: string, size: number): Appender {
    return this.#watched(super.open(name, size));
  }

  check(name: string): void {
    if (this.code) throw new StorageError(this.code, `${this.place}/${name}`);
  }

  #watched(appender: Appender): Appender {
    const check = () => this.check(appender.name);
    const [append, extend] = [appender.append.bind(appender), appender.extend.bind(appender)];
    return Object.assign(appender, {
      append: (bytes: Uint8Array) => {
        check();
        append(bytes);
      },
      extend: (length: number) => {
        check();
        extend(length);
      },
    });
  }
}
