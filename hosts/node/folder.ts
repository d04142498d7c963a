// Folder: makes the folders that the daemon's files are to lie in.
// Holds   nothing.
// Never   waits: where the system makes no folder, it says so at once.
// Source  mkdir(2).

import fs from "node:fs";
import path from "node:path";

/**
 * Makes a folder, and those above it that are missing. Node's own recursive way never returns for
 * a folder below /proc, where ENOENT does not mean that something above is missing.
 * @param mode  of the folders that are made
 * @throws      the system's error, EEXIST when something else is in the way
 */
export function makeFolder(folder: string, mode: number): void {
  try {
    makeOne(folder, mode);
  } catch (error) {
    const above = path.dirname(folder);
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || above === folder) throw error;
    makeFolder(above, mode);
    makeOne(folder, mode);
  }
}

function makeOne(folder: string, mode: number): void {
  try {
    fs.mkdirSync(folder, { mode });
  } catch (error) {
    if (!isFolder(folder)) throw error;
  }
}

function isFolder(name: string): boolean {
  try {
    return fs.statSync(name).isDirectory();
  } catch {
    return false;
  }
}
