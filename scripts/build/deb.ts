/**
 * Makes the Debian package with `dpkg-deb`. It contains the binary, or the bundle and a Deno. The
 * same input makes the same bytes (`SOURCE_DATE_EPOCH`).
 *
 * @module
 */

import { ensureDir, walk } from "@std/fs";
import { dirname, fromFileUrl, join, relative } from "@std/path";
import manifest from "../../deno.json" with { type: "json" };
import { PACKAGE, packagePlan, unitFiles } from "../../src/notifier/background/timer_units.ts";
import { BUNDLE } from "./bundle_files.ts";
import { writeCompletions } from "./completions.ts";
import { controlFile, copyrightFile, debianChangelog } from "./deb_texts.ts";
import { LAUNCHER } from "./launcher.ts";
import { writeManPages } from "./man_pages.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/** The scripts that dpkg runs (deb-postinst(5)). */
const MAINTAINER_SCRIPTS = ["postinst", "prerm", "postrm"] as const;

/** The program: a binary; or the files of the bundle, relative to `out`, and the path of a Deno. */
export type DebProgram =
  | { readonly binary: string }
  | { readonly files: readonly string[]; readonly runtime: string };

/** What a package contains. */
export interface DebContents {
  /** The directory with the files, to which the package is written. */
  readonly out: string;
  readonly program: DebProgram;
  /** The time of all files, in seconds. @default {@linkcode sourceEpoch} */
  readonly epoch?: number;
  /** @default {"small"} */
  readonly compression?: keyof typeof COMPRESSIONS;
}

/**
 * The options of dpkg-deb, for formats that every dpkg reads. More than level 1 would take minutes,
 * and save a few percent.
 */
const COMPRESSIONS = { small: ["-Zxz", "-z1"], quick: ["-Zgzip", "-z1"] } as const;

/**
 * Makes the package.
 *
 * @returns the file name of the package
 * @throws {Error} if the program is for an unknown processor, or `dpkg-deb` is missing or fails
 */
export async function packDeb({ out, program, epoch, compression = "small" }: DebContents): Promise<string> {
  const architecture = await debArchitecture("binary" in program ? program.binary : program.runtime);
  const time = epoch ?? await sourceEpoch();
  const tree = await Deno.makeTempDir();
  try {
    await writeProgram(tree, out, program);
    for (const { name, text } of unitFiles(packagePlan("files" in program))) {
      await writeText(join(tree, PACKAGE.units, name), text);
    }
    await writeManuals(join(tree, "usr/share"), time);
    await writeDocuments(tree, "files" in program ? program.runtime : undefined, time);
    await writeControl(tree, architecture);
    for await (const { path, isDirectory, isFile } of walk(tree)) {
      if (isDirectory) await Deno.chmod(path, 0o755);
      else if (isFile && path.startsWith(join(tree, "usr/share/"))) await Deno.chmod(path, 0o644);
    }
    const name = `matrix-notify_${manifest.version}_${architecture}.deb`;
    // Several threads would make other bytes than one.
    const options = ["--root-owner-group", "--threads-max=1", ...COMPRESSIONS[compression]];
    await run("dpkg-deb", [...options, "--build", tree, join(out, name)], { SOURCE_DATE_EPOCH: `${time}` });
    return name;
  } finally {
    await Deno.remove(tree, { recursive: true });
  }
}

async function writeProgram(tree: string, out: string, program: DebProgram): Promise<void> {
  const folder = join(tree, PACKAGE.files);
  const start = join(tree, PACKAGE.program);
  await ensureDir(folder);
  await ensureDir(dirname(start));
  if ("binary" in program) {
    await copyAs(program.binary, join(folder, "matrix-notify"), 0o755);
    await Deno.symlink("../lib/matrix-notify/matrix-notify", start);
    return;
  }
  for (const file of program.files) await copyAs(join(out, file), join(folder, file));
  await copyAs(program.runtime, join(folder, "deno"), 0o755);
  const head = `#!/bin/sh\ndeno=${PACKAGE.files}/deno\nprogram=${PACKAGE.files}/${BUNDLE}\n`;
  await writeText(start, head + LAUNCHER, 0o755);
}

