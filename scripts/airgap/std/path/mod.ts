/**
 * Stands in for `@std/path` where it cannot be downloaded, with what this project uses of it. Every subpath leads here.
 *
 * @module
 */

import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Returns the last part of a path, without `suffix` where it ends so. A file URL is taken as its path. */
export function basename(of: string | URL, suffix?: string): string {
  return path.basename(pathOf(of), suffix);
}

/** Returns a path without its last part. A file URL is taken as its path. */
export function dirname(of: string | URL): string {
  return path.dirname(pathOf(of));
}

/** Returns the extension of a path, with its dot; empty where there is none. A file URL is taken as its path. */
export function extname(of: string | URL): string {
  return path.extname(pathOf(of));
}

/** Returns the path that a file URL stands for. */
export function fromFileUrl(url: string | URL): string {
  return fileURLToPath(url);
}

/** Joins parts to one path without `.` and `..`; the first part may be a file URL. */
export function join(first: string | URL, ...rest: string[]): string {
  return path.join(pathOf(first), ...rest);
}

/** Returns the way from one path to the other. */
export function relative(from: string, to: string): string {
  return path.relative(from, to);
}

/** Returns the absolute path that the parts lead to, one after the other, from the current folder. */
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
