/**
 * Boots a real systemd in a container of systemd-nspawn(1), in less than a second. The container
 * has the programs of this host, which are in `/usr`, and its loopback interface. Everything else
 * is empty at each boot, apart from the directories of the {@linkcode SystemdHost}.
 *
 * @module
 */

/** The directories that the container keeps when it boots again, by their path in the container. */
const KEPT = ["/etc/systemd/system", "/var/lib/matrix-notify", "/share"] as const;

/** The unit that runs the script of a boot. It starts after the units that a boot starts. */
const SCRIPT_SERVICE = `[Unit]
Description=The script of the test
After=multi-user.target
OnSuccess=test-end.service
OnFailure=test-end.service

[Service]
Type=oneshot
ExecStart=/bin/sh -e /share/script
StandardOutput=append:/share/output
StandardError=append:/share/output
`;

const END_SERVICE = `[Service]
Type=oneshot
ExecStart=/usr/bin/systemctl poweroff
`;

const TARGET = `[Unit]
Requires=basic.target
Wants=timers.target test-script.service
After=basic.target
AllowIsolate=yes
`;

/** A host that boots several times. Its disk is a temporary directory. */
export class SystemdHost implements AsyncDisposable {
  readonly #disk: string;
  readonly #binds: readonly string[];
  #running: Deno.ChildProcess | undefined;

  private constructor(disk: string, binds: readonly string[]) {
    this.#disk = disk;
    this.#binds = binds;
  }

  /**
   * Creates a host.
   *
   * @param readOnly the paths of this machine that the container can read, at the same path
   * @param writable directories in `/` that have the files of this machine, and that the container
   * can change without changing this machine, such as `usr`
   */
  static async create(readOnly: readonly string[], writable: readonly string[] = []): Promise<SystemdHost> {
    const disk = await Deno.makeTempDir({ prefix: "systemd-host-" });
    for (const path of KEPT) await Deno.mkdir(`${disk}${path}`, { recursive: true });
    const units = `${disk}/etc/systemd/system`;
    await Deno.writeTextFile(`${units}/test-script.service`, SCRIPT_SERVICE);
    await Deno.writeTextFile(`${units}/test-end.service`, END_SERVICE);
    await Deno.writeTextFile(`${units}/test.target`, TARGET);
    const isKept = (path: string) => writable.every((name) => !path.startsWith(`/${name}/lib/`));
    const kept = KEPT.filter(isKept).map((path) => `--bind=${disk}${path}:${path}`);
    const overlays = writable.map((name) => `--overlay=/${name}:${disk}/overlay/${name}:/${name}`);
    for (const name of writable) await Deno.mkdir(`${disk}/overlay/${name}`, { recursive: true });
    return new SystemdHost(disk, [...overlays, ...kept, ...readOnly.map((path) => `--bind-ro=${path}`)]);
  }

  /** Returns the path on this machine of a file in one of the kept directories. */
  path(inside: string): string {
    return `${this.#disk}${inside}`;
  }

  /** Everything that the scripts have printed so far. */
  output(): string {
    try {
      return Deno.readTextFileSync(this.path("/share/output"));
    } catch {
      return "";
    }
  }

  /**
   * Boots, runs a shell script as a service, and powers off when the script has ended.
   *
   * @returns a promise that resolves when the host is off
   */
  boot(script: string): { readonly off: Promise<void> } {
    Deno.writeTextFileSync(this.path("/share/script"), script);
    const child = new Deno.Command("systemd-nspawn", {
      args: [
        ...["--quiet", "--register=no", "--keep-unit", "--console=pipe", "--directory=/", "--volatile=yes"],
        ...this.#binds,
        // Without these options, the boot waits for a key, and prints the state of each unit.
        ...["--boot", "systemd.unit=test.target", "systemd.firstboot=no", "systemd.show_status=0"],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#running = child;
    const off = child.output().then(({ stderr }) => {
      this.#running = undefined;
      const text = new TextDecoder().decode(stderr);
      if (/^(Failed|Cannot)/m.test(text)) throw new Error(`Cannot boot systemd: ${text}`);
    });
    return { off };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.#running;
    running?.kill("SIGKILL");
    await running?.status;
    await Deno.remove(this.#disk, { recursive: true });
  }
}

/** @throws {Error} if systemd-nspawn is missing, or this process may not use it */
export async function requireSystemd(): Promise<void> {
  for (const program of ["systemd-nspawn", "systemd-analyze"]) {
    const found = await new Deno.Command("sh", { args: ["-c", `command -v ${program}`], stdout: "null" }).output();
    if (!found.success) throw new Error(`Cannot find ${program}: install the package systemd-container`);
  }
  if (Deno.uid() !== 0) throw new Error("Cannot run systemd-nspawn: it needs root");
}
