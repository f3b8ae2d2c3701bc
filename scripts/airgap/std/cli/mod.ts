/**
 * Stands in for `@std/cli` where it cannot be downloaded, with what this project uses of it.
 *
 * @module
 */

export * from "./parse_args.ts";
