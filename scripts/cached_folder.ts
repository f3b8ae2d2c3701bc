/**
 * Folders of installed software, shared by all test runs of a user. Invariant: a folder under its
 * final name is complete, because it is built under another name and then renamed. Only the holder
 * of the lock builds or removes one.
 *
 * ```text
 *   usable? ──yes──────────────────────────────► use it
 *      └─no─► lock ─► usable now? ─no─► build ─► rename ─► unlock
 * ```
 *
 * @module
 */

import { until } from "./synapse/until.ts";

/** Software that is installed in a folder of its own. */
export interface CachedFolder {
  /** The name for people: `Synapse 1.163.2`. */
  readonly title: string;
  /** The name of the folder. */
  readonly name: string;
  /**
   * Checks an installed folder: a system upgrade or a cleaner may have broken it since. A folder
   * that does not exist is not usable.
   */
  isUsable(folder: string): Promise<boolean>;
  /** Installs the software in an empty folder, which is renamed afterwards. */
  build(folder: string): Promise<void>;
}

/**
 * The longest time to wait for another process that installs the same folder. An installation takes
 * half a minute, on a slow board a few minutes.
 */
const LOCK_LIMIT_MS = 15 * 60_000;

/**
 * Installs a folder unless it is installed already, and returns its path. The folder is in the
 * folder that `SYNAPSE_CACHE` names, by default `matrix-notify` in `XDG_CACHE_HOME` or `~/.cache`.
 *
 * @throws {Error} if it cannot be built
 */
export async function installFolder(software: CachedFolder): Promise<string> {
  const folder = `${cacheFolder(software)}/${software.name}`;
  if (!await software.isUsable(folder)) await withLock(folder, software, () => build(folder, software));
  return folder;
}

function cacheFolder({ title }: CachedFolder): string {
  const named = Deno.env.get("SYNAPSE_CACHE");
  if (named) return named.startsWith("/") ? named : `${Deno.cwd()}/${named}`;
  const home = Deno.env.get("HOME");
  const cache = Deno.env.get("XDG_CACHE_HOME") || (home && `${home}/.cache`);
  if (!cache) throw new Error(`Cannot choose a folder for ${title}: neither XDG_CACHE_HOME nor HOME is set`);
  return `${cache}/matrix-notify`;
}

/** The kernel releases the lock when its holder dies, so a killed installation blocks no other. */
async function withLock(folder: string, { title }: CachedFolder, work: () => Promise<void>): Promise<void> {
  await Deno.mkdir(parentFolder(folder), { recursive: true });
  using file = await Deno.open(`${folder}.lock`, { create: true, write: true });
  const what = `another process that installs ${title} in ${folder}`;
  await until(async () => await file.tryLock(true) || undefined, { what, limitMs: LOCK_LIMIT_MS, everyMs: 200 });
  await work();
}

async function build(folder: string, software: CachedFolder): Promise<void> {
  if (await software.isUsable(folder)) return;
  await removeLeftovers(folder);
  console.error(`Installing ${software.title} in ${folder}: a minute or two, the first time only`);
  const part = await Deno.makeTempDir({ dir: parentFolder(folder), prefix: partPrefix(folder) });
  try {
    await software.build(part);
    await Deno.rename(part, folder);
  } catch (error) {
    await Deno.remove(part, { recursive: true });
    throw error;
  }
}

/** Removes the parts of a killed installation, and a folder that has become unusable. */
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
