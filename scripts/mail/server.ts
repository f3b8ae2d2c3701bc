/**
 * A real mail server for tests, on free ports of the loopback interface, with its own
 * configuration, queue and mailboxes. It runs in a mount and a process namespace of its own. There,
 * the unpacked packages are `/mnt/packages`, the data of this server is `/mnt/data`, and the users
 * of the packages are in a copy of `/etc`. When the first process of the namespace ends, the kernel
 * kills all others.
 *
 * @module
 */

import { run, tail } from "../std/command.ts";
import { until } from "../synapse/until.ts";
import { installMailPackages, LIBRARIES } from "./install.ts";

/** The paths that a server sees. */
export const PACKAGES = "/mnt/packages", DATA = "/mnt/data";

/** The users of the packages, and the owner of the mailboxes. The ids are not used otherwise. */
export const USERS = { "postfix": 47_001, "postdrop": 47_002, "Debian-exim": 47_003, "mailbox": 47_004 } as const;

/** The ports of the services. */
export type Ports = Readonly<Record<string, number>>;

/** What distinguishes a server from others. */
export interface MailServerPlan {
  readonly title: string;
  /** Its SMTP services. Each gets a port of its own. */
  readonly services: readonly string[];
  /** The program, below `/mnt/packages`, and its arguments. */
  readonly command: readonly string[];
  /** Its log, below `/mnt/data`. */
  readonly log: string;
  /** Folders to create below `/mnt/data`, with owner, group and mode. */
  readonly folders: readonly (readonly [path: string, owner: number, group: number, mode: number])[];
  /** Returns the files to write below `/mnt/data`; those in `etc` are copied to `/etc`. */
  readonly files: (ports: Ports) => Readonly<Record<string, string>>;
  /** Servers that it asks. They are disposed of with it. */
  readonly helpers?: readonly AsyncDisposable[];
}

/**
 * The first process of the namespace. It waits for the server. A guard reads standard input: the
 * end without a line means that the starter was killed, and that the data has no owner any more.
 */
const LAUNCHER = `
mount -t tmpfs tmpfs /mnt && mkdir ${PACKAGES} ${DATA} || exit 1
mount --bind "$PACKAGES" ${PACKAGES} && mount --bind "$FOLDER" ${DATA} || exit 1
cp -a /etc /mnt/etc && cp -R "$FOLDER/etc/." /mnt/etc && mount --bind /mnt/etc /etc || exit 1
ldconfig -X -i 2>/dev/null
exec 3<&0
"$@" </dev/null & server=$!
{ read -r stop <&3 || touch "$FOLDER/abandoned"; kill -9 -1; } &
wait $server
if [ -e "$FOLDER/abandoned" ]; then rm -rf "$FOLDER"; fi
`;

/** A mail server. Disposal stops it and removes its data. */
export class MailServer implements AsyncDisposable {
  readonly #plan: MailServerPlan;
  readonly #packages: string;
  readonly #folder: string;
  readonly #ports: Ports;
  #child: Deno.ChildProcess | undefined;

  private constructor(plan: MailServerPlan, packages: string, folder: string, ports: Ports) {
    this.#plan = plan;
    this.#packages = packages;
    this.#folder = folder;
    this.#ports = ports;
  }

