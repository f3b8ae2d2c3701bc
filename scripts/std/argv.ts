/**
 * What becomes of a command line of Deno's on its way through the wrapper. All of it is pure but for {@linkcode inheritedConfig}.
 *
 * @module
 */

/** Where the standard library comes from: JSR (its cache included), or the stand-ins. */
export type StdSource = "jsr" | "airgap";

/** Tells the processes that the wrapper starts what it found, so that they need not look again; also overrides it by hand. */
export const STD_SOURCE_ENV = "MATRIX_NOTIFY_STD";

/** The configuration whose `links` put the stand-ins in the place of the standard library. */
export const AIRGAP_CONFIG: string = `${import.meta.dirname}`.replace(/std$/, "airgap") + "/deno.json";

/** What the program itself needs of the standard library. */
const PROGRAM_MODULES = ["../../src/cli/deps.ts"] as const;

/** What scripts and tests need besides. */
const TOOL_MODULES = ["@std/assert", "@std/cli", "@std/fs", "@std/path"] as const;

/** Which modules must load before a command can do with the real library. */
export function modulesFor(args: readonly string[]): readonly string[] {
  const [subcommand] = args.filter(isPositional);
  const onlyProgram = (subcommand === "run" || subcommand === "compile") &&
    args.some((arg) => /(^|[/\\])(mod|src[/\\]main)\.ts$/.test(arg));
  return onlyProgram ? PROGRAM_MODULES : [...PROGRAM_MODULES, ...TOOL_MODULES];
}

/** Makes the command use a configuration, unless it brings one of its own. */
export function withConfig(args: readonly string[], config: string): readonly string[] {
  const at = args.findIndex(isPositional);
  if (at < 0 || ownOptions(args.slice(at)).some((arg) => CONFIG_OPTION_REGEXP.test(arg))) return args;
  return [...args.slice(0, at + 1), "--config", config, ...args.slice(at + 1)];
}

const CONFIG_OPTION_REGEXP = /^(-c|--config|--import-map|--no-config)(=|$)/;

/** Subcommands that hand everything behind the first file to the program in it, which may know `--config` too. */
const RUNNERS: readonly string[] = ["run", "eval", "serve", "compile"];

/** The options that are Deno's. */
function ownOptions([subcommand, ...rest]: readonly string[]): readonly string[] {
  const end = rest.findIndex((arg) => arg === "--" || (RUNNERS.includes(subcommand) && isPositional(arg)));
  return end < 0 ? rest : rest.slice(0, end);
}

/** Reads what an outer wrapper found, or what somebody wants; anything else counts as nothing. */
export function sourceFrom(value: string | undefined): StdSource | undefined {
  return value === "jsr" || value === "airgap" ? value : undefined;
}

/**
 * The arguments that give a child process the standard library of this one: empty, or `--config` with its file. A test that
 * starts `deno run … mod.ts` puts them right behind `run`.
 */
export function inheritedConfig(): readonly string[] {
  return import.meta.resolve("@std/assert").startsWith("file:") ? ["--config", AIRGAP_CONFIG] : [];
}

function isPositional(arg: string): boolean {
  return !arg.startsWith("-");
}
