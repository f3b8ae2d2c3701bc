/**
 * Lists what `send`, `flush` and the background deliverer touch: files, hosts, programs and
 * variables. The commands run with exactly the permissions that `matrix-notify permissions` prints.
 * strace sees every file, host and program. The audit log of Deno sees every variable.
 *
 * As a script, this file prints the table of docs/permissions.md, or writes it with `--write`:
 *
 * ```sh
 * deno run -A --config scripts/airgap/deno.json tests/e2e/touched.ts
 * ```
 *
 * @module
 */

import { inheritedConfig } from "../../scripts/std/argv.ts";
import { DELIVERER_COMMAND } from "../../src/base/deliverer_command.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { denoCache } from "../fakes/deno_cache.ts";
import { StateFolder } from "../synapse/cli.ts";

const ROOT = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");
const PAGE = new URL("../../docs/permissions.md", import.meta.url);

/** What a process touched, sorted. Directories of the test have names, such as `STATE`. */
export interface Touched {
  readonly command: string;
  readonly read: readonly string[];
  readonly written: readonly string[];
  readonly hosts: readonly string[];
  readonly programs: readonly string[];
  readonly variables: readonly string[];
}

/** Runs the commands under strace, and lists what each of them touched. */
export async function listTouched() {
  await using homeserver = await LoopbackHomeserver.start();
  await using state = await StateFolder.create();
  const scene = new Scene(state.path, homeserver);
  const send = await scene.trace("send", [...await scene.commandLine("send"), "Hello", "--no-background"]);
  const queue = [...await scene.commandLine("send"), "Queued", "--wait", "0"];
  await scene.trace("queue", [...queue, "--no-background"]);
  const flush = await scene.trace("flush", await scene.commandLine("flush"));
  const handingOver = await scene.trace("send that starts a background deliverer", queue);
  await scene.trace("queue", [...queue, "--no-background"]);
  const deliverer = await scene.trace("background deliverer", handingOver.deliverer ?? []);
  return {
    send: send.touched,
    flush: flush.touched,
    handingOver: handingOver.touched,
    deliverer: deliverer.touched,
  };
}

/** The directories of the test, and a homeserver. */
class Scene {
  readonly #folder: string;
  readonly #homeserver: LoopbackHomeserver;
  #count = 0;

  constructor(folder: string, homeserver: LoopbackHomeserver) {
    this.#folder = folder;
    this.#homeserver = homeserver;
    const { userId, accessToken } = homeserver.addUser("bot");
    const room = homeserver.createRoom({ members: [userId] });
    const matrix = { homeserver: homeserver.url, accessTokenFile: "token", room };
    for (const name of ["config", "state", "home", "trace"]) Deno.mkdirSync(`${folder}/${name}`, { mode: 0o700 });
    Deno.writeTextFileSync(`${folder}/config/token`, accessToken, { mode: 0o600 });
    Deno.writeTextFileSync(`${folder}/config/config.json`, JSON.stringify({ channels: { matrix } }), { mode: 0o600 });
  }

