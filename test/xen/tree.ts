// Tree: the root file system of a small Linux, put together from unpacked packages.
// Holds   its folder, and where the packages' files are.
// Never   follows a link out of the packages.
// Source  our own; cpio(5), readelf(1).

import fs from "node:fs";
import path from "node:path";
import { run } from "./run.ts";

const LIBRARIES = "lib/x86_64-linux-gnu";
const LOADER = "lib64/ld-linux-x86-64.so.2";

export class Tree {
  readonly packages: string;
  #folder: string;
  #release: string;

  /**
   * Begins an empty one.
   * @param packages  root of what the packages hold
   * @param release   of the kernel, whose modules are taken
   */
  constructor(folder: string, packages: string, release: string) {
    this.packages = packages;
    this.#folder = folder;
    this.#release = release;
    fs.rmSync(folder, { recursive: true, force: true });
    this.folder(LIBRARIES);
    this.take(`${LIBRARIES}/ld-linux-x86-64.so.2`, LOADER);
  }

  folder(name: string): void {
    fs.mkdirSync(path.join(this.#folder, name), { recursive: true });
  }

  /** A file of ours. */
  add(name: string, content: string | Uint8Array, mode = 0o644): void {
    this.folder(path.dirname(name));
    fs.writeFileSync(path.join(this.#folder, name), content, { mode });
  }

  /** A file of this machine, as a program. */
  copy(from: string, name: string): void {
    this.add(name, fs.readFileSync(from), 0o755);
  }

  link(target: string, name: string): void {
    const link = path.join(this.#folder, name);
    fs.rmSync(link, { force: true });
    this.folder(path.dirname(name));
    fs.symlinkSync(target, link);
  }

  /** A file of the packages. */
  take(from: string, name = from): void {
    const to = path.join(this.#folder, name);
    this.folder(path.dirname(name));
    // One that stands there may be a link to busybox.
    fs.rmSync(to, { force: true });
    fs.copyFileSync(path.join(this.packages, from), to);
  }

  /** A folder of the packages, with all below it. */
  takeAll(name: string): void {
    const options = { recursive: true, verbatimSymlinks: true };
    fs.cpSync(path.join(this.packages, name), path.join(this.#folder, name), options);
  }

  remove(name: string): void {
    fs.rmSync(path.join(this.#folder, name), { recursive: true, force: true });
  }

  /** What a folder of the packages holds. */
  packaged(name: string): string[] {
    return fs.readdirSync(path.join(this.packages, name));
  }

  /** A module of the kernel, unless the kernel has it built in. */
  module(name: string): void {
    const modules = path.join(this.packages, "lib/modules", this.#release);
    const names = fs.readdirSync(modules, { recursive: true, encoding: "utf8" });
    const file = names.find((one) => path.basename(one) === `${name}.ko`);
    if (file) this.add(`modules/${name}.ko`, fs.readFileSync(path.join(modules, file)));
  }

  /** The libraries that programs of this tree need. */
  libraries(programs: readonly string[]): void {
    for (const program of programs) {
      const file = path.join(this.#folder, program);
      if (fs.lstatSync(file).isFile()) this.#needs(file);
    }
  }

  /** A library and what it needs. */
  library(name: string): void {
    const place = `${LIBRARIES}/${name}`;
    if (fs.existsSync(path.join(this.#folder, place))) return;
    const from = [LIBRARIES, `usr/${LIBRARIES}`]
      .map((folder) => `${folder}/${name}`)
      .find((file) => fs.existsSync(path.join(this.packages, file)));
    if (!from) return;
    this.take(from, place);
    this.#needs(path.join(this.#folder, place));
  }

  /** All of it as an archive that the kernel unpacks, everything root's. */
  archive(): Buffer {
    const input = run("find", ["."], { cwd: this.#folder });
    const how = ["-o", "-H", "newc", "--quiet", "-R", "0:0"];
    return run("cpio", how, { cwd: this.#folder, input });
  }

  #needs(file: string): void {
    if (!isElf(file)) return;
    const text = run("readelf", ["-d", file]).toString();
    for (const [, name] of text.matchAll(/\(NEEDED\).*\[(.*)\]/g)) this.library(name as string);
  }
}

function isElf(file: string): boolean {
  const fd = fs.openSync(file, "r");
  const magic = Buffer.alloc(4);
  fs.readSync(fd, magic, 0, 4, 0);
  fs.closeSync(fd);
  return magic.equals(Buffer.from("7f454c46", "hex"));
}
