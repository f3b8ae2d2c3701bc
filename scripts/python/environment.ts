/**
 * Python environments with pinned packages, each in a folder of its own (`../cached_folder.ts`).
 * Environments are run as `bin/python -m …`, which works after a move.
 *
 * @module
 */

import { installFolder } from "../cached_folder.ts";
import { findPython } from "./python.ts";
import { run, tail } from "../std/command.ts";

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

/** Without a network it fails after seconds, not after a minute of retries. */
const PIP_INSTALL = ["-m", "pip", "install", "--prefer-binary", "--retries", "1"] as const;

/** Prints the version of an installed package; fails if the environment or the package is gone. */
const PROBE = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))";

/**
 * Installs an environment unless it is installed already. The first time takes about half a minute
 * and needs a package index; after that it takes a tenth of a second, without a network. The name
 * of its folder is `<name>-<version>-py<version>`.
 *
 * @returns the path of the environment's Python.
 * @throws {Error} if there is no usable Python, or pip fails; the message ends with pip's last
 * lines
 */
export async function installEnvironment(environment: Environment): Promise<string> {
  const python = await findPython();
  const { title, name, version, package: main, others = [] } = environment;
  const folder = await installFolder({
    title: `${title} ${version}`,
    name: `${name}-${version}-py${python.version}`,
    isUsable: (folder) => isUsable(folder, environment),
    async build(folder) {
      await step(title, python.command, ["-m", "venv", folder]);
      await step(title, pythonPath(folder), [...PIP_INSTALL, `${main}==${version}`, ...others]);
      await Deno.writeTextFile(`${folder}/${MARKER}`, version);
    },
  });
  return pythonPath(folder);
}

function pythonPath(folder: string): string {
  return `${folder}/bin/python`;
}

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

async function step(title: string, command: string, args: readonly string[]): Promise<void> {
  const { success, stdout, stderr } = await run(command, args);
  if (success) return;
  const name = args.slice(0, 3).join(" ");
  throw new Error(`Cannot install ${title}: ${name} failed\n${tail(`${stdout}\n${stderr}`, 10)}`);
}