  /** Returns the command line that `matrix-notify permissions` prints. */
  async commandLine(command: string): Promise<readonly string[]> {
    const program = ["run", "-A", "-q", ...inheritedConfig(), `${ROOT}/src/main.ts`];
    return (await this.#run([Deno.execPath(), ...program, "permissions", command])).trim().split(" ");
  }

  /** Runs a command line and its background deliverer under strace, until both have ended. */
  async trace(command: string, words: readonly string[]) {
    const output = `${this.#folder}/trace/${this.#count++}`;
    const strace = ["strace", "-f", "-qq", "--seccomp-bpf", "-s", "4096", "-o", output, "-e", SYSTEM_CALLS];
    await this.#run([...strace, ...words], { DENO_AUDIT_PERMISSIONS: `${output}.audit` });
    const { own, deliverer } = readTrace(Deno.readTextFileSync(output));
    const audit = Deno.readTextFileSync(`${output}.audit`);
    const files = (isWritten: boolean) =>
      sorted(
        own.flatMap((call) => filesOf(call, isWritten)).filter((path) => !this.#isOfTest(path))
          .map((path) => this.#name(path)),
      );
    const variables = audit.trim().split("\n").map((line) => JSON.parse(line)).filter(({ permission }) =>
      permission === "env"
    ).map(({ value }) => String(value));
    const touched: Touched = {
      command,
      read: files(false),
      written: files(true),
      hosts: sorted(own.flatMap(hostsOf).map((host) => host.replace(this.#host(), "HOMESERVER"))),
      programs: sorted(own.flatMap(programsOf).map((path) => path === Deno.execPath() ? "deno" : path)),
      variables: sorted(variables),
    };
    return { touched, deliverer };
  }

  /**
   * The log of the audit, the settings of npm, and the directories above, in which Deno follows
   * links.
   */
  #isOfTest(path: string): boolean {
    return `${this.#folder}/`.startsWith(`${path}/`) || path.startsWith(`${this.#folder}/trace/`) ||
      path === `${this.#folder}/home/.npmrc`;
  }

  #host(): string {
    return new URL(this.#homeserver.url).host;
  }

  #name(path: string): string {
    const uuid = /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g;
    return path.replace(`${this.#folder}/config`, "CONFIG").replace(`${this.#folder}/state`, "STATE").replace(
      uuid,
      "ID",
    );
  }

  async #run(words: readonly string[], env: Record<string, string> = {}): Promise<string> {
    const { code, stdout, stderr } = await new Deno.Command(words[0], {
      args: words.slice(1),
      clearEnv: true,
      env: {
        PATH: "/usr/bin:/bin",
        HOME: `${this.#folder}/home`,
        DENO_DIR: denoCache(),
        NO_COLOR: "1",
        DENO_NO_UPDATE_CHECK: "1",
        MATRIX_NOTIFY_CONFIG: `${this.#folder}/config/config.json`,
        MATRIX_NOTIFY_STATE_DIR: `${this.#folder}/state`,
        ...env,
      },
    }).output();
    const decoder = new TextDecoder();
    if (code === 0) return decoder.decode(stdout);
    throw new Error(`${words.join(" ")} ended with ${code}: ${decoder.decode(stderr)}`);
  }
}

const SYSTEM_CALLS = "trace=%file,connect,execve,clone,clone3,fork,vfork";

/**
 * Reads the output of strace.
 *
 * @returns the calls of the command, and the command line of the background deliverer that it
 * started
 */
function readTrace(text: string): { readonly own: readonly string[]; readonly deliverer?: readonly string[] } {
  const lines = text.split("\n").map((line) => /^(\d+) +(.*)$/.exec(line)?.slice(1) ?? ["", ""]);
  const parents = new Map<string, string>();
  const deliverers = new Map<string, readonly string[]>();
  const [first] = lines[0];
  for (const [pid, call] of lines) {
    const child = /^(?:<\.\.\. )?(?:clone3?|v?fork).* = (\d+)$/.exec(call)?.[1];
    if (child !== undefined) parents.set(child, pid);
    if (call.startsWith("execve(") && call.includes(`"${DELIVERER_COMMAND}"`) && call.includes('"run"')) {
      const words = /\[(.*)\], 0x/.exec(call)?.[1] ?? "";
      deliverers.set(pid, JSON.parse(`[${words}]`));
    }
  }
  const belongs = (pid: string | undefined): boolean => {
    for (let one = pid; one !== undefined; one = parents.get(one)) {
      if (one !== first && deliverers.has(one)) return true;
    }
    return false;
  };
  const deliverer = [...deliverers].find(([pid]) => pid !== first)?.[1];
  return {
    own: lines.filter(([pid]) => !belongs(pid)).map(([, call]) => call),
    deliverer: deliverer?.slice(deliverer.indexOf(Deno.execPath())),
  };
}

/** Returns the files that a system call touches, except those of Deno itself. */
function filesOf(call: string, isWritten: boolean): readonly string[] {
  const [, name, args] = /^(\w+)\((.*)/s.exec(call) ?? [];
  if (name === undefined || name === "execve" || name === "connect") return [];
  const writes = /^(rename|unlink|mkdir|rmdir|chmod|fchmodat|link|symlink|truncate|utime)/.test(name) ||
    /O_WRONLY|O_RDWR|O_CREAT|O_TRUNC/.test(args);
  if (writes !== isWritten) return [];
  return Array.from(args.matchAll(/"((?:[^"\\]|\\.)*)"/g), ([, path]) => path)
    .filter((path) => path.startsWith("/") && !isOfDeno(path, isWritten));
}

/**
 * Returns true for files that Deno, the C library and the dynamic linker read by themselves: system
 * libraries and settings, the cache of Deno, the modules, and their configuration files.
 */
function isOfDeno(path: string, isWritten: boolean): boolean {
  if (path.startsWith(denoCache()) || `${denoCache()}/`.startsWith(`${path}/`)) return true;
  if (isWritten) return /^\/dev\/(null|tty)$/.test(path);
  return /^\/(lib|lib64|usr\/lib|usr\/share|usr\/bin|bin|usr\/local|proc|sys|dev)(\/|$)/.test(path) ||
    /^\/etc\/(ld\.so|resolv\.conf|nsswitch|host\.conf|hosts|gai\.conf|ssl|localtime|passwd|group|locale|inputrc)/.test(
      path,
    ) ||
    path === ROOT || path.startsWith(`${ROOT}/`) || isParentOfModules(path) || path === "/";
}

/** Deno looks for configuration files in every directory above a module. */
function isParentOfModules(path: string): boolean {
  const folder = path.replace(/\/(deno\.jsonc?|package\.json|deno\.lock|node_modules|\.npmrc|workspace\.json)$/, "");
  return `${ROOT}/`.startsWith(folder === "" ? "/" : `${folder}/`);
}

function hostsOf(call: string): readonly string[] {
  const [, port, address] = /^connect\(.*sin_port=htons\((\d+)\), sin_addr=inet_addr\("([^"]+)"\)/.exec(call) ??
    /^connect\(.*sin6_port=htons\((\d+)\).*inet_pton\(AF_INET6, "([^"]+)"/.exec(call) ?? [];
  return address === undefined ? [] : [`${address}:${port}`];
}

function programsOf(call: string): readonly string[] {
  const path = /^execve\("([^"]+)".* = 0$/.exec(call)?.[1];
  return path === undefined ? [] : [path];
}

function sorted(values: readonly string[]): readonly string[] {
  return [...new Set(values)].sort();
}

/** Formats the lists of docs/permissions.md. */
export function formatTouched(all: readonly Touched[]): string {
  const list = (values: readonly string[]) => values.map((value) => `\`${value}\``).join(", ") || "none";
  return all.map((one) =>
    [
      `**${one.command}**`,
      "",
      `- reads: ${list(one.read)}`,
      `- writes: ${list(one.written)}`,
      `- hosts: ${list(one.hosts)}`,
      `- programs: ${list(one.programs.filter((path) => path !== "deno" || one.programs.length > 1))}`,
      `- variables: ${list(one.variables)}`,
    ].join("\n")
  ).join("\n\n");
}

/** Reads the lists in docs/permissions.md, without the line breaks of the formatter. */
export function readTouched(): string {
  return (PART_REGEXP.exec(Deno.readTextFileSync(PAGE))?.[0] ?? "").replace(/\n +/g, " ");
}

const PART_REGEXP = /(?<=<!-- touched -->\n\n).*?(?=\n\n<!-- end -->)/s;

if (import.meta.main) {
  const text = formatTouched(Object.values(await listTouched()));
  console.log(text);
  if (Deno.args.includes("--write")) {
    await Deno.writeTextFile(PAGE, (await Deno.readTextFile(PAGE)).replace(PART_REGEXP, () => text));
  }
}
