import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The options of a walk. */
export interface WalkOptions {
  /** The maximum depth; unlimited by default. */
  maxDepth?: number;
  /** Whether files are returned. @default {true} */
  includeFiles?: boolean;
  /** Whether directories are returned. @default {true} */
  includeDirs?: boolean;
  /** Whether symbolic links are returned. They are never followed. @default {true} */
  includeSymlinks?: boolean;
  /** Returns only paths with one of these extensions. */
  exts?: string[];
  /** Returns only paths that match one of these. */
  match?: RegExp[];
  /** Skips paths that match one of these, and their contents. */
  skip?: RegExp[];
}

/** A file or directory. */
export interface WalkEntry extends Deno.DirEntry {
  /** Its path, which begins with the path of the root. */
  path: string;
}

/** Lists a directory and all below it: first the directory, then its contents. */
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
