/**
 * A file system in memory that knows what a power cut would leave of it.
 *
 * Several processes may work on one {@linkcode CrashDisk}, each through a {@linkcode CrashFiles} of its own; a process can be killed, which closes its files
 * and frees its locks, and what it wrote stays readable. A power cut is made of an {@linkcode CrashDisk.image} by `crash_states.ts`.
 *
 * @module
 */

import type { Files, OpenFile, OpenMode } from "../../src/runtime/files.ts";
import { CrashDisk, DiskDirectory, type DiskFile, type Operation } from "./crash_disk.ts";

/** What happens to a process at an operation: it is killed there, or the disk refuses. */
export type Fate = "die" | "fail" | undefined;

/** A disk as one process sees it. */
export class CrashFiles implements Files {
  readonly disk: CrashDisk;
  readonly #fate: (operation: Operation, path: string) => Fate;
  readonly #handles = new Set<() => void>();
  #killed = false;

  /** @param fate asked before each operation that changes something; an append that dies writes its first half */
  constructor(disk: CrashDisk = new CrashDisk(), fate: (operation: Operation, path: string) => Fate = () => undefined) {
    this.disk = disk;
    this.#fate = fate;
  }

  /** Whether this process was killed. */
  get killed(): boolean {
    return this.#killed;
  }

  /** `kill -9`: the kernel closes what was open. */
  kill(): void {
    this.#killed = true;
    for (const close of this.#handles) close();
  }

  open(path: string, mode: OpenMode): OpenFile {
    this.#live();
    const [parent, name] = this.#locate(path);
    let file = parent.names.get(name);
    if (file === undefined && mode !== "read") {
      const made = this.disk.newFile(this.disk.open);
      this.#change("create", path, () => parent.change({ to: name, node: made }));
      file = made;
    }
    if (file?.kind !== "file") throw new Deno.errors.NotFound(`No such file or directory (os error 2): ${path}`);
    const found = file;
    if (mode === "create" && found.bytes.length > 0) this.#change("truncate", path, () => found.truncate(0));
    return this.#handle(found, path);
  }

  rename(from: string, to: string): void {
    const [parent, source] = this.#locate(from);
    const [target, name] = this.#locate(to);
    const node = parent.names.get(source);
    if (node === undefined) throw new Deno.errors.NotFound(`No such file or directory (os error 2): ${from}`);
    if (parent !== target) {
      throw new TypeError(`Cannot rename ${from} to ${to}: the model knows one directory at a time`);
    }
    this.#change("rename", to, () => parent.change({ from: source, to: name, node }));
  }

  remove(path: string): void {
    const [parent, name] = this.#locate(path);
    const node = parent.names.get(name);
    if (node === undefined) throw new Deno.errors.NotFound(`No such file or directory (os error 2): ${path}`);
    this.#change("remove", path, () => parent.change({ from: name, node }));
  }

  /** As the real one: durable behind its return. A process is killed before it or behind it, but the power may fail in between. */
  makeDirectory(path: string): void {
    this.#live();
    if (this.disk.find(path)?.kind === "directory") return;
    const parentPath = path.slice(0, path.lastIndexOf("/"));
    this.makeDirectory(parentPath);
    const [parent, name] = this.#locate(path);
    this.#change("mkdir", path, () => parent.change({ to: name, node: new DiskDirectory() }));
    parent.sync();
    this.disk.onChange("syncDirectory", parentPath);
  }

  syncDirectory(path: string): void {
    const directory = this.disk.directory(path);
    this.#change("syncDirectory", path, () => directory.sync());
  }

  list(path: string): string[] {
    this.#live();
    const node = this.disk.find(path);
    return node?.kind === "directory" ? [...node.names.keys()] : [];
  }

  #handle(file: DiskFile, path: string): OpenFile {
    const me = {};
    let hasOpenIncident = true;
    const close = () => {
      if (!hasOpenIncident) return;
      hasOpenIncident = false;
      this.#handles.delete(close);
      if (file.holder === me) file.holder = undefined;
      if (--file.handles === 0) this.disk.open.delete(file);
    };
    file.handles++;
    this.disk.open.add(file);
    this.#handles.add(close);
    return {
      size: () => file.bytes.length,
      identity: () => `1:${file.number}`,
      read(buffer, offset) {
        const bytes = file.bytes.subarray(offset, offset + buffer.length);
        buffer.set(bytes);
        return bytes.length;
      },
      append: (bytes) => {
        const half = () => file.append(bytes.subarray(0, bytes.length >> 1));
        this.#change("append", path, () => file.append(bytes), half);
        return bytes.length;
      },
      truncate: (size) => this.#change("truncate", path, () => file.truncate(size)),
      syncData: () => this.#change("syncData", path, () => file.sync()),
      tryLock: () => {
        this.#live();
        if (file.holder !== undefined && file.holder !== me) return false;
        file.holder = me;
        return true;
      },
      unlock() {
        if (file.holder === me) file.holder = undefined;
      },
      [Symbol.dispose]: close,
    };
  }

  #change(operation: Operation, path: string, work: () => void, unfinished?: () => void): void {
    this.#live();
    const fate = this.#fate(operation, path);
    if (fate === "fail") throw Object.assign(new Error("Input/output error (os error 5)"), { code: "EIO" });
    if (fate === "die") {
      unfinished?.();
      this.kill();
      this.disk.onChange(operation, path);
    }
    this.#live();
    work();
    this.disk.onChange(operation, path);
  }

  #live(): void {
    if (this.#killed) throw new Error("Killed");
  }

  #locate(path: string): [DiskDirectory, string] {
    this.#live();
    const slash = path.lastIndexOf("/");
    return [this.disk.directory(path.slice(0, slash)), path.slice(slash + 1)];
  }
}
