/**
 * A stand-in for `@std/assert` if it cannot be downloaded, with the functions that this project
 * uses. Several subpaths of the original are one file here.
 *
 * @module
 */

export * from "./assertion_error.ts";
export * from "./basics.ts";
export * from "./equal.ts";
export * from "./equality.ts";
export * from "./errors.ts";
export * from "./order.ts";
export * from "./text.ts";
