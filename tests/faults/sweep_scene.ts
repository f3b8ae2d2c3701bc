/**
 * A homeserver with one room, a state directory, and our command line as a process that uses both; on request strace looks over its shoulder.
 *
 * @module
 */

import { inheritedConfig } from "../../scripts/std/argv.ts";
import { encodeRecord } from "../../src/queue/record.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import type { SweptCommand } from "./sweep_commands.ts";

const ENTRY = new URL("../../mod.ts", import.meta.url).pathname;

/** No command takes so long, whatever happens to it. */
const RUN_LIMIT_MS = 60_000;

/** Longer than a journal that nobody compacts. */
const LONG_HISTORY_BYTES = 300 * 1024;

/** Makes the journal refuse what comes; a file of the side door has a name that strace does not look out for. */
const JOURNAL_REFUSES = ["-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=1+"];

/** What became of a command. */
export interface Ending {
  /** The exit code; undefined when it did not end by itself. */
  readonly code?: number;
  readonly signal: Deno.Signal | null;
  readonly text: string;
  /** What strace wrote; empty without strace. */
  readonly trace: string;
}

/** Where an injection takes place. */
export class Scene implements AsyncDisposable {
  readonly homeserver: LoopbackHomeserver;
  readonly #directory = Deno.makeTempDirSync({ prefix: "sweep-" });
  readonly #queue = `${this.#directory}/state/queue`;
  readonly #room: string;
  readonly #env: Record<string, string>;

  private constructor(homeserver: LoopbackHomeserver) {
    this.homeserver = homeserver;
    const { userId, accessToken } = homeserver.addUser("bot");
    this.#room = homeserver.createRoom({ members: [userId] });
    this.#env = {
      MATRIX_HOMESERVER: homeserver.url,
      MATRIX_ACCESS_TOKEN: accessToken,
      MATRIX_ROOM: this.#room,
      MATRIX_NOTIFY_STATE_DIR: `${this.#directory}/state`,
      XDG_CONFIG_HOME: this.#directory,
    };
  }

  /** Opens a scene with everything that a command wants to find. */
  static async open(command: SweptCommand): Promise<Scene> {
    const scene = new Scene(await LoopbackHomeserver.start());
    try {
      await scene.#furnish(command);
      return scene;
    } catch (error) {
      await scene[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #furnish({ delivered = [], waiting = [], sideDoor = [], ballast, isOutage }: SweptCommand): Promise<void> {
    const command = (subject: string) => ["send", subject, "", "--no-background"];
    const expect = ({ code, text }: Ending) => {
      if (code !== 0) throw new Error(`Cannot prepare a sweep: exit ${code}: ${text}`);
    };
    for (const subject of delivered) expect(await this.run(command(subject)));
    for (const subject of waiting) expect(await this.run([...command(subject), "--wait", "0"]));
    for (const subject of sideDoor) {
      expect(await this.runTraced([...command(subject), "--wait", "0"], JOURNAL_REFUSES));
    }
    if (sideDoor.length !== this.#waitingAtTheSideDoor().length) {
      throw new Error("Cannot prepare a sweep: the side door was not used");
    }
    if (ballast) Deno.writeFileSync(`${this.#queue}/queue.jsonl`, BALLAST[ballast](), { append: true });
    if (isOutage) await this.homeserver.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.homeserver[Symbol.asyncDispose]();
    Deno.removeSync(this.#directory, { recursive: true });
  }

  /** The subjects that the room has seen, in order. */
  subjects(): string[] {
    return this.homeserver.events(this.#room).map(({ content }) =>
      String(content.body).split("\n")[0].replace(/^\[.*?\] /, "")
    );
  }

  /** Runs a command. */
  async run(args: readonly string[]): Promise<Ending> {
    return await this.#end(Deno.execPath(), denoArgs(args));
  }

  /**
   * Runs a command under strace, which sees the calls that touch the state directory, and no others.
   *
   * @param options what strace does to them
   */
  async runTraced(args: readonly string[], options: readonly string[]): Promise<Ending> {
    const output = `${this.#directory}/trace`;
    const paths = this.#paths().flatMap((path) => ["-P", path]);
    const ending = await this.#end("strace", [
      ...["-f", "-qq", "-o", output, ...paths, ...options],
      ...[Deno.execPath(), ...denoArgs(args)],
    ]);
    return { ...ending, trace: Deno.readTextFileSync(output) };
  }

  #paths(): string[] {
    const names = ["queue.jsonl", "queue.jsonl.new", "lock", "deliver.lock", "background.lock", "quarantine", "intake"];
    const files = [...names, ...this.#waitingAtTheSideDoor().map((name) => `intake/${name}`)];
    return [this.#directory, `${this.#directory}/state`, this.#queue, ...files.map((name) => `${this.#queue}/${name}`)];
  }

  #waitingAtTheSideDoor(): string[] {
    try {
      return Array.from(Deno.readDirSync(`${this.#queue}/intake`), (file) => file.name);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  async #end(path: string, args: readonly string[]): Promise<Ending> {
    const child = new Deno.Command(path, {
      args: [...args],
      env: this.#env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill("SIGTERM");
    }, RUN_LIMIT_MS);
    const { code, signal, stdout, stderr } = await child.output();
    clearTimeout(timer);
    const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("").trim();
    return {
      code: signal === null && !isLate ? code : undefined,
      signal: isLate ? "SIGTERM" : signal,
      text,
      trace: "",
    };
  }
}

function denoArgs(args: readonly string[]): string[] {
  return ["run", "-A", "--quiet", "--no-prompt", ...inheritedConfig(), ENTRY, ...args];
}

/** What may lie in a journal and is no notification. */
const BALLAST = {
  "torn line": () => new TextEncoder().encode(`{"v":1,"t":"enq","id":"torn","time":17`),
  "long history": () => {
    const line = encodeRecord({ t: "flush", time: Date.now() });
    const history = new Uint8Array(Math.ceil(LONG_HISTORY_BYTES / line.length) * line.length);
    for (let at = 0; at < history.length; at += line.length) history.set(line, at);
    return history;
  },
};
