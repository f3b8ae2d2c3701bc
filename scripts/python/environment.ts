/**
 * Python environments with pinned packages, each in a folder of its own. What always holds: an environment under its final name is complete,
 * because it is built under another name, marked, and then renamed; and only the holder of the lock builds or removes one.
 *
 * ```text
 *   usable? ──yes──────────────────────────────────────────► use it
 *      └─no─► lock ─► usable now? ─no─► venv, pip ─► mark ─► rename ─► unlock
 * ```
 *
 * Environments are run as `bin/python -m …`, which does not mind that they were moved.
 *
 * @module
 */

import { until } from "../synapse/until.ts";
import { findPython, type Python, run, tail } from "./python.ts";

/** An environment. */
export interface Environment {
  /** What it is for, for people: `Synapse`. */
  readonly title: string;
  /** The beginning of its folder's name. */
  readonly name: string;
  /** The package that it is for, by its name in the index. */
  readonly package: string;
  /** That package's version. */
  readonly version: string;
  /** What else is installed, each with its version: `name==1.2.3`. */
  readonly others?: readonly string[];
}

/** The file that makes an environment complete; it holds the version. */
const MARKER = "complete";

/** Another process installs in half a minute, on a slow board in some; after that it hangs. */
const LOCK_LIMIT_MS = 15 * 60_000;

/** Without network it gives up after seconds, not after a minute of trying. */
const PIP_INSTALL = ["-m", "pip", "install", "--prefer-binary", "--retries", "1"] as const;

/** Prints the version of an installed package, and fails when the environment or the package is gone. */
const PROBE = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))";

/**
 * Installs an environment unless it is there already. The first time takes about half a minute and needs a package index that pip
 * reaches; after that a tenth of a second, without network.
 *
 * The environment is `<name>-<version>-py<version>` in the folder that `SYNAPSE_CACHE` names, by default `matrix-notify` in
 * `XDG_CACHE_HOME` or `~/.cache`.
 *
 * @returns The path of the environment's Python.
 * @throws {Error} When there is no usable Python, or pip fails; the message ends with what pip said last.
 */
export async function installEnvironment(environment: Environment): Promise<string> {
  const python = await findPython();
  const folder = `${cacheFolder(environment)}/${environment.name}-${environment.version}-py${python.version}`;
  if (!await isUsable(folder, environment)) {
    await underLock(folder, environment, () => build(folder, environment, python));
  }
  return pythonOf(folder);
}

function pythonOf(folder: string): string {
  return `${folder}/bin/python`;
}

function cacheFolder({ title }: Environment): string {
  const named = Deno.env.get("SYNAPSE_CACHE");
  if (named) return named.startsWith("/") ? named : `${Deno.cwd()}/${named}`;
  const home = Deno.env.get("HOME");
  const cache = Deno.env.get("XDG_CACHE_HOME") || (home && `${home}/.cache`);
  if (!cache) throw new Error(`Cannot choose a folder for ${title}: neither XDG_CACHE_HOME nor HOME is set`);
  return `${cache}/matrix-notify`;
}

/** Besides the marker, looks at what may have gone since: the system's Python is upgraded, a cleaner removes old files. */
async function isUsable(folder: string, { version, package: name }: Environment): Promise<boolean> {
  try {
    if (await Deno.readTextFile(`${folder}/${MARKER}`) !== version) return false;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  const { success, stdout } = await run(pythonOf(folder), ["-I", "-c", PROBE, name]);
  return success && stdout.trim() === version;
}

/** The kernel lets go of the lock when its holder dies, so that a killed installation blocks nobody. */
async function underLock(folder: string, { title }: Environment, work: () => Promise<void>): Promise<void> {
  await Deno.mkdir(parentOf(folder), { recursive: true });
  using file = await Deno.open(`${folder}.lock`, { create: true, write: true });
  const what = `another process that installs ${title} in ${folder}`;
  await until(async () => await file.tryLock(true) || undefined, { what, limitMs: LOCK_LIMIT_MS, everyMs: 200 });
  await work();
}

async function build(folder: string, environment: Environment, python: Python): Promise<void> {
  const { title, version, package: name, others = [] } = environment;
  if (await isUsable(folder, environment)) return;
  await removeRemains(folder);
  console.error(`Installing ${title} ${version} in ${folder}: half a minute at most, the first time only`);
  const part = await Deno.makeTempDir({ dir: parentOf(folder), prefix: partPrefix(folder) });
  try {
    await step(title, python.command, ["-m", "venv", part]);
    await step(title, pythonOf(part), [...PIP_INSTALL, `${name}==${version}`, ...others]);
    await Deno.writeTextFile(`${part}/${MARKER}`, version);
    await Deno.rename(part, folder);
  } catch (error) {
    await Deno.remove(part, { recursive: true });
    throw error;
  }
}

/** What a killed installation left, and an environment that has become unusable. */
async function removeRemains(folder: string): Promise<void> {
  const parent = parentOf(folder);
  const own = folder.slice(parent.length + 1);
  for await (const { name } of Deno.readDir(parent)) {
    if (name !== own && !name.startsWith(partPrefix(folder))) continue;
    await Deno.remove(`${parent}/${name}`, { recursive: true });
  }
}

function parentOf(folder: string): string {
  return folder.slice(0, folder.lastIndexOf("/"));
}

function partPrefix(folder: string): string {
  return `${folder.slice(folder.lastIndexOf("/") + 1)}.part-`;
}

async function step(title: string, command: string, args: readonly string[]): Promise<void> {
  const { success, stdout, stderr } = await run(command, args);
  if (success) return;
  const name = args.slice(0, 3).join(" ");
  throw new Error(`Cannot install ${title}: ${name} failed\n${tail(`${stdout}\n${stderr}`, 10)}`);
}
