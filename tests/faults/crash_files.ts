/**
 * A file system in memory that can be cut off from power.
 *
 * Several processes can use one {@linkcode CrashDisk}, each with its own {@linkcode CrashFiles}. A
 * killed process closes its files and releases its locks; other processes can read what it wrote.
 * `crash_states.ts` creates the states after a power cut.
 *
 * @module
 */

import type { Files, OpenFile, OpenMode } from "../../src/runtime/files.ts";
import { CrashDisk, DiskDirectory, type DiskFile, type Operation } from "./crash_disk.ts";

/** What happens at an operation: the process is killed, or the disk fails. */
export type OperationFault = "kill" | "fail" | undefined;

/** The files of one process. */
export class CrashFiles implements Files {
  readonly disk: CrashDisk;
  readonly #chooseFault: (operation: Operation, path: string) => OperationFault;
  readonly #handles = new Set<() => void>();
  #killed = false;

  /**
   * @param chooseFault called before each operation that changes the disk. A killed append writes
   * its first half
   */
  constructor(
    disk: CrashDisk = new CrashDisk(),
    chooseFault: (operation: Operation, path: string) => OperationFault = () => undefined,
  ) {
    this.disk = disk;
    this.#chooseFault = chooseFault;
  }

  /** Whether this process was killed. */
  get killed(): boolean {
    return this.#killed;
  }

  /** Kills the process: the kernel closes its files. */
  kill(): void {
    this.#killed = true;
    for (const close of this.#handles) close();
  }

  open(path: string, mode: OpenMode): OpenFile {
    this.#checkAlive();
    const [parent, name] = this.#locate(path);
    let file = parent.names.get(name);
    if (file === undefined && mode !== "read") {
      const made = this.disk.createFile(this.disk.open);
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
      throw new TypeError(`Cannot rename ${from} to ${to}: the model supports renames within one directory only`);
    }
    this.#change("rename", to, () => parent.change({ from: source, to: name, node }));
  }

  remove(path: string): void {
    const [parent, name] = this.#locate(path);
    const node = parent.names.get(name);
    if (node === undefined) throw new Deno.errors.NotFound(`No such file or directory (os error 2): ${path}`);
    this.#change("remove", path, () => parent.change({ from: name, node }));
  }

  /**
   * Durable when it returns, like the real function. The power can fail between its two operations.
   */
  makeDirectory(path: string): void {
    this.#checkAlive();
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

  exists(path: string): boolean {
    this.#checkAlive();
    return this.disk.find(path) !== undefined;
  }

  size(path: string): number {
    this.#checkAlive();
    const node = this.disk.find(path);
    return node?.kind === "file" ? node.bytes.length : 0;
  }

  list(path: string): string[] {
    this.#checkAlive();
    const node = this.disk.find(path);
    return node?.kind === "directory" ? [...node.names.keys()] : [];
  }

  #handle(file: DiskFile, path: string): OpenFile {
    const me = {};
    let isOpen = true;
    const close = () => {
      if (!isOpen) return;
      isOpen = false;
      this.#handles.delete(close);
      if (file.holder === me) file.holder = undefined;
      if (--file.handles === 0) this.disk.open.delete(file);
    };
    file.handles++;
    this.disk.open.add(file);
    this.#handles.add(close);
    return {
      stat: () => ({ size: file.bytes.length, identity: `1:${file.number}` }),
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
        this.#checkAlive();
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
    this.#checkAlive();
    const fault = this.#chooseFault(operation, path);
    if (fault === "fail") throw Object.assign(new Error("Input/output error (os error 5)"), { code: "EIO" });
    if (fault === "kill") {
      unfinished?.();
      this.kill();
      this.disk.onChange(operation, path);
    }
    this.#checkAlive();
    work();
    this.disk.onChange(operation, path);
  }

  #checkAlive(): void {
    if (this.#killed) throw new Error("Killed");
  }

  #locate(path: string): [DiskDirectory, string] {
    this.#checkAlive();
    const slash = path.lastIndexOf("/");
    return [this.disk.directory(path.slice(0, slash)), path.slice(slash + 1)];
  }
}
