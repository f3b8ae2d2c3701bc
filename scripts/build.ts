/**
 * Builds the bundle, and from the bundle the binaries: `deno task build`,
 * `deno task build --target aarch64-unknown-linux-gnu --out /tmp/bin`,
 * `deno task build --target all`. `deno task build --bundle` builds only the bundle,
 * `deno task build --npm` the bundle and the npm package. What runs on this machine is run once to
 * check it. The folder is a release: `install.sh` installs from it, and `SHA256SUMS` contains all
 * files.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { ensureDir, exists } from "@std/fs";
import { fromFileUrl, join, resolve } from "@std/path";
import manifest from "../deno.json" with { type: "json" };
import { type Checksum, checksumLines, sha256 } from "./build/checksums.ts";
import { bundleProgram } from "./build/bundle.ts";
import { BUNDLE, FOLDER } from "./build/bundle_files.ts";
import { writeCompletions } from "./build/completions.ts";
import { type DebProgram, packDeb } from "./build/deb.ts";
import { compileArgv, missingRuntime, versionProblem } from "./build/compile.ts";
import { LAUNCHER, withAddress } from "./build/launcher.ts";
import { writeManPages } from "./build/man_pages.ts";
import { NPM_PACKAGE, packNpm } from "./build/npm.ts";
import { binaryName, chooseTargets, type Target, TARGETS } from "./build/targets.ts";

const EXIT = { ok: 0, usage: 64, unavailable: 69 } as const;

const ROOT = fromFileUrl(new URL("..", import.meta.url));

const USAGE = `Usage: deno task build [--bundle] [--npm] [--deb [--runtime FILE]] [--target TARGET]... [--out DIR]

  --bundle   build only the bundle: JavaScript files that any Deno runs
  --npm      build only the bundle and the npm package
  --deb      also pack the binaries for Linux as Debian packages
  --runtime  with --deb, build no binary: pack the bundle and this Deno, an executable for Linux
  --target   the machine for the binary: one of the following, or all; this machine's by default
${TARGETS.map(({ name, description }) => `               ${name.padEnd(26)} ${description}`).join("\n")}
  --out      the folder for all files: dist by default`;

/** Builds the requested targets; returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const unknown: string[] = [];
  const options = parseArgs(args, {
    string: ["out", "runtime", "target"],
    boolean: ["bundle", "deb", "npm", "help"],
    collect: ["target"],
    unknown: (arg) => unknown.push(arg) < 0,
  });
  if (options.help) {
    console.log(USAGE);
    return EXIT.ok;
  }
  if (unknown.length > 0) return fail(EXIT.usage, `Cannot build: unknown argument ${unknown[0]}\n\n${USAGE}`);
  if (options.runtime && !options.deb) return fail(EXIT.usage, `Cannot build: --runtime needs --deb\n\n${USAGE}`);
  let targets: readonly Target[];
  try {
    targets = chooseTargets(options.target, Deno.build.target);
  } catch (error) {
    if (error instanceof RangeError) return fail(EXIT.usage, error.message);
    throw error;
  }
  const out = resolve(options.out || join(ROOT, "dist"));
  const modules = await buildBundle(out);
  const share = await writeShare(out);
  const files = [...modules, ...share, ...await writeInstaller(out)];
  if (options.npm) {
    const problem = await packNpm(out, [...modules, ...share]);
    if (problem) return fail(EXIT.unavailable, `Cannot make the npm package: ${problem}`);
    console.log(join(out, NPM_PACKAGE));
  }
  const pack = async (program: DebProgram) => {
    files.push(await packDeb({ out, program }));
    console.log(join(out, files.at(-1) ?? ""));
  };
  for (const target of options.bundle || options.npm || options.runtime ? [] : targets) {
    const binary = join(out, binaryName(target));
    const code = await build(target, binary, { out, modules });
    if (code !== EXIT.ok) return code;
    if (options.deb && target.name.includes("linux")) await pack({ binary });
  }
  if (options.runtime) await pack({ files: modules, runtime: resolve(options.runtime) });
  await Deno.writeTextFile(join(out, "SHA256SUMS"), checksumLines(await checksumsIn(out, files)));
  return EXIT.ok;
}

/** Builds the bundle; returns its files, relative to the directory. */
async function buildBundle(out: string): Promise<readonly string[]> {
  await ensureDir(out);
  if (await exists(join(out, FOLDER))) await Deno.remove(join(out, FOLDER), { recursive: true });
  const files = await bundleProgram(out);
  const { stdout, stderr } = await run(Deno.execPath(), [
    "run",
    "--quiet",
    "--no-config",
    join(out, BUNDLE),
    "--version",
  ]);
  const problem = versionProblem(stdout || stderr, manifest.version);
  if (problem) throw new Error(`Cannot build the bundle: ${problem}`);
  console.log(join(out, BUNDLE));
  return files;
}

/**
 * Writes what `install.sh` needs beside the program; returns these files, relative to the
 * directory.
 */
async function writeInstaller(out: string): Promise<readonly string[]> {
  const launcher = `${FOLDER}/launcher.sh`;
  await Deno.writeTextFile(join(out, launcher), LAUNCHER);
  const installer = withAddress(await Deno.readTextFile(join(ROOT, "install.sh")), manifest.repository);
  await Deno.writeTextFile(join(out, "install.sh"), installer);
  await Deno.chmod(join(out, "install.sh"), 0o755);
  return [launcher, "install.sh"];
}

/**
 * Writes man pages and completions as in `/usr/share`; returns the files, relative to the
 * directory.
 */
async function writeShare(out: string): Promise<readonly string[]> {
  const share = join(out, "share");
  if (await exists(share)) await Deno.remove(share, { recursive: true });
  const completions = await writeCompletions(share);
  const pages = await writeManPages(join(share, "man"));
  return [...completions, ...pages.map((page) => `man/${page}`)].map((file) => `share/${file}`);
}

async function build(
  target: Target,
  output: string,
  { out, modules }: { readonly out: string; readonly modules: readonly string[] },
): Promise<number> {
  const compiled = await run(Deno.execPath(), compileArgv(target, output, modules.map((file) => join(out, file))));
  if (compiled.code !== 0) {
    const sentence = missingRuntime(compiled.stderr, target, Deno.version.deno);
    return sentence ? fail(EXIT.unavailable, sentence) : fail(compiled.code, compiled.stderr.trimEnd());
  }
  if (target.name !== Deno.build.target) {
    console.log(`${output} (for another machine: not tried here)`);
    return EXIT.ok;
  }
  const { stdout, stderr } = await run(output, ["--version"]);
  const problem = versionProblem(stdout || stderr, manifest.version);
  if (problem) {
    await Deno.remove(output);
    return fail(EXIT.unavailable, `Cannot build for ${target.name}: ${problem}`);
  }
  console.log(output);
  return EXIT.ok;
}

async function run(path: string, args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const command = new Deno.Command(path, { args: [...args], stdin: "null" });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

async function checksumsIn(folder: string, files: readonly string[]): Promise<Checksum[]> {
  const checksums: Checksum[] = [];
  for (const name of [...files, NPM_PACKAGE, ...TARGETS.map(binaryName)]) {
    const path = join(folder, name);
    if (await exists(path)) checksums.push({ name, hex: await sha256(await Deno.readFile(path)) });
  }
  return checksums;
}

function fail(code: number, sentence: string): number {
  console.error(`matrix-notify: ${sentence}`);
  return code;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
