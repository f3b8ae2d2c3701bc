/** A release folder with a stand-in binary, and hosts on which `install.sh` runs. */

import { ensureDir, exists } from "@std/fs";
import { dirname, fromFileUrl } from "@std/path";
import { checksumLines, sha256 } from "../../scripts/build/checksums.ts";
import { binaryName, TARGETS } from "../../scripts/build/targets.ts";

const INSTALLER = fromFileUrl(new URL("../../install.sh", import.meta.url));

const BINARY = binaryName(TARGETS.find(({ name }) => name === Deno.build.target) ?? TARGETS[0]);

/** The files of `share/` in the release folder. */
export const SHARE = [
  "share/bash-completion/completions/matrix-notify",
  "share/man/man1/matrix-notify.1",
  "share/zsh/site-functions/_matrix-notify",
];

/** The result of `install.sh`. */
export interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Options of {@linkcode Host.run}. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** The user who runs the script. @default the user of the test */
  readonly uid?: number;
  /** The path of the script. @default the one in the release folder */
  readonly script?: string;
}

/** A host whose `PATH` has only the programs of one system. */
export class Host implements AsyncDisposable {
  /** A directory for everything on this host. All users can open it. */
  readonly root: string;
  /** The release folder. */
  readonly folder: string;
  /** The prefix of the installation. It does not exist at first. */
  readonly prefix: string;
  readonly #shell: readonly string[];

  private constructor(root: string, shell: readonly string[]) {
    this.root = root;
    this.folder = `${root}/release`;
    this.prefix = `${root}/the user's/local`;
    this.#shell = shell;
  }

  /**
   * Creates a host.
   *
   * @param system `busybox` for a host whose programs are all busybox; `dash` for this host
   */
  static async create(system: "dash" | "busybox" = "dash"): Promise<Host> {
    // Other users cannot reach the temporary directory of the tests.
    const root = await Deno.makeTempDir({ dir: "/tmp" });
    await Deno.chmod(root, 0o755);
    const host = new Host(root, system === "dash" ? ["/bin/sh"] : [`${root}/path/sh`]);
    await Deno.mkdir(`${root}/path`);
    if (system === "busybox") {
      const { success } = await new Deno.Command("busybox", { args: ["--install", "-s", `${root}/path`] }).output();
      if (!success) throw new Error("Cannot install busybox");
    }
    await Deno.mkdir(`${root}/the user's`);
    await host.release("0.1.0");
    return host;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }

  /** Writes a release. The binary is a script that prints its version, and reads a file late. */
  async release(version: string, more: Readonly<Record<string, string>> = {}): Promise<void> {
    const binary = `#!/bin/sh\n[ "$1" = --version ] || read -r line\necho "matrix-notify ${version}"\n`;
    const files: Readonly<Record<string, string>> = {
      [BINARY]: binary,
      "install.sh": await Deno.readTextFile(INSTALLER),
      ...Object.fromEntries(SHARE.map((name) => [name, `${name} ${version}\n`])),
      ...more,
    };
    await Deno.remove(this.folder, { recursive: true }).catch(() => {});
    for (const [name, text] of Object.entries(files)) {
      await ensureDir(dirname(`${this.folder}/${name}`));
      await Deno.writeTextFile(`${this.folder}/${name}`, text);
    }
    const sums = Object.entries(files).map(async ([name, text]) => ({
      name,
      hex: await sha256(new TextEncoder().encode(text)),
    }));
    await Deno.writeTextFile(`${this.folder}/SHA256SUMS`, checksumLines(await Promise.all(sums)));
  }

  /** Replaces the binary by the bundle, with a launcher that prints its arguments. */
  async releaseBundle(launcher: string): Promise<void> {
    await this.release("0.1.0", { "matrix-notify.js": "", "matrix-notify/launcher.sh": launcher });
    const sums = `${this.folder}/SHA256SUMS`;
    await Deno.writeTextFile(sums, (await Deno.readTextFile(sums)).replace(/.*-gnu\n/, ""));
  }

  /** Puts a program into the `PATH` of this host: a shell script. */
  async program(name: string, script: string): Promise<string> {
    const path = `${this.root}/path/${name}`;
    await Deno.remove(path).catch(() => {});
    await Deno.writeTextFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return path;
  }

  /** Starts `install.sh` with this prefix. */
  spawn(args: readonly string[], { env, uid = Deno.uid() ?? 0, script }: RunOptions = {}): Deno.ChildProcess {
    const user = uid === Deno.uid() ? [] : ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
    const isBusybox = this.#shell[0] !== "/bin/sh";
    const [path, ...words] = [...user, ...this.#shell, script ?? `${this.folder}/install.sh`];
    return new Deno.Command(path, {
      args: [...words, "--prefix", this.prefix, ...args],
      clearEnv: true,
      env: { PATH: `${this.root}/path${isBusybox ? "" : ":/usr/bin:/bin"}`, HOME: `${this.root}/home`, ...env },
      cwd: this.root,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  /** Runs `install.sh` with this prefix. */
  async run(args: readonly string[] = [], options: RunOptions = {}): Promise<Result> {
    return await resultOf(this.spawn(args, options));
  }

  /** Lists the files, links and directories below a directory, without the names of versions. */
  async files(directory: string = this.prefix): Promise<readonly string[]> {
    if (!await exists(directory)) return [];
    const { stdout } = await new Deno.Command("find", { args: [".", "-mindepth", "1"], cwd: directory }).output();
    const names = new TextDecoder().decode(stdout).trim().replace(/\d{8}T\d{6}-\d+/g, "VERSION").split("\n");
    return names.map((name) => name.replace("./", "")).filter((name) => name !== "").toSorted();
  }

  /** Runs the installed program. */
  async version(): Promise<string> {
    const { stdout } = await new Deno.Command(`${this.prefix}/bin/matrix-notify`, { args: ["--version"] }).output();
    return new TextDecoder().decode(stdout).trim();
  }
}

/** Waits for the end of a process. */
export async function resultOf(child: Deno.ChildProcess): Promise<Result> {
  const { code, stdout, stderr } = await child.output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, err };
}
