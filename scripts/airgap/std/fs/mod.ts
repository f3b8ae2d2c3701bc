/**
 * Stands in for `@std/fs` where it cannot be downloaded, with what this project uses of it.
 *
 * @module
 */

export * from "./ensure_dir.ts";
export * from "./exists.ts";
export * from "./walk.ts";
