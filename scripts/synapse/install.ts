/**
 * A pinned Synapse in a Python environment of its own. What always holds: an environment under its final name is complete,
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

import { findPython, type Python, run, tail } from "./python.ts";
import { until } from "./until.ts";

/** The version that is installed: tests prove something about one server, not about whichever is newest. */
export const SYNAPSE_VERSION = "1.163.2";

/** The file that says that an environment is complete; it holds the version. */
const MARKER = "complete";

/** Another process installs in half a minute, on a slow board in some; after that it hangs. */
const LOCK_LIMIT_MS = 15 * 60_000;

/** Without network it gives up after seconds, not after a minute of trying. */
const PIP_INSTALL = ["-m", "pip", "install", "--prefer-binary", "--retries", "1"] as const;

/** Prints the version of the installed package, and fails when the environment or the package is gone. */
const PROBE = "import importlib.metadata as m; print(m.version('matrix-synapse'))";

/**
 * Installs Synapse unless it is there already. The first time takes about half a minute and needs a package index that pip
 * reaches; after that a tenth of a second, without network.
 *
 * The environment is `synapse-<version>-py<version>` in the folder that `SYNAPSE_CACHE` names, by default `matrix-notify` in
 * `XDG_CACHE_HOME` or `~/.cache`.
 *
 * @returns The path of the environment's Python.
 * @throws {Error} When there is no usable Python, or pip fails; the message ends with what pip said last.
 */
export async function installSynapse(): Promise<string> {
  const python = await findPython();
  const folder = `${cacheFolder()}/synapse-${SYNAPSE_VERSION}-py${python.version}`;
  if (!await isUsable(folder)) await underLock(folder, () => build(folder, python));
  return pythonOf(folder);
}

function pythonOf(folder: string): string {
  return `${folder}/bin/python`;
}

function cacheFolder(): string {
  const named = Deno.env.get("SYNAPSE_CACHE");
  if (named) return named.startsWith("/") ? named : `${Deno.cwd()}/${named}`;
  const home = Deno.env.get("HOME");
  const cache = Deno.env.get("XDG_CACHE_HOME") || (home && `${home}/.cache`);
  if (!cache) throw new Error("Cannot choose a folder for Synapse: neither XDG_CACHE_HOME nor HOME is set");
  return `${cache}/matrix-notify`;
}

/** Besides the marker, looks at what may have gone since: the system's Python is upgraded, a cleaner removes old files. */
async function isUsable(folder: string): Promise<boolean> {
  try {
    if (await Deno.readTextFile(`${folder}/${MARKER}`) !== SYNAPSE_VERSION) return false;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  const { success, stdout } = await run(pythonOf(folder), ["-I", "-c", PROBE]);
  return success && stdout.trim() === SYNAPSE_VERSION;
}

/** The kernel lets go of the lock when its holder dies, so that a killed installation blocks nobody. */
async function underLock(folder: string, work: () => Promise<void>): Promise<void> {
  await Deno.mkdir(parentOf(folder), { recursive: true });
  using file = await Deno.open(`${folder}.lock`, { create: true, write: true });
  const what = `another process that installs Synapse in ${folder}`;
  await until(async () => await file.tryLock(true) || undefined, { what, limitMs: LOCK_LIMIT_MS, everyMs: 200 });
  await work();
}

async function build(folder: string, python: Python): Promise<void> {
  if (await isUsable(folder)) return;
  await removeRemains(folder);
  console.error(`Installing Synapse ${SYNAPSE_VERSION} in ${folder}: half a minute, the first time only`);
  const part = await Deno.makeTempDir({ dir: parentOf(folder), prefix: partPrefix(folder) });
  try {
    await step(python.command, ["-m", "venv", part]);
    await step(pythonOf(part), [...PIP_INSTALL, `matrix-synapse==${SYNAPSE_VERSION}`]);
    await Deno.writeTextFile(`${part}/${MARKER}`, SYNAPSE_VERSION);
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

async function step(command: string, args: readonly string[]): Promise<void> {
  const { success, stdout, stderr } = await run(command, args);
  if (success) return;
  const name = args.slice(0, 3).join(" ");
  throw new Error(`Cannot install Synapse: ${name} failed\n${tail(`${stdout}\n${stderr}`, 10)}`);
}
