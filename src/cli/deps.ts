/**
 * Third-party code of the running program, all of it; only the command line uses it. The specifiers are written out in full,
 * because a module that is run from a URL does not see our import map.
 *
 * @module
 */

/** Splits a command line into options and positional arguments. */
export { parseArgs } from "jsr:@std/cli@^1.0.0/parse-args";
