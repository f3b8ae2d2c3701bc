/**
 * A stand-in for `@std/path` if it cannot be downloaded, with the functions that this project uses.
 * All subpaths are this file.
 *
 * @module
 */

import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Returns the last part of a path, without `suffix`. A file URL counts as its path. */
export function basename(of: string | URL, suffix?: string): string {
  return path.basename(pathOf(of), suffix);
}

/** Returns a path without its last part. A file URL counts as its path. */
export function dirname(of: string | URL): string {
  return path.dirname(pathOf(of));
}

/**
 * Returns the extension of a path with its dot; empty if it has none. A file URL counts as its
 * path.
 */
export function extname(of: string | URL): string {
  return path.extname(pathOf(of));
}

/** Returns the path of a file URL. */
export function fromFileUrl(url: string | URL): string {
  return fileURLToPath(url);
}

/** Joins parts to a path without `.` and `..`. The first part can be a file URL. */
export function join(first: string | URL, ...rest: string[]): string {
  return path.join(pathOf(first), ...rest);
}

/** Returns the relative path from one path to another. */
export function relative(from: string, to: string): string {
  return path.relative(from, to);
}

/** Resolves parts to an absolute path, from the current directory. */
export function resolve(...parts: string[]): string {
  return path.resolve(...parts);
}

/** Returns the file URL of an absolute path. */
export function toFileUrl(of: string): URL {
  if (!path.isAbsolute(of)) throw new TypeError(`Path must be absolute: received "${of}"`);
  return pathToFileURL(of);
}

function pathOf(of: string | URL): string {
  return of instanceof URL ? fileURLToPath(of) : of;
}
