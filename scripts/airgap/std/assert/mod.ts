/**
 * Stands in for `@std/assert` where it cannot be downloaded, with what this project uses of it. Several subpaths of the
 * original lead to one file here.
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
