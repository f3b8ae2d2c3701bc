/**
 * Debian's Postfix and Exim, unpacked in a folder of the cache. They are not installed: the two
 * packages conflict, and an installed one would start and become the sendmail of this host.
 *
 * @module
 */

import { installFolder } from "../cached_folder.ts";
import { run, tail } from "../std/command.ts";

/** The packages. Those that they need are unpacked too, unless they are installed. */
const PACKAGES = ["postfix", "exim4-daemon-light"] as const;

/**
 * Unpacks the packages unless they are unpacked already. The first time takes some seconds and
 * needs Debian's package lists (`apt-get update`) and a mirror.
 *
 * @returns the folder that takes the place of `/`
 * @throws {Error} if namespaces cannot be created, or a package cannot be downloaded
 */
export async function installMailPackages(): Promise<string> {
  if (!(await run("unshare", ["--mount", "--pid", "--fork", "true"])).success) {
    throw new Error("Cannot run Postfix and Exim: they need Linux, root and the right to create namespaces");
  }
  return await installFolder({ title: "Postfix and Exim", name: "mail-servers", isUsable, build });
}

/** The folders with libraries, relative to the folder of the packages. */
export const LIBRARIES = ["usr/lib/postfix", `usr/lib/${Deno.build.arch}-linux-gnu`] as const;

/** Checks that the programs find their libraries. */
async function isUsable(folder: string): Promise<boolean> {
  const path = `LD_LIBRARY_PATH=${LIBRARIES.map((each) => `${folder}/${each}`).join(":")}`;
  const postfix = await run("env", [path, `${folder}/usr/sbin/postconf`, "-d", "mail_version"]);
  const exim = await run("env", [path, "ldd", `${folder}/usr/sbin/exim4`]);
  return postfix.success && exim.success && !exim.stdout.includes("not found");
}

async function build(folder: string): Promise<void> {
  const archives = `${folder}/archives`;
  await Deno.mkdir(`${archives}/partial`, { recursive: true });
  for (const name of PACKAGES) {
    await step("apt-get", [
      ...["-qq", "install", "--download-only", "--reinstall", "--no-install-recommends", "-y"],
      ...["-o", `Dir::Cache::archives=${archives}`, "-o", "Debug::NoLocking=1", name],
    ]);
  }
  for await (const { name, isFile } of Deno.readDir(archives)) {
    if (isFile && name.endsWith(".deb")) await step("dpkg-deb", ["--extract", `${archives}/${name}`, folder]);
  }
  await Deno.remove(archives, { recursive: true });
  // Programs that have given up root must be able to read the folder.
  await Deno.chmod(folder, 0o755);
}

async function step(command: string, args: readonly string[]): Promise<void> {
  const { success, stdout, stderr } = await run(command, args);
  if (success) return;
  const name = [command, args.at(-1)].join(" … ");
  throw new Error(`Cannot install the mail servers: ${name} failed\n${tail(`${stdout}\n${stderr}`, 10)}`);
}
