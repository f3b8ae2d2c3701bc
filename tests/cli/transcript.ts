/**
 * Runs transcripts: files with command lines and their expected output. The commands run in this
 * process, with a loopback homeserver, a loopback ntfy server and a simulated clock.
 *
 * ```text
 * # a comment
 * @ stop                       a directive; see `runDirective`
 * $ matrix-notify send "A B"   a command line; words can be quoted, $NAME is a value of the scene
 * delivered …                  a line of standard output; … matches any text
 * 2> matrix-notify: …          a line of standard error
 * = 65                         the exit code; without this line, 0
 * ```
 */

import { main } from "../../src/cli/main.ts";
import { type HomeserverRouteName, LoopbackHomeserver, LoopbackNtfy } from "../../src/testing/mod.ts";
import { type FakeRuntime, fakeRuntime } from "../fakes/runtime.ts";

/** The servers, directory, environment and clock of a transcript. */
class Scene implements AsyncDisposable {
  readonly directory: string = Deno.makeTempDirSync({ prefix: "transcript-" });
  readonly env: Record<string, string>;
  readonly #homeserver: LoopbackHomeserver;
  readonly #ntfy: LoopbackNtfy;
  readonly #room: string;
  readonly #bot: string;
  /** A room that the bot has not joined. */
  #closed = "";
  #time: number | undefined;
  #stdin: Uint8Array | undefined;
  #typed: string[] = [];

  private constructor(homeserver: LoopbackHomeserver, ntfy: LoopbackNtfy) {
    this.#homeserver = homeserver;
    this.#ntfy = ntfy;
    const { userId, accessToken } = homeserver.addUser("bot");
    for (const name of ["alice", "carol"]) homeserver.addUser(name);
    this.#bot = userId;
    this.#room = homeserver.createRoom({ members: [userId], alias: "#alerts:loopback.test" });
    this.env = {
      HOME: this.directory,
      MATRIX_HOMESERVER: homeserver.url,
      MATRIX_ACCESS_TOKEN: accessToken,
      MATRIX_ROOM: this.#room,
      MATRIX_NOTIFY_STATE_DIR: `${this.directory}/state`,
    };
  }

  static async open(): Promise<Scene> {
    return new Scene(await LoopbackHomeserver.start(), await LoopbackNtfy.start());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#homeserver[Symbol.asyncDispose]();
    await this.#ntfy[Symbol.asyncDispose]();
    Deno.removeSync(this.directory, { recursive: true });
  }

