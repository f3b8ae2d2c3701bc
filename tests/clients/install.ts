/**
 * Clients of other projects, each installed in a folder of the cache. A file calls
 * `const clientTest = await clientSuite("Apprise", async () => …)` and registers its tests with the
 * result. If the client cannot be installed, the tests are skipped with the reason; under `CI=true`
 * they fail.
 *
 * @module
 */

import { installFolder } from "../../scripts/cached_folder.ts";
import { installEnvironment } from "../../scripts/python/environment.ts";
import { run, tail } from "../../scripts/std/command.ts";
import { installOrStub } from "../fakes/installed_suite.ts";
import { type ServeTest, type ServeTestOptions, startServe } from "./serve.ts";

/** Registers a test. It gets a new `serve`. */
export type ClientTest = (
  name: string,
  test: (server: ServeTest, t: Deno.TestContext) => Promise<void>,
  options?: ServeTestOptions,
) => void;

/**
 * Prepares the tests of a file.
 *
 * @param what the name of the client, for messages
 * @param install installs the client
 */
export async function clientSuite(what: string, install: () => Promise<unknown>): Promise<ClientTest> {
  const stub = await installOrStub(what, install);
  if (stub !== undefined) return stub;
  return (name, test, options) =>
    Deno.test(name, async (t) => {
      await using server = await startServe(options);
      await test(server, t);
    });
}

/**
 * Installs the clients in Python: Apprise, python-ntfy, and gotify.
 *
 * @returns the path of their Python; the script `apprise` is in the same folder
 * @throws {Error} if pip cannot install them
 */
export function installPythonClients(): Promise<string> {
  return installEnvironment({
    title: "the clients in Python, with Apprise",
    name: "clients-apprise",
    package: "apprise",
    version: "2.2.0",
    others: ["python-ntfy==0.11.4", "gotify==0.6.0"],
  });
}

/** An npm package. */
export interface NodePackage {
  readonly name: string;
  readonly version: string;
}

/**
 * Installs npm packages for Node.js.
 *
 * @returns the folder with `node_modules`
 * @throws {Error} if npm cannot install them
 */
export function installNodePackages(packages: readonly NodePackage[]): Promise<string> {
  const specifiers = packages.map(({ name, version }) => `${name}@${version}`);
  return installFolder({
    title: specifiers.join(" and "),
    name: `clients-npm-${specifiers.join("-").replaceAll("/", "-")}`,
    isUsable: async (folder) => (await run("npm", ["ls", "--prefix", folder, ...specifiers])).success,
    build: (folder) =>
      step("npm", ["install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, ...specifiers]),
  });
}

/**
 * Builds a Go program.
 *
 * @param path the import path of the program: `github.com/containrrr/shoutrrr/shoutrrr`
 * @returns the path of the program
 * @throws {Error} if Go is missing, or cannot build it
 */
export async function installGoProgram(path: string, version: string): Promise<string> {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const folder = await installFolder({
    title: `${path} ${version}`,
    name: `clients-go-${path.replaceAll("/", "-")}-${version}`,
    isUsable: async (folder) => (await run(`${folder}/${name}`, ["--version"])).success,
    build: (folder) =>
      step("sh", ["-c", 'GOBIN="$1" GOFLAGS=-modcacherw go install "$2"', "sh", folder, `${path}@${version}`]),
  });
  return `${folder}/${name}`;
}

/**
 * Unpacks a package of Debian. It is not installed, so no service starts.
 *
 * @param probe the path of a program in the package that prints its version
 * @returns the folder that takes the place of `/`
 * @throws {Error} if the package cannot be downloaded
 */
export function unpackDebian(name: string, probe: string): Promise<string> {
  return installFolder({
    title: `Debian's ${name}`,
    name: `debian-${name}`,
    isUsable: async (folder) => (await run(`${folder}${probe}`, ["--version"])).success,
    async build(folder) {
      // apt-get can only download into the current directory.
      await step("sh", ["-c", 'cd "$1" && apt-get -qq download "$2"', "sh", folder, name]);
      for await (const { name: file } of Deno.readDir(folder)) {
        await step("dpkg-deb", ["--extract", `${folder}/${file}`, folder]);
        await Deno.remove(`${folder}/${file}`);
      }
    },
  });
}

async function step(command: string, args: readonly string[]): Promise<void> {
  const { success, stdout, stderr } = await run(command, args);
  if (!success) throw new Error(`Cannot install: ${command} failed\n${tail(`${stdout}\n${stderr}`, 10)}`);
}
