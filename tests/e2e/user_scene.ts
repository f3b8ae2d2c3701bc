/** An unprivileged user of this host, who uses everything of a program. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { UNPRIVILEGED_ID } from "../fakes/unprivileged_user.ts";

/** Options of {@linkcode UserScene.run}. */
export interface UserRunOptions {
  /** Variables besides those that each run has. */
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input. */
  readonly input?: string;
  /** The working directory. @default one that the user cannot write */
  readonly cwd?: string;
}

/**
 * An unprivileged user with an empty home directory, and a homeserver on the loopback interface.
 */
export class UserScene implements AsyncDisposable {
  /** The home directory, which only this user can open. */
  readonly home: string;
  /** A directory that this user cannot write. */
  readonly shared: string;
  readonly homeserver: LoopbackHomeserver;

  private constructor(home: string, shared: string, homeserver: LoopbackHomeserver) {
    this.home = home;
    this.shared = shared;
    this.homeserver = homeserver;
  }

  static async create(): Promise<UserScene> {
    const homeserver = await LoopbackHomeserver.start();
    // Other users cannot reach the temporary directory of the tests.
    const [home, shared] = [await Deno.makeTempDir({ dir: "/tmp" }), await Deno.makeTempDir({ dir: "/tmp" })];
    await Deno.chown(home, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
    await Deno.chmod(shared, 0o755);
    return new UserScene(home, shared, homeserver);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.homeserver[Symbol.asyncDispose]();
    for (const path of [this.home, this.shared]) await Deno.remove(path, { recursive: true });
  }

  /**
   * Runs a command as the user. Returns its standard output.
   *
   * @throws {AssertionError} if the command fails
   */
  async run(command: readonly string[], { env, input = "", cwd = "/" }: UserRunOptions = {}): Promise<string> {
    const child = new Deno.Command("setpriv", {
      args: [`--reuid=${UNPRIVILEGED_ID}`, `--regid=${UNPRIVILEGED_ID}`, "--clear-groups", ...command],
      cwd,
      clearEnv: true,
      env: { HOME: this.home, TMPDIR: this.home, NO_COLOR: "1", PATH: `${this.home}/.local/bin:/usr/bin:/bin`, ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input)).then(() => writer.close()).catch(() => {});
    const { code, stdout, stderr } = await child.output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals(code, 0, `${command.join(" ")}: ${out}${err}`);
    return out;
  }

  /**
   * Uses the demo, the formats, files, mails, the queue in an outage, `setup` and `doctor` of a
   * program, and checks what arrives.
   */
  async useEverything(program: readonly string[], places: Readonly<Record<string, string>> = {}): Promise<void> {
    const { homeserver } = this;
    const { userId, accessToken, password } = homeserver.addUser("bot");
    const room = homeserver.createRoom({ members: [userId] });
    const login = { MATRIX_HOMESERVER: homeserver.url, MATRIX_ACCESS_TOKEN: accessToken, MATRIX_ROOM: room };
    const file = `${this.shared}/attached.txt`;
    await Deno.writeTextFile(file, "text");
    await Deno.writeTextFile(`${this.home}/password`, password, { mode: 0o600 });
    await Deno.chown(`${this.home}/password`, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
    const run = (args: readonly string[], env: Readonly<Record<string, string>> = login, input?: string) =>
      this.run([...program, ...args], { env: { ...places, ...env }, input });
    assertStringIncludes(await run(["demo"], {}), "No message was lost");
    await run(["send", "Markdown", "**bold**", "--format", "markdown"]);
    await run(["send", "HTML", "<b>bold</b>", "--format", "html"]);
    await run(["send", "File", "", "--attach", file]);
    await run(["sendmail", "root"], login, "Subject: Mail\nContent-Type: text/html\n\n<p>hello</p>\n");
    await homeserver.stop();
    assertStringIncludes(await run(["send", "Queued", "later", "--wait", "0s"]), "queued");
    await homeserver.restart();
    await homeserver.received(({ status, method }) => method === "PUT" && status === 200, 6);
    await run(["send", "Flushed", "", "--wait", "0s", "--no-background"]);
    await run(["flush"]);
    const account = ["--user", userId, "--homeserver", homeserver.url, "--password-file", `${this.home}/password`];
    await run(["setup", ...account, "--room", room, "--yes", "--no-test"], {});
    await run(["send", "After setup", "Body"], {});
    // `doctor` exits with 1 for its warnings: this user has no timer.
    const doctor = await this.run(["sh", "-c", '"$@"; [ "$?" -le 1 ]', "sh", ...program, "doctor"], { env: places });
    assertStringIncludes(doctor, "0 failures");
    const events = homeserver.events(room).map(({ content }) => String(content.body).replace(/^\[.*?\] /, ""));
    assertEquals(events.map((body) => body.split("\n")[0]), [
      ...["Markdown", "HTML", "File", "attached.txt", "Mail", "Queued", "Flushed", "After setup"],
    ]);
  }
}
