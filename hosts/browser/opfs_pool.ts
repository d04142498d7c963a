// OPFS pool: finds the folder in a browser's private file system and opens all files in it.
// Holds   nothing.
// Never   goes on without saying what is missing in this browser, or what to do about it.
// Source  our own; the File System standard.

import { OpfsFile, opfsError, type SyncHandle } from "./opfs_file.ts";

/** What is used of a FileSystemDirectoryHandle. */
export interface OpfsFolder {
  readonly name: string;
  getFileHandle(name: string, options?: { create?: boolean }): Promise<OpfsEntry>;
  values(): AsyncIterable<{ readonly kind: string; readonly name: string }>;
}

/** What is used of a FileSystemFileHandle. */
export interface OpfsEntry {
  createSyncAccessHandle(): Promise<SyncHandle>;
}

interface Root extends OpfsFolder {
  getDirectoryHandle(name: string, options?: { create?: boolean }): Promise<Root>;
}

/** The worker of a tab that was closed lets go a moment after the tab is gone. */
const TRIES = 60;
const TRY_AGAIN_MS = 50;

/**
 * Finds a folder, and makes it if need be.
 * @param place  its name for people
 * @throws       Error of one line that says what to do
 */
export async function folderOf(path: string, place: string): Promise<OpfsFolder> {
  let folder = await rootOf(place);
  try {
    for (const name of path.split("/").filter((one) => one !== "")) {
      folder = await folder.getDirectoryHandle(name, { create: true });
    }
    return folder;
  } catch (error) {
    throw new Error(`${place}: cannot be made: ${reason(error)}; choose another name`);
  }
}

async function rootOf(place: string): Promise<Root> {
  const { navigator, FileSystemFileHandle } = globalThis as unknown as {
    navigator?: { storage?: { getDirectory?: () => Promise<Root> } };
    FileSystemFileHandle?: { prototype: object };
  };
  if (!navigator?.storage?.getDirectory || !FileSystemFileHandle) {
    throw new Error(
      `${place}: there is no private file system (OPFS) here; it takes a browser of 2023 or later ` +
        'and a page from https or localhost; storage "memory" works everywhere (IndexedDB is not ' +
        "supported)",
    );
  }
  if (!("createSyncAccessHandle" in FileSystemFileHandle.prototype)) {
    throw new Error(
      `${place}: can be opened in a dedicated worker only; call opfsStorage there, or openShared ` +
        "in the page",
    );
  }
  try {
    return await navigator.storage.getDirectory();
  } catch (error) {
    throw new Error(
      `${place}: the browser refuses its private file system (${reason(error)}), as in a private ` +
        'window; storage "memory" works there',
    );
  }
}

/**
 * Opens all pooled files of a folder.
 * @throws Error of one line: another worker has it open; or what the browser says
 */
export async function openPool(folder: OpfsFolder, place: string): Promise<OpfsFile[]> {
  const files: OpfsFile[] = [];
  try {
    for await (const { kind, name } of folder.values()) {
      if (kind !== "file" || !/^\d{4,}$/.test(name)) continue;
      files.push(new OpfsFile(await openFile(folder, name), name, place));
    }
    return files;
  } catch (error) {
    for (const file of files) file.close();
    if ((error as Error)?.name !== "NoModificationAllowedError") throw opfsError(error, place);
    throw new Error(
      `${place}: another tab or worker has it open; join that one's store with openShared, or ` +
        "choose another folder",
    );
  }
}

async function openFile(folder: OpfsFolder, name: string): Promise<SyncHandle> {
  const found = await folder.getFileHandle(name);
  for (let left = TRIES; ; left--) {
    try {
      return await found.createSyncAccessHandle();
    } catch (error) {
      if (left === 0 || (error as Error)?.name !== "NoModificationAllowedError") throw error;
      await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
    }
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
