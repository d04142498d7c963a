// Keep: sessions in the browser's private files, so that a reload brings everything back.
// Holds   the file of the open session, and the lock that keeps other tabs from it.
// Never   sends anything anywhere; never stops the session when a file can't be written.
// Source  our own; the File System and Web Locks standards.
//
//   xenstore-playground/<id>.session    a session file, see session_file.ts
//   xenstore-playground/<id>.name       its name, for the list

import type { KeptSession } from "../model/protocol.ts";
import type { InputSink } from "./engine.ts";
import type { Session } from "./session.ts";
import { type Input, lineOf } from "./session_file.ts";
import { sessionText } from "./session_write.ts";

const FOLDER = "xenstore-playground";
const LOCK = "xenstore-playground:";
const ENDING = ".session";
const NAMES = ".name";
/** When there were many, lines wait so long, to be written together: ms. */
const WAIT_MS = 50;
/** Writes in that time before lines have to wait. */
const BURST = 40;
/** A file that is larger is written anew, from what is still known. */
const SIZE_MAX = 64 * 1024 * 1024;
/** How long a tab that is loaded again waits for its own lock: ms. */
const PATIENCE_MS = 3000;

/** What is used of a file that is open for writing in a worker. */
interface Handle {
  getSize(): number;
  write(bytes: Uint8Array, options?: { at?: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}
type Folder = FileSystemDirectoryHandle & AsyncIterable<[string, FileSystemHandle]>;
type File = FileSystemFileHandle & { createSyncAccessHandle?: () => Promise<Handle> };

const encoder = new TextEncoder();

export class Keep implements InputSink {
  /** Whether the open session is kept, or why it is not and what to do. */
  state: true | string = true;
  /** Hears when `state` changes. */
  onState: () => void = () => {};
  #session: Session | null = null;
  #handle: Handle | null = null;
  #size = 0;
  #lines = "";
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** Lets go of the lock of the open session, and of the one that is about to be. */
  #unlock: () => void = () => {};
  #next: () => void = () => {};
  #starting = false;
  /** Lines wait to be written. */
  #due = false;
  /** Writes since the timer was set. */
  #burst = 0;
  #failed = false;

  /**
   * Takes a session's lock; the one before is held until `begin`. False: another tab has it.
   * @param own  this tab has had it a moment ago, and may have to wait for itself
   */
  async take(id: string, own: boolean): Promise<boolean> {
    this.leave();
    const { locks } = navigator;
    if (!locks) return true;
    return new Promise((resolve) => {
      const over = new Promise<void>((release) => {
        const held = async (lock: Lock | null): Promise<void> => {
          if (lock) this.#next = release;
          resolve(lock !== null);
          if (lock) await over;
        };
        const options = own
          ? { signal: AbortSignal.timeout(PATIENCE_MS) }
          : { ifAvailable: true as const };
        locks.request(LOCK + id, options, held).catch(() => resolve(false));
      });
    });
  }

  /** The session whose lock was taken is not opened after all. */
  leave(): void {
    this.#next();
    this.#next = () => {};
  }

  /**
   * The session that is to be kept from now on.
   * @param how  `resume`: its file has all of it; `now`: it is written at once; `later`: with its
   *             first change, since nobody has asked for it yet
   */
  async begin(session: Session, how: "resume" | "now" | "later"): Promise<void> {
    await this.end();
    this.#unlock();
    this.#unlock = this.#next;
    this.#next = () => {};
    this.#session = session;
    this.#failed = false;
    const reason = lacking();
    this.#tell(reason ?? true);
    if (reason) this.#failed = true;
    else if (how !== "later") await this.#start(how === "resume");
  }

  input(session: Session, input: Input): void {
    if (session !== this.#session || this.#failed) return;
    if (!this.#handle) {
      void this.#start(false);
      return;
    }
    this.#lines += lineOf(input);
    this.#soon();
    if (input.kind === "session") putName(session).catch(() => {});
  }

  /** Writes what waits; the session is not kept any more. */
  async end(): Promise<void> {
    this.#write();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#handle?.close();
    this.#handle = null;
    this.#session = null;
    this.#lines = "";
  }

  /** All that is kept, the newest first. */
  async list(): Promise<KeptSession[]> {
    if (lacking()) return [];
    this.#write();
    const folder = await openFolder(true);
    const found: KeptSession[] = [];
    const busy = await heldLocks();
    for await (const [file, handle] of folder) {
      if (!file.endsWith(ENDING) || handle.kind !== "file") continue;
      const id = file.slice(0, -ENDING.length);
      const { size, lastModified } = await sizeOf(handle as FileSystemFileHandle);
      const name = await nameOf(folder, id);
      const other = busy.has(id) && id !== this.#session?.id;
      found.push({ id, name, bytes: size, changed: lastModified, busy: other });
    }
    return found.sort((a, b) => b.changed - a.changed);
  }

  /** The text of a kept session. Throws an Error of one sentence when it is not there. */
  async read(id: string): Promise<string> {
    try {
      const folder = await openFolder(false);
      const file = await (await folder.getFileHandle(id + ENDING)).getFile();
      return await file.text();
    } catch (error) {
      throw new Error("That session is not kept any more: it was removed.", { cause: error });
    }
  }

  async remove(id: string): Promise<void> {
    const folder = await openFolder(false);
    await folder.removeEntry(id + ENDING).catch(() => {});
    await folder.removeEntry(id + NAMES).catch(() => {});
  }

  #tell(state: true | string): void {
    this.state = state;
    this.onState();
  }

  /** Opens the file; writes the whole session into it unless it has it. */
  async #start(resume: boolean): Promise<void> {
    if (this.#starting || !this.#session) return;
    this.#starting = true;
    const session = this.#session;
    try {
      const folder = await openFolder(true);
      const file = (await folder.getFileHandle(session.id + ENDING, { create: true })) as File;
      const handle = (await file.createSyncAccessHandle?.()) ?? null;
      if (session !== this.#session || !handle) {
        handle?.close();
        return;
      }
      this.#handle = handle;
      this.#size = handle.getSize();
      if (!resume || this.#size === 0) await this.#anew();
      if (this.#handle) this.#tell(true);
    } catch (error) {
      this.#fail(error as Error);
    } finally {
      this.#starting = false;
    }
  }

  /** Writes all of it in the place of what is there. */
  async #anew(): Promise<void> {
    const [session, handle] = [this.#session, this.#handle];
    if (!session || !handle) return;
    this.#lines = "";
    try {
      // Without a break: nothing happens in between that would have to follow.
      let size = 0;
      for (const piece of sessionText(session)) {
        size += writeAll(handle, encoder.encode(piece), size);
      }
      handle.truncate(size);
      handle.flush();
      this.#size = size;
      await putName(session);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** Little is written at once, since the page may be gone a moment later; much is gathered. */
  #soon(): void {
    if (this.#due) return;
    this.#due = true;
    if (this.#burst++ < BURST) queueMicrotask(() => this.#write());
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#burst = 0;
      this.#write();
      this.#flush();
    }, WAIT_MS);
  }

  #write(): void {
    this.#due = false;
    const handle = this.#handle;
    if (!handle || this.#lines === "") return;
    try {
      const bytes = encoder.encode(this.#lines);
      this.#lines = "";
      this.#size += writeAll(handle, bytes, this.#size);
      if (this.#size > SIZE_MAX) void this.#anew();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #flush(): void {
    try {
      this.#handle?.flush();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    this.#failed = true;
    this.#lines = "";
    try {
      this.#handle?.close();
    } catch {
      // It is of no use any more in any case.
    }
    this.#handle = null;
    const full = error.name === "QuotaExceededError";
    const why = full
      ? "the browser has no more room for it. Remove kept sessions under “Share & keep”"
      : `the browser refuses to write it (${error.message}). Reload the page to try again`;
    this.#tell(`It is not kept from here on: ${why}, or save it to a file there.`);
  }
}

function writeAll(handle: Handle, bytes: Uint8Array, at: number): number {
  for (let done = 0; done < bytes.length; ) {
    const count = handle.write(bytes.subarray(done), { at: at + done });
    if (count <= 0) throw new DOMException("nothing more is written", "QuotaExceededError");
    done += count;
  }
  return bytes.length;
}

/** Why nothing can be kept here; null: it can. */
function lacking(): string | null {
  const storage = globalThis.navigator?.storage as StorageManager | undefined;
  const files = (globalThis as { FileSystemFileHandle?: { prototype: object } })
    .FileSystemFileHandle;
  if (storage?.getDirectory && files && "createSyncAccessHandle" in files.prototype) return null;
  return (
    "It is not kept: this browser gives pages no private files (OPFS), or does not do so here " +
    "(it takes https or localhost, and no private window). Save it to a file under “Share & keep”."
  );
}

async function openFolder(create: boolean): Promise<Folder> {
  const root = await navigator.storage.getDirectory();
  return (await root.getDirectoryHandle(FOLDER, { create })) as Folder;
}

async function heldLocks(): Promise<Set<string>> {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return new Set(held.map(({ name }) => name?.slice(LOCK.length) ?? ""));
}

/** A file that is open elsewhere may not tell. */
async function sizeOf(
  handle: FileSystemFileHandle,
): Promise<{ size: number; lastModified: number }> {
  try {
    return await handle.getFile();
  } catch {
    return { size: 0, lastModified: Date.now() };
  }
}

async function nameOf(folder: Folder, id: string): Promise<string> {
  try {
    const file = await (await folder.getFileHandle(id + NAMES)).getFile();
    return (await file.text()) || id;
  } catch {
    return id;
  }
}

async function putName(session: Session): Promise<void> {
  const folder = await openFolder(true);
  const file = (await folder.getFileHandle(session.id + NAMES, { create: true })) as File;
  const handle = await file.createSyncAccessHandle?.();
  if (!handle) return;
  const size = writeAll(handle, encoder.encode(session.name), 0);
  handle.truncate(size);
  handle.close();
}
