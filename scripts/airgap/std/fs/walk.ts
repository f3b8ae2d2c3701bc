import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** What a walk visits and what it reports. */
export interface WalkOptions {
  /** How many folders deep it goes; without end by default. */
  maxDepth?: number;
  /** Whether it reports files: yes by default. */
  includeFiles?: boolean;
  /** Whether it reports folders: yes by default. */
  includeDirs?: boolean;
  /** Whether it reports symbolic links: yes by default. It never follows them. */
  includeSymlinks?: boolean;
  /** Reports only paths with one of these extensions. */
  exts?: string[];
  /** Reports only paths that match one of these. */
  match?: RegExp[];
  /** Neither reports nor enters paths that match one of these. */
  skip?: RegExp[];
}

/** Something that a walk met. */
export interface WalkEntry extends Deno.DirEntry {
  /** Its path, which begins with the folder that the walk began with. */
  path: string;
}

/** Goes through a folder and all below it: first the folder, then what it holds. */
export async function* walk(root: string | URL, options: WalkOptions = {}): AsyncIterableIterator<WalkEntry> {
  const path = root instanceof URL ? fileURLToPath(root) : join(root);
  const { isFile, isDirectory, isSymlink } = await Deno.stat(path);
  yield* visit(
    { path, name: basename(resolve(path)), isFile, isDirectory, isSymlink },
    options,
    options.maxDepth ?? Infinity,
  );
}

async function* visit(entry: WalkEntry, options: WalkOptions, depth: number): AsyncIterableIterator<WalkEntry> {
  if (depth < 0 || options.skip?.some((pattern) => entry.path.match(pattern))) return;
  if (isWanted(entry, options)) yield entry;
  if (!entry.isDirectory || depth < 1) return;
  for await (const { name, isFile, isDirectory, isSymlink } of Deno.readDir(entry.path)) {
    yield* visit({ path: join(entry.path, name), name, isFile, isDirectory, isSymlink }, options, depth - 1);
  }
}

function isWanted({ path, isFile, isDirectory, isSymlink }: WalkEntry, options: WalkOptions): boolean {
  const { includeFiles = true, includeDirs = true, includeSymlinks = true, exts, match } = options;
  if (isFile && !includeFiles || isDirectory && !includeDirs || isSymlink && !includeSymlinks) return false;
  if (exts && !exts.some((ext) => path.endsWith(ext.startsWith(".") ? ext : `.${ext}`))) return false;
  return !match || match.some((pattern) => path.match(pattern) !== null);
}
