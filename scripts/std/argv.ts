/**
 * Changes a command line of `deno` so that it uses the stand-ins for the standard library.
 * Everything here except {@linkcode inheritedConfig} is pure.
 *
 * @module
 */

/** Where the standard library comes from: JSR (its cache included), or the stand-ins. */
export type StdSource = "jsr" | "airgap";

/**
 * The environment variable that passes the source on to child processes. Set it to skip the probe.
 */
export const STD_SOURCE_ENV = "MATRIX_NOTIFY_STD";

/** The configuration whose `links` replace the standard library by the stand-ins. */
export const AIRGAP_CONFIG: string = `${import.meta.dirname}`.replace(/std$/, "airgap") + "/deno.json";

/** Modules through which the program imports the standard library. */
const PROGRAM_MODULES = ["../../src/cli/arguments.ts"] as const;

/** Modules that scripts and tests import in addition. */
const TOOL_MODULES = ["@std/assert", "@std/cli", "@std/fs", "@std/path"] as const;

/** Lists the modules that must load so that a command can use the real library. */
export function modulesFor(args: readonly string[]): readonly string[] {
  const [subcommand] = args.filter(isPositional);
  const onlyProgram = (subcommand === "run" || subcommand === "compile") &&
    args.some((arg) => /(^|[/\\])(mod|src[/\\]main)\.ts$/.test(arg));
  return onlyProgram ? PROGRAM_MODULES : [...PROGRAM_MODULES, ...TOOL_MODULES];
}

/** Adds a configuration to a command, unless the command names one itself. */
export function withConfig(args: readonly string[], config: string): readonly string[] {
  const at = args.findIndex(isPositional);
  if (at < 0 || ownOptions(args.slice(at)).some((arg) => CONFIG_OPTION_REGEXP.test(arg))) return args;
  return [...args.slice(0, at + 1), "--config", config, ...args.slice(at + 1)];
}

const CONFIG_OPTION_REGEXP = /^(-c|--config|--import-map|--no-config)(=|$)/;

/**
 * Subcommands that pass all arguments after the first file on to the program, which may have an
 * option `--config` too.
 */
const RUNNERS: readonly string[] = ["run", "eval", "serve", "compile"];

/** The options for Deno itself. */
function ownOptions([subcommand, ...rest]: readonly string[]): readonly string[] {
  const end = rest.findIndex((arg) => arg === "--" || (RUNNERS.includes(subcommand) && isPositional(arg)));
  return end < 0 ? rest : rest.slice(0, end);
}

/** Parses the value of {@linkcode STD_SOURCE_ENV}. Unknown values count as unset. */
export function sourceFrom(value: string | undefined): StdSource | undefined {
  return value === "jsr" || value === "airgap" ? value : undefined;
}

/**
 * Returns the arguments that give a child process the same standard library: none, or `--config`
 * and a file. A test that starts `deno run … mod.ts` puts them directly after `run`.
 */
export function inheritedConfig(): readonly string[] {
  return import.meta.resolve("@std/assert").startsWith("file:") ? ["--config", AIRGAP_CONFIG] : [];
}

function isPositional(arg: string): boolean {
  return !arg.startsWith("-");
}
