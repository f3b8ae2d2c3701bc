/**
 * Python environments with pinned packages, each in a folder of its own. Invariant: an environment
 * under its final name is complete, because it is built under another name, marked, and then
 * renamed. Only the holder of the lock builds or removes one.
 *
 * ```text
 *   usable? ──yes──────────────────────────────────────────► use it
 *      └─no─► lock ─► usable now? ─no─► venv, pip ─► mark ─► rename ─► unlock
 * ```
 *
 * Environments are run as `bin/python -m …`, which works after a move.
 *
 * @module
 */

import { until } from "../synapse/until.ts";
import { findPython, type Python, run, tail } from "./python.ts";

/** An environment. */
export interface Environment {
  /** Its name for people: `Synapse` */
  readonly title: string;
  /** The prefix of its folder's name. */
  readonly name: string;
  /** Its main package, by the name in the index. */
  readonly package: string;
  /** The version of that package. */
  readonly version: string;
  /** Other packages, with their versions: `name==1.2.3` */
  readonly others?: readonly string[];
}

/** The file that marks an environment as complete. It contains the version. */
const MARKER = "complete";

/** Another process installs in half a minute, on a slow board in a few; after this it hangs. */
const LOCK_LIMIT_MS = 15 * 60_000;

/** Without a network it fails after seconds, not after a minute of retries. */
const PIP_INSTALL = ["-m", "pip", "install", "--prefer-binary", "--retries", "1"] as const;

/** Prints the version of an installed package; fails if the environment or the package is gone. */
const PROBE = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))";

/**
 * Installs an environment unless it is installed already. The first time takes about half a minute
 * and needs a package index; after that it takes a tenth of a second, without a network.
 *
 * The environment is `<name>-<version>-py<version>` in the folder that `SYNAPSE_CACHE` names, by
 * default `matrix-notify` in `XDG_CACHE_HOME` or `~/.cache`.
 *
 * @returns the path of the environment's Python.
 * @throws {Error} if there is no usable Python, or pip fails; the message ends with pip's last
 * lines
 */
export async function installEnvironment(environment: Environment): Promise<string> {
  const python = await findPython();
  const folder = `${cacheFolder(environment)}/${environment.name}-${environment.version}-py${python.version}`;
  if (!await isUsable(folder, environment)) {
    await withLock(folder, environment, () => build(folder, environment, python));
  }
  return pythonPath(folder);
}

function pythonPath(folder: string): string {
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

/**
 * Checks the marker and the package: a system upgrade or a cleaner may have broken the environment
 * since.
 */
async function isUsable(folder: string, { version, package: name }: Environment): Promise<boolean> {
  try {
    if (await Deno.readTextFile(`${folder}/${MARKER}`) !== version) return false;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  const { success, stdout } = await run(pythonPath(folder), ["-I", "-c", PROBE, name]);
  return success && stdout.trim() === version;
}

/** The kernel releases the lock when its holder dies, so a killed installation blocks no other. */
async function withLock(folder: string, { title }: Environment, work: () => Promise<void>): Promise<void> {
  await Deno.mkdir(parentFolder(folder), { recursive: true });
  using file = await Deno.open(`${folder}.lock`, { create: true, write: true });
  const what = `another process that installs ${title} in ${folder}`;
  await until(async () => await file.tryLock(true) || undefined, { what, limitMs: LOCK_LIMIT_MS, everyMs: 200 });
  await work();
}

async function build(folder: string, environment: Environment, python: Python): Promise<void> {
  const { title, version, package: name, others = [] } = environment;
  if (await isUsable(folder, environment)) return;
  await removeLeftovers(folder);
  console.error(`Installing ${title} ${version} in ${folder}: half a minute at most, the first time only`);
  const part = await Deno.makeTempDir({ dir: parentFolder(folder), prefix: partPrefix(folder) });
  try {
    await step(title, python.command, ["-m", "venv", part]);
    await step(title, pythonPath(part), [...PIP_INSTALL, `${name}==${version}`, ...others]);
    await Deno.writeTextFile(`${part}/${MARKER}`, version);
    await Deno.rename(part, folder);
  } catch (error) {
    await Deno.remove(part, { recursive: true });
    throw error;
  }
}

/** Removes the parts of a killed installation, and an environment that has become unusable. */
async function removeLeftovers(folder: string): Promise<void> {
  const parent = parentFolder(folder);
  const own = folder.slice(parent.length + 1);
  for await (const { name } of Deno.readDir(parent)) {
    if (name !== own && !name.startsWith(partPrefix(folder))) continue;
    await Deno.remove(`${parent}/${name}`, { recursive: true });
  }
}

function parentFolder(folder: string): string {
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
