/**
 * Finds the command that started this program, so that crontabs and units can start the program in
 * the same way. All paths in this command are absolute, because cron and systemd start programs in
 * another directory and with a short `PATH`.
 *
 * @module
 */

import { PROGRAM_FLAGS } from "../base/permission_table.ts";
import { askProgram } from "./clean_command.ts";
import { absolutePath, exists, readIfThere } from "./paths.ts";
import { findKnownDistrust } from "./trust.ts";

/** The command that started this program, without the arguments of the program. */
export interface Program {
  /**
   * The words of the command: the path of the binary; or the path of Deno, its options and the
   * module.
   */
  readonly words: readonly string[];
  /**
   * A shorter command that does the same: only the path of a file named `matrix-notify`. The file
   * is a script, or a link to the binary. If there is no such file, this list is equal to `words`.
   */
  readonly shortWords: readonly string[];
}

/** The name of the program in the directories of `PATH`. */
const NAME = "matrix-notify";

/** The paths where cron, systemd and sshd find Deno with their default `PATH`. */
const COMMON_DENO = ["/usr/bin/deno", "/bin/deno"];

/** The maximum time of the child process that reads the command line, in milliseconds. */
const ANSWER_MS = 2_000;

/** The assumed options of Deno if the command line of this process cannot be read. */
const USUAL_OPTIONS = ["-q", "--no-prompt", "--cached-only", ...PROGRAM_FLAGS];

/** Reads the command. */
export async function readProgram(env: (name: string) => string | undefined): Promise<Program> {
  const execPath = Deno.execPath();
  const path = env("PATH") ?? "";
  if (Deno.build.standalone) {
    const link = findCommand(execPath, path, (file) => realPath(file) === execPath);
    return { words: throughCurrent([execPath]), shortWords: link === undefined ? throughCurrent([execPath]) : [link] };
  }
  const module = mainModule();
  const line = await askProgram("/bin/sh", ["-c", "cat /proc/$PPID/cmdline"], AbortSignal.timeout(ANSWER_MS));
  const [, ...given] = line?.split("\0").slice(0, -1 - Deno.args.length) ?? [];
  const options = given.length > 0 ? withAbsolutePaths(given) : ["run", ...USUAL_OPTIONS, module];
  const words = throughCurrent([execPath, ...fromCacheOnly(options)]);
  const wrapper = findCommand(module, path, (file) => isWrapper(file, module, execPath));
  return { words, shortWords: wrapper === undefined ? words : [wrapper] };
}

/** Returns the directory of Deno's cache; undefined if it is unknown. */
export function denoDirectory(env: (name: string) => string | undefined): string | undefined {
  const cache = env("XDG_CACHE_HOME") || (env("HOME") ? `${env("HOME")}/.cache` : undefined);
  return env("DENO_DIR") || (cache === undefined ? undefined : `${cache}/deno`);
}

/** Replaces the permissions in a command that starts this program with Deno. */
export function withPermissions(words: readonly string[], flags: readonly string[]): readonly string[] {
  const rest = words.filter((word) => !/^(-A|-[RWENSI](=.*)?|--allow-.*|--no-prompt)$/s.test(word));
  const at = rest.indexOf("run") + 1;
  return [...rest.slice(0, at), "--no-prompt", ...throughCurrent(flags), ...rest.slice(at)];
}

/**
 * Makes a command use the link `current` instead of the directory of this version. `install.sh`
 * creates the link beside the directory. An update replaces the directory, but the path of the link
 * stays valid.
 */
function throughCurrent(words: readonly string[]): readonly string[] {
  const program = Deno.build.standalone ? Deno.execPath() : mainModule();
  for (let folder = parentOf(program); folder !== ""; folder = parentOf(folder)) {
    const link = `${parentOf(folder)}/current`;
    if (realPath(link) === folder) return words.map((word) => word.replaceAll(folder, link));
  }
  return words;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

function mainModule(): string {
  const url = new URL(Deno.mainModule);
  return url.protocol === "file:" ? decodeURIComponent(url.pathname) : url.href;
}

/**
 * Adds the option that forbids downloads. Units and crontabs run without a person, often as root,
 * so the network must not decide which code they run.
 */
function fromCacheOnly(words: readonly string[]): readonly string[] {
  return words.includes("--cached-only") ? words : [...words.slice(0, -1), "--cached-only", ...words.slice(-1)];
}

/** The options of Deno whose value is a path in the next word. */
const PATH_OPTIONS: ReadonlySet<string> = new Set(["-c", "--config", "--import-map", "--lock", "--cert"]);

/**
 * Makes the paths in a command line of Deno absolute: the path of the module (the last word), and
 * the paths in options. The word `run` is not a path, even if there is a directory with this name.
 */
export function withAbsolutePaths(words: readonly string[]): readonly string[] {
  const absolute = (path: string) => exists(path) ? absolutePath(path) : path;
  return words.map((word, index) => {
    if (index === words.length - 1 || PATH_OPTIONS.has(words[index - 1])) return absolute(word);
    const [, option, value] = /^(--[\w-]+=)(.+)$/s.exec(word) ?? [];
    return option === undefined ? word : option + absolute(value);
  });
}

/**
 * Finds a file named `matrix-notify` that starts this program. Searches the directories of `PATH`
 * first, then the directory `bin` in each directory above the program. For example, the file
 * `/opt/bin/matrix-notify` is found for the program `/opt/lib/matrix-notify/…/matrix-notify.js`. A
 * file that another user can change is not used.
 *
 * @param program the path of the module or of the binary
 */
function findCommand(program: string, path: string, starts: (file: string) => boolean): string | undefined {
  const parts = program.split("/").slice(0, -1);
  const around = parts.map((_, index) => [...parts.slice(0, index + 1), "bin"].join("/"));
  return [...path.split(":"), ...around].filter((folder) => folder.startsWith("/")).map((folder) => `${folder}/${NAME}`)
    .find((file) => findKnownDistrust(file) === undefined && starts(file));
}

/**
 * Returns true if a script starts the main module with this Deno. The script must also work with
 * the short `PATH` of cron and systemd. The file `bin/matrix-notify` beside the module always
 * works, because it searches for Deno.
 */
function isWrapper(file: string, module: string, execPath: string): boolean {
  const text = isSmall(file) ? readIfThere(file) : undefined;
  if (!text?.startsWith("#!")) return false;
  const folder = parentOf(module);
  if (realPath(file) === `${folder}/bin/${NAME}` && text.includes(module.slice(folder.length))) return true;
  return text.includes(module) && (text.includes(execPath) || COMMON_DENO.some((deno) => realPath(deno) === execPath));
}

/** The maximum size of a script, in bytes. A larger file counts as a binary. */
const MAX_SCRIPT_BYTES = 65_536;

function isSmall(path: string): boolean {
  try {
    return Deno.statSync(path).size <= MAX_SCRIPT_BYTES;
  } catch {
    return false;
  }
}

function realPath(path: string): string | undefined {
  try {
    return Deno.realPathSync(path);
  } catch {
    return undefined;
  }
}
