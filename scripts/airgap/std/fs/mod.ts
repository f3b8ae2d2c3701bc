/**
 * A stand-in for `@std/fs` if it cannot be downloaded, with the functions that this project uses.
 *
 * @module
 */

export * from "./ensure_dir.ts";
export * from "./exists.ts";
export * from "./walk.ts";
