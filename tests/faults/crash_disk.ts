/**
 * A model of a disk that knows what is synced. A file keeps every content that it had since its
 * last sync, a directory every change of its names. A power cut leaves a mixture of these.
 *
 * @module
 */

/** A file. Each change creates a new version of its content. */
export class DiskFile {
  readonly kind = "file";
  readonly number: number;
  /** The open file that holds the `flock`. */
  holder: object | undefined;
  /** How often the file is open. */
  handles = 0;
  /** All versions since the last sync, which is the first one. Processes read the last one. */
  #versions: readonly Uint8Array[];
  /** The first byte that changed since the last sync. */
  #touched = Infinity;

  constructor(number: number, bytes: Uint8Array = new Uint8Array()) {
    this.number = number;
    this.#versions = [bytes];
  }

  get bytes(): Uint8Array {
    return this.#versions[this.#versions.length - 1];
  }

  append(bytes: Uint8Array): void {
    const longer = new Uint8Array(this.bytes.length + bytes.length);
    longer.set(this.bytes);
    longer.set(bytes, this.bytes.length);
    this.#change(longer, this.bytes.length);
  }

  truncate(size: number): void {
    const resized = new Uint8Array(size);
    resized.set(this.bytes.subarray(0, size));
    this.#change(resized, Math.min(size, this.bytes.length));
  }

  sync(): void {
    this.#versions = [this.bytes];
    this.#touched = Infinity;
  }

  /** Returns the states that a power cut can leave. */
  image(): FileImage {
    return { kind: "file", versions: this.#versions, touched: this.#touched };
  }

  #change(bytes: Uint8Array, from: number): void {
    this.#versions = [...this.#versions, bytes];
    this.#touched = Math.min(this.#touched, from);
  }
}

/** A change of names: creation, removal, or a rename. */
export interface NameChange<Node> {
  readonly from?: string;
  readonly to?: string;
  readonly node: Node;
}

/** A directory. */
export class DiskDirectory {
  readonly kind = "directory";
  /** The names that processes see. */
  readonly names: Map<string, DiskNode>;
  #durable: ReadonlyMap<string, DiskNode>;
  #changes: readonly NameChange<DiskNode>[] = [];

  constructor(names: ReadonlyMap<string, DiskNode> = new Map()) {
    this.#durable = names;
    this.names = new Map(names);
  }

  change(change: NameChange<DiskNode>): void {
    applyChange(this.names, change);
    this.#changes = [...this.#changes, change];
  }

  sync(): void {
    this.#durable = new Map(this.names);
    this.#changes = [];
  }

  /** Returns the states that a power cut can leave, also below. */
  image(seen: Map<DiskNode, NodeImage> = new Map()): DirectoryImage {
    const imageOf = (node: DiskNode) => {
      const image = seen.get(node) ?? (node.kind === "file" ? node.image() : node.image(seen));
      seen.set(node, image);
      return image;
    };
    return {
      kind: "directory",
      durable: new Map(Array.from(this.#durable, ([name, node]) => [name, imageOf(node)])),
      changes: this.#changes.map((change) => ({ ...change, node: imageOf(change.node) })),
    };
  }
}

export type DiskNode = DiskFile | DiskDirectory;

/** A file at one moment. */
export interface FileImage {
  readonly kind: "file";
  readonly versions: readonly Uint8Array[];
  readonly touched: number;
}

/** A directory at one moment. */
export interface DirectoryImage {
  readonly kind: "directory";
  readonly durable: ReadonlyMap<string, NodeImage>;
  readonly changes: readonly NameChange<NodeImage>[];
}

export type NodeImage = FileImage | DirectoryImage;

/** Applies a change to names. */
export function applyChange<Node>(names: Map<string, Node>, { from, to, node }: NameChange<Node>): void {
  if (from !== undefined) names.delete(from);
  if (to !== undefined) names.set(to, node);
}

/** Operations that change the disk. */
export type Operation = "create" | "append" | "truncate" | "syncData" | "rename" | "remove" | "mkdir" | "syncDirectory";

/** The disk with the caches of the kernel. */
export class CrashDisk {
  readonly root: DiskDirectory;
  /** Called after each operation that changed the disk. */
  onChange: (operation: Operation, path: string) => void = () => {};

  constructor(root: DiskDirectory = new DiskDirectory()) {
    this.root = root;
  }

  /** Returns the states that a power cut can leave now. */
  image(): DirectoryImage {
    return this.root.image();
  }

  find(path: string): DiskNode | undefined {
    let node: DiskNode | undefined = this.root;
    for (const name of path.split("/").filter(Boolean)) {
      node = node?.kind === "directory" ? node.names.get(name) : undefined;
    }
    return node;
  }

  directory(path: string): DiskDirectory {
    const node = this.find(path);
    if (node?.kind === "directory") return node;
    throw new Deno.errors.NotFound(`No such file or directory (os error 2): ${path}`);
  }

  /** Creates a file. Like ext4 it reuses the lowest free inode number. */
  createFile(open: Iterable<DiskFile>): DiskFile {
    const used = new Set(Array.from(open, (file) => file.number));
    const visit = (directory: DiskDirectory) => {
      for (const node of directory.names.values()) node.kind === "file" ? used.add(node.number) : visit(node);
    };
    visit(this.root);
    let number = 1;
    while (used.has(number)) number++;
    return new DiskFile(number);
  }

  /** All open files, also those without a name. */
  readonly open: Set<DiskFile> = new Set();
}