/** Writes the man pages and the completions. */
async function writeManuals(share: string, epoch: number): Promise<void> {
  const pages = join(share, "man");
  const date = new Date(epoch * 1000);
  for (const page of await writeManPages(pages, { date })) await run("gzip", ["-9n", join(pages, page)]);
  await writeCompletions(share);
  await Deno.rename(join(share, "zsh/site-functions"), join(share, "zsh/vendor-completions"));
}

/** Writes the documents: licences, changelog and the example of a configuration. */
async function writeDocuments(tree: string, runtime: string | undefined, epoch: number): Promise<void> {
  const folder = join(tree, "usr/share/doc/matrix-notify");
  await writeText(join(folder, "copyright"), await copyrightFile(runtime));
  await writeText(join(folder, "changelog"), await debianChangelog(epoch));
  await run("gzip", ["-9n", join(folder, "changelog")]);
  if (runtime !== undefined) {
    await copyAs(join(ROOT, "scripts/build/deb/overrides"), join(tree, "usr/share/lintian/overrides/matrix-notify"));
  }
  await copyAs(join(ROOT, "scripts/build/deb/config.json"), join(folder, "examples/config.json"));
  for (const page of ["README.md", "docs/setup.md", "docs/config.md", "docs/hosts.md"]) {
    await copyAs(join(ROOT, page), join(folder, page));
  }
}

/** Writes the directory `DEBIAN`. */
async function writeControl(tree: string, architecture: string): Promise<void> {
  const files = await Array.fromAsync(walk(tree, { includeDirs: false }));
  const sizes = await Promise.all(files.map(async ({ path }) => (await Deno.lstat(path)).size));
  const installedKib = sizes.reduce((sum, size) => sum + Math.ceil(size / 1024), 0);
  const paths = files.filter(({ isFile }) => isFile).map(({ path }) => relative(tree, path)).toSorted();
  const sums = await run("md5sum", paths, {}, tree);
  const folder = join(tree, "DEBIAN");
  await writeText(join(folder, "control"), controlFile({ architecture, installedKib }));
  await writeText(join(folder, "md5sums"), sums);
  const source = (name: string) => Deno.readTextFile(join(ROOT, "scripts/build/deb", name));
  const deliverers = await source("deliverers");
  for (const name of MAINTAINER_SCRIPTS) {
    await writeText(join(folder, name), (await source(name)).replace("#DELIVERERS#\n", () => `${deliverers}\n`), 0o755);
  }
}

/** Debian's names of the processors, by the number in an ELF header (elf(5)). */
const ARCHITECTURES: ReadonlyMap<number, string> = new Map([[0x3e, "amd64"], [0xb7, "arm64"]]);

/** Reads for which processor a program is. @throws {Error} if it is no program for a known one */
export async function debArchitecture(path: string): Promise<string> {
  using file = await Deno.open(path);
  const header = new Uint8Array(20);
  await file.read(header);
  const isElf = new TextDecoder().decode(header.subarray(0, 4)) === "\x7fELF";
  const found = isElf ? ARCHITECTURES.get(header[18] + 256 * header[19]) : undefined;
  if (found !== undefined) return found;
  throw new Error(`Cannot pack ${path}: it is not a Linux program for ${[...ARCHITECTURES.values()].join(" or ")}`);
}

/** Returns `SOURCE_DATE_EPOCH`, or the time of the last commit, in seconds. */
export async function sourceEpoch(): Promise<number> {
  const given = Deno.env.get("SOURCE_DATE_EPOCH") || await run("git", ["log", "-1", "--format=%ct"], {}, ROOT);
  const epoch = Number(given);
  if (Number.isSafeInteger(epoch) && epoch > 0) return epoch;
  throw new Error(`Cannot read SOURCE_DATE_EPOCH: "${given}" is not a time in seconds`);
}

async function writeText(path: string, text: string, mode = 0o644): Promise<void> {
  await ensureDir(dirname(path));
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, mode);
}

async function copyAs(from: string, to: string, mode = 0o644): Promise<void> {
  await ensureDir(dirname(to));
  await Deno.copyFile(from, to);
  await Deno.chmod(to, mode);
}

async function run(program: string, args: readonly string[], env = {}, cwd?: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args], env, cwd, stdin: "null" })
    .output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`Cannot run ${program}: ${decoder.decode(stderr).trim()}`);
  return decoder.decode(stdout);
}