  /**
   * Installs the packages if needed, starts a server, and waits until it greets: about a second.
   *
   * @throws {Error} if it cannot be installed or does not start; the message ends with its log
   */
  static async start(plan: MailServerPlan): Promise<MailServer> {
    const packages = await installMailPackages();
    const folder = await Deno.makeTempDir({ prefix: "matrix-notify-mail-" });
    const server = new MailServer(plan, packages, folder, findPorts(plan.services));
    try {
      await server.#writeData();
      await server.startAgain();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Returns the port of a service. */
  port(service = "smtp"): number {
    const port = this.#ports[service];
    if (port === undefined) throw new Error(`Cannot connect to ${this.#plan.title}: there is no service ${service}`);
    return port;
  }

  /** Starts it after {@linkcode stop}, on the same ports with the same mailboxes. */
  async startAgain(): Promise<void> {
    const { title, command: [program, ...args] } = this.#plan;
    const child = new Deno.Command("unshare", {
      args: [
        ...["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", LAUNCHER, "sh"],
        ...[`${PACKAGES}/${program}`, ...args],
      ],
      env: { PACKAGES: this.#packages, FOLDER: this.#folder },
      cwd: "/",
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#child = child;
    let hasEnded = false;
    child.status.then(() => hasEnded = true);
    for (const port of Object.values(this.#ports)) {
      await until(async () => {
        if (hasEnded) throw new Error(`Cannot start ${title}: it ended by itself\n${await this.log()}`);
        return await canConnect(port) || undefined;
      }, { what: `port ${port} of ${title} to answer` });
    }
  }

  /** Kills all its processes. Its ports are closed until {@linkcode startAgain}. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("stop\n")).catch(() => {});
    await writer.close().catch(() => {});
    await child.status;
  }

  /**
   * Waits until a mailbox has a number of mails, and returns all of them in the order of their
   * arrival, with headers and LF.
   */
  async waitForMails(count: number, mailbox = "root@example.test"): Promise<readonly string[]> {
    const probe = async () => {
      const mails = await readMaildir(`${this.#folder}/mail/${mailbox}/new`);
      return mails.length >= count ? mails : undefined;
    };
    return await until(probe, { what: `${count} mails for ${mailbox}` });
  }

  /** Returns the last lines of its log; empty if there is no log. */
  async log(): Promise<string> {
    return tail((await run("cat", [`${this.#folder}/${this.#plan.log}`])).stdout, 30);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    for (const helper of this.#plan.helpers ?? []) await helper[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #writeData(): Promise<void> {
    const { folders, files } = this.#plan;
    await Deno.chmod(this.#folder, 0o755);
    const system = [["etc", 0, 0, 0o755], ["etc/ld.so.conf.d", 0, 0, 0o755]] as const;
    for (const [name, owner, group, mode] of [...system, ...folders]) {
      const path = `${this.#folder}/${name}`;
      await Deno.mkdir(path, { recursive: true });
      await Deno.chown(path, owner, group);
      await Deno.chmod(path, mode);
    }
    const tls = new URL("../../tests/fakes/tls/", import.meta.url);
    const users = Object.entries(USERS);
    const passwd = users.map(([name, id]) => `${name}:x:${id}:${id}::/nonexistent:/usr/sbin/nologin\n`);
    const group = users.map(([name, id]) => `${name}:x:${id}:\n`);
    const common = {
      "server.pem": await Deno.readTextFile(new URL("server.pem", tls)),
      "server.key": await Deno.readTextFile(new URL("server.key", tls)),
      "etc/passwd": await Deno.readTextFile("/etc/passwd") + passwd.join(""),
      "etc/group": await Deno.readTextFile("/etc/group") + group.join(""),
      // Exim is set-user-id, so the loader ignores LD_LIBRARY_PATH and reads /etc/ld.so.cache.
      "etc/ld.so.conf.d/mail.conf": LIBRARIES.map((each) => `${PACKAGES}/${each}\n`).join(""),
    };
    for (const [name, text] of Object.entries({ ...common, ...files(this.#ports) })) {
      await Deno.writeTextFile(`${this.#folder}/${name}`, text);
    }
  }
}

/**
 * Finds free ports below those that the kernel assigns. So no other process takes one of them while
 * the server is stopped.
 */
function findPorts(services: readonly string[]): Ports {
  const found = new Set<number>();
  while (found.size < services.length) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    if (isFree(port)) found.add(port);
  }
  const ports = [...found];
  return Object.fromEntries(services.map((name, at) => [name, ports[at]]));
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}

async function canConnect(port: number): Promise<boolean> {
  try {
    using _connection = await Deno.connect({ hostname: "127.0.0.1", port });
    return true;
  } catch {
    return false;
  }
}

/**
 * Returns the mails of a maildir; none if the folder does not exist yet. The beginning of a file
 * name is the time of arrival: `1700000000.V1I2M345678.mx`, or `1700000000.H345678P9.mx`.
 */
async function readMaildir(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) names.push(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  const timeOf = (name: string) => {
    const [, seconds = "0", micros = "0"] = /^(\d+)\.(?:\w*M|H)(\d+)/.exec(name) ?? [];
    return Number(seconds) * 1e6 + Number(micros);
  };
  names.sort((a, b) => timeOf(a) - timeOf(b));
  return await Promise.all(names.map((name) => Deno.readTextFile(`${folder}/${name}`)));
}
