/**
 * A stand-in for `@std/cli` if it cannot be downloaded, with the functions that this project uses.
 *
 * @module
 */

export * from "./parse_args.ts";