  expand(text: string): string {
    const known: Record<string, string> = {
      CLOSED: this.#closed,
      DIR: this.directory,
      HOST: new URL(this.#homeserver.url).host,
      NTFY: this.#ntfy.url,
      ROOM: this.#room,
      TOKEN: this.env.MATRIX_ACCESS_TOKEN ?? "",
    };
    return text.replace(/\$([A-Z]+)/g, (whole, name) => known[name] ?? whole);
  }

  /** Runs a directive and returns the lines that it prints. */
  async runDirective(line: string): Promise<string[]> {
    const [verb, ...rest] = this.expand(line).split(" ");
    const text = rest.join(" ");
    const [name, value] = [text.split("=")[0], text.slice(text.indexOf("=") + 1)];
    const fault = (given: string) => given as Parameters<LoopbackHomeserver["fault"]>[0];
    const route = (given: string) => given as HomeserverRouteName;
    switch (verb) {
      case "stop":
        await this.#homeserver.stop();
        return [];
      case "start":
        await this.#homeserver.restart();
        return [];
      case "fault":
        this.#homeserver.fault(fault(rest[0]), {
          ...(rest[1] === undefined ? {} : { times: Number(rest[1]) }),
          ...(rest[2] === undefined ? {} : { retryAfterMs: Number(rest[2]) }),
        });
        return [];
      case "fault-any":
        this.#homeserver.fault(fault(rest[0]), { on: "any", times: Number(rest[1]) });
        return [];
      case "fault-at":
        this.#homeserver.fault(fault(rest[1]), { on: route(rest[0]), times: Number(rest[2]) });
        return [];
      case "rooms":
        return [`${this.#homeserver.roomIds().length} rooms`];
      case "closed":
        this.#closed = this.#homeserver.createRoom({ members: ["@carol:loopback.test"], name: "Closed" });
        return [];
      case "invite":
        this.#homeserver.invite(this.#closed, this.#bot);
        return [];
      case "ban":
        this.#homeserver.ban(this.#closed, this.#bot);
        return [];
      case "clear-faults":
        await this.#homeserver.clearFaults();
        return [];
      case "set":
        this.env[name] = value;
        return [];
      case "unset":
        delete this.env[text];
        return [];
      case "file":
        Deno.writeTextFileSync(`${this.directory}/${rest[0]}`, rest.slice(1).join(" "), { mode: 0o600 });
        return [];
      case "lines":
        Deno.writeTextFileSync(`${this.directory}/${rest[0]}`, rest.slice(1).join(" ").replaceAll("¶", "\n"), {
          mode: 0o600,
        });
        return [];
      case "chmod":
        Deno.chmodSync(`${this.directory}/${rest[1]}`, parseInt(rest[0], 8));
        return [];
      case "stdin":
        this.#stdin = new TextEncoder().encode(text.replaceAll("\\n", "\n"));
        return [];
      case "type":
        this.#typed = text.replaceAll("\\r", "\r").replaceAll("\\n", "\n").replaceAll("\\x03", "\x03").split(
          /(?<=[\r\n])/,
        );
        return [];
      case "revoke":
        this.#homeserver.revoke(this.#savedToken(), { softLogout: text === "softly" });
        return [];
      case "user":
        this.#homeserver.addUser(text);
        return [];
      case "show":
        return [JSON.stringify(JSON.parse(Deno.readTextFileSync(`${this.directory}/${text}`)))];
      case "encrypt":
        this.#homeserver.setState(text, "m.room.encryption", { algorithm: "m.megolm.v1.aes-sha2" });
        return [];
      case "power":
        this.#homeserver.setState(this.#closed, "m.room.power_levels", { events_default: Number(text) });
        return [];
      case "modes":
        return this.#modes(`${this.directory}/state/${text}`);
      case "stdin-bytes":
        this.#stdin = Uint8Array.from(rest, (byte) => parseInt(byte, 16));
        return [];
      case "later":
        this.#time = (this.#time ?? fakeRuntime().time) + Number(rest[0]) * 1000;
        return [];
      case "room":
        return this.#homeserver.events(this.#room).flatMap(({ content }) => {
          const { body, msgtype, formatted_body } = content;
          return `${msgtype}: ${JSON.stringify(body)}${rest[0] === "html" ? ` ${JSON.stringify(formatted_body)}` : ""}`;
        });
      case "ntfy":
        return this.#ntfy.messages(rest[0]).map(({ title, message, priority }) =>
          JSON.stringify({ title, message, priority })
        );
    }
    throw new Error(`Cannot run "@ ${verb}": there is no such directive`);
  }

  /** Returns the access token of the saved account. */
  #savedToken(): string {
    const path = `${this.directory}/state/accounts/%40bot%3Aloopback.test.json`;
    return JSON.parse(Deno.readTextFileSync(path)).accessToken;
  }

  #modes(folder: string): string[] {
    const mode = (path: string) => ((Deno.statSync(path).mode ?? 0) & 0o777).toString(8);
    const names = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
    return [`${mode(folder)} .`, ...names.map((name) => `${mode(`${folder}/${name}`)} ${name}`)];
  }

  /** Runs a command line and returns its output as lines of a transcript. */
  async run(line: string): Promise<string[]> {
    using runtime: FakeRuntime = fakeRuntime({
      env: this.env,
      stdin: this.#stdin,
      typed: this.#typed,
      now: this.#time,
      realIds: true,
    });
    this.#stdin = undefined;
    this.#typed = [];
    const code = await main(words(this.expand(line)).slice(1), runtime);
    this.#time = runtime.time;
    const lines = (text: string, prefix = "") =>
      text === "" ? [] : text.trimEnd().split("\n").map((part) => prefix + part);
    return [...lines(runtime.out()), ...lines(runtime.err(), "2> "), ...(code === 0 ? [] : [`= ${code}`])];
  }
}

/**
 * Runs a transcript.
 *
 * @returns the expected lines and the actual lines; they are equal if the output is as expected
 */
export async function play(text: string): Promise<{ expected: string[]; actual: string[] }> {
  await using scene = await Scene.open();
  const expected: string[] = [], actual: string[] = [];
  let pending: string[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("#") || line === "") continue;
    if (line.startsWith("$ ") || line.startsWith("@ ")) {
      actual.push(...pending, line);
      expected.push(line);
      pending = line.startsWith("$ ") ? await scene.run(line.slice(2)) : await scene.runDirective(line.slice(2));
      continue;
    }
    expected.push(line);
    // A matching line is replaced with its pattern, so that the diff contains only wrong lines.
    if (pending.length > 0 && matches(scene.expand(line), pending[0])) pending[0] = line;
    if (pending.length > 0) actual.push(pending.shift() ?? "");
  }
  actual.push(...pending);
  return { expected, actual };
}

function matches(pattern: string, line: string): boolean {
  const parts = pattern.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "u").test(line);
}

/** Splits a line into words. Quotes have the same meaning as in a shell. */
function words(line: string): string[] {
  return Array.from(
    line.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g),
    ([word]) => word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"),
  );
}
