/** The surroundings of a benchmark: a homeserver, certificates, and the program. */

import { inheritedConfig } from "../../scripts/std/argv.ts";
import { DELIVERER_COMMAND } from "../../src/base/deliverer_command.ts";
import { makeStateDirectory, ROOM } from "./journals.ts";
import type { JournalRecord } from "../../src/queue/record.ts";

const TOKEN = "token";
const BUNDLE = new URL("../../dist/matrix-notify.js", import.meta.url).pathname;
const BINARY = new URL("../../dist/matrix-notify", import.meta.url).pathname;
const SOURCE = new URL("../../mod.ts", import.meta.url).pathname;

/** A homeserver in a process of its own; see `server.ts`. */
export interface Server {
  readonly url: string;
  /** The number of events that it accepted, and the time of the last one. */
  counts(): Promise<{ readonly events: number; readonly lastTime: number }>;
}

/** A temporary directory with all that a benchmark needs. Disposal stops and removes everything. */
export class BenchWorld implements AsyncDisposable {
  readonly directory: string;
  /** The homeserver without TLS, and with TLS. */
  readonly plain: Server;
  readonly tls: Server;
  readonly #processes: readonly Deno.ChildProcess[];

  private constructor(directory: string, [plain, tls]: readonly (Server & { process: Deno.ChildProcess })[]) {
    this.directory = directory;
    this.plain = plain;
    this.tls = tls;
    this.#processes = [plain.process, tls.process];
  }

  static async open(): Promise<BenchWorld> {
    const directory = await Deno.makeTempDir({ prefix: "bench-" });
    const certificate = `${directory}/server`;
    await makeCertificate(certificate);
    return new BenchWorld(directory, [await startServer("http"), await startServer("https", certificate)]);
  }

  /** Creates an empty directory. */
  newDirectory(name: string): string {
    return Deno.makeTempDirSync({ dir: this.directory, prefix: `${name}-` });
  }

  /** Creates a state directory with these records. */
  newState(records: Iterable<JournalRecord>): string {
    return makeStateDirectory(this.newDirectory("state"), records);
  }

  /**
   * The environment of the program: one Matrix channel, and a state directory. Deno has a cache of
   * its own: while another process writes to a shared cache, Deno cannot store compiled code.
   */
  env(server: Server, stateDir: string): Record<string, string> {
    return {
      ...this.trust(server),
      DENO_DIR: `${this.directory}/deno`,
      MATRIX_HOMESERVER: server.url,
      MATRIX_ACCESS_TOKEN: TOKEN,
      MATRIX_ROOM: ROOM,
      MATRIX_NOTIFY_STATE_DIR: stateDir,
    };
  }

  /** The environment with which Deno and curl trust the certificate of a server. */
  trust(server: Server): Record<string, string> {
    if (server !== this.tls) return {};
    return { DENO_CERT: `${this.directory}/server.pem`, CURL_CA_BUNDLE: `${this.directory}/server.pem` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#processes) process.kill("SIGKILL");
    await Promise.all(this.#processes.map(({ status }) => status));
    await Deno.remove(this.directory, { recursive: true });
  }
}

/** Returns the URL of an event. `TXN` stands for its id by default. */
export function eventUrl({ url }: Server, id = "TXN"): string {
  return `${url}/_matrix/client/v3/rooms/${encodeURIComponent(ROOM)}/send/m.room.message/${id}`;
}

/** Returns the command line of one of the small programs in `floors/`. */
export function floor(name: string, ...args: readonly string[]): string[] {
  const path = new URL(`floors/${name}`, import.meta.url).pathname;
  return name.endsWith(".sh") ? ["sh", path, ...args] : [Deno.execPath(), "run", "-A", "--no-config", path, ...args];
}

/** Returns the command line of a part of a benchmark that imports the sources. */
export function actor(name: string, ...args: readonly string[]): string[] {
  const path = new URL(name, import.meta.url).pathname;
  return [Deno.execPath(), "run", "-A", "-q", ...inheritedConfig(), path, ...args];
}

/** Returns the command line of the program from its sources. */
export function sourceProgram(...args: readonly string[]): string[] {
  return [Deno.execPath(), "run", "-A", "-q", ...inheritedConfig(), SOURCE, ...args];
}

/** The program as it is shipped: the bundle, or the sources if there is no bundle. */
export const SHIPPED: string = exists(BUNDLE) ? "the bundle" : "source (there is no bundle)";

/** Returns the command line of the program as it is shipped. */
export function program(...args: readonly string[]): string[] {
  if (!exists(BUNDLE)) return sourceProgram(...args);
  return [Deno.execPath(), "run", "-A", "-q", "--no-config", BUNDLE, ...args];
}

/** Returns the command line of the binary; undefined if there is none. */
export function binary(...args: readonly string[]): string[] | undefined {
  return exists(BINARY) ? [BINARY, ...args] : undefined;
}

/** Returns the command line of the background deliverer. */
export function deliverer(stateDir: string, configFile: string): string[] {
  return program(DELIVERER_COMMAND, JSON.stringify({ stateDir, configFile }));
}

/** The access token of the account. */
export const ACCESS_TOKEN = TOKEN;

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

async function startServer(
  scheme: string,
  certificate?: string,
): Promise<Server & { readonly process: Deno.ChildProcess }> {
  const args = ["run", "-A", "-q", "--no-config", new URL("server.ts", import.meta.url).pathname];
  const process = new Deno.Command(Deno.execPath(), {
    args: certificate === undefined ? args : [...args, certificate],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reader = process.stdout.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  const url = `${scheme}://127.0.0.1:${new TextDecoder().decode(value).trim()}`;
  const client = certificate === undefined
    ? undefined
    : Deno.createHttpClient({ caCerts: [Deno.readTextFileSync(`${certificate}.pem`)] });
  return { url, process, counts: async () => await (await fetch(`${url}/counts`, { client })).json() };
}

/** Makes a certificate for 127.0.0.1 that is its own authority. */
async function makeCertificate(path: string): Promise<void> {
  const subject = ["-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1"];
  const extensions = ["-addext", "basicConstraints=critical,CA:FALSE"];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", `${path}.key`];
  const args = ["req", "-x509", "-days", "1", ...key, "-out", `${path}.pem`, ...subject, ...extensions];
  const { success, stderr } = await new Deno.Command("openssl", { args }).output();
  if (!success) throw new Error(`Cannot make a certificate: ${new TextDecoder().decode(stderr)}`);
}
