/**
 * Makes the npm package: the bundle, and a shell script that starts it with the Deno of npm's
 * package `deno`. The script finds Deno without Node.js, because Node.js would double the time of a
 * start.
 *
 * `npm/npm-shrinkwrap.json` pins Deno: npm installs exactly these files, and checks their SHA-512.
 * `deno task lock` writes it. npm needs it, because `package.json` of a package pins only direct
 * dependencies, and no contents.
 *
 * @module
 */

import { ensureDir } from "@std/fs";
import { fromFileUrl, join } from "@std/path";
import manifest from "../../deno.json" with { type: "json" };
import { BUNDLE, FOLDER } from "./bundle_files.ts";
import { LAUNCHER } from "./launcher.ts";
import shrinkwrap from "./npm/npm-shrinkwrap.json" with { type: "json" };
import template from "./npm/package.json" with { type: "json" };

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/** The path of the script in the package. */
const SCRIPT = `bin/${FOLDER}`;

/** The file name of the package. */
export const NPM_PACKAGE = `${FOLDER}.tgz`;

/**
 * The beginning of the script. npm creates links to the script, so the script follows links first.
 *
 * npm's package `deno` has no program of its own: it depends on one package for each system, such
 * as `@deno/linux-x64-glibc`, and npm installs only the package of this host. Its file `deno` is
 * the program. npm places the package in one of these directories:
 *
 * - `node_modules` of this package (npm install -g)
 * - `node_modules` around this package (npm install in a project, yarn)
 * - `node_modules` around the target of the link `deno` (pnpm)
 */
const FIND_DENO = `#!/bin/sh
# Starts matrix-notify with the Deno that npm installed.
script=$0
while [ -h "$script" ]; do
  target=$(readlink -- "$script")
  case $target in
    /*) script=$target ;;
    *) script=\${script%/*}/$target ;;
  esac
done
case $script in
  */*) ;;
  *) script=./$script ;;
esac
here=$(cd -P -- "\${script%/*}/.." && pwd)
program=$here/${BUNDLE}
deno=
for deno in "$here"/node_modules/@deno/*/deno "$here"/../../@deno/*/deno "$here"/../../deno/../@deno/*/deno \\
  "$here"/node_modules/deno/deno "$here"/../../deno/deno; do
  [ ! -x "$deno" ] || break
done
`;

/**
 * Makes the package from the files of a release.
 *
 * @param out the directory with the files; the package is written there, too
 * @param files the paths of the files of the package, relative to the directory
 * @returns the reason if npm fails or is missing
 */
export async function packNpm(out: string, files: readonly string[]): Promise<string | undefined> {
  const temporary = await Deno.makeTempDir();
  const folder = join(temporary, "package");
  try {
    for (const file of files) {
      await ensureDir(join(folder, file, ".."));
      await Deno.copyFile(join(out, file), join(folder, file));
    }
    for (const file of ["README.md", "LICENSE"]) await Deno.copyFile(join(ROOT, file), join(folder, file));
    const { name, version, license } = manifest;
    const texts = {
      "package.json": JSON.stringify({
        name,
        version,
        license,
        ...template,
        bin: { [FOLDER]: SCRIPT },
        man: files.filter((file) => file.startsWith("share/man/")),
      }),
      "npm-shrinkwrap.json": JSON.stringify({ ...shrinkwrap, name, version }, null, 2),
    };
    for (const [name, text] of Object.entries(texts)) await Deno.writeTextFile(join(folder, name), text);
    await ensureDir(join(folder, "bin"));
    await Deno.writeTextFile(join(folder, SCRIPT), FIND_DENO + LAUNCHER, { mode: 0o755 });
    const packed = await runNpmPack(folder, join(temporary, "cache"));
    if (packed === undefined) return "npm is missing: install Node.js";
    const { success, stdout, stderr } = packed;
    const decoder = new TextDecoder();
    if (!success) return decoder.decode(stderr).trim() || "npm pack failed";
    await Deno.copyFile(join(folder, decoder.decode(stdout).trim()), join(out, NPM_PACKAGE));
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
}

/** Runs `npm pack` without the network. Returns undefined if npm is missing. */
async function runNpmPack(folder: string, cache: string): Promise<Deno.CommandOutput | undefined> {
  try {
    return await new Deno.Command("npm", {
      args: ["pack", "--silent", "--ignore-scripts", "--offline", "--cache", cache],
      cwd: folder,
      env: { npm_config_update_notifier: "false" },
      stdin: "null",
    }).output();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
