/**
 * `demo`: demonstrates that messages are neither lost nor delivered twice. The demo runs the normal
 * commands with a test homeserver in the same process and a queue in a temporary directory. At the
 * end, the demo checks the messages in the room.
 *
 * @module
 */

import { printable } from "../../base/printable.ts";
import { formatClock } from "../../base/time.ts";
import { VARIABLES } from "../../base/variables.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { LoopbackHomeserver, RoomEvent } from "../../testing/mod.ts";
import { type Command, type CommandContext, defineCommand } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import type { Ui } from "../ui.ts";

/**
 * The time limit for waiting for the background deliverer (the process that delivers the queued
 * messages), in milliseconds.
 */
const DELIVERER_TIMEOUT_MS = 8_000;

/**
 * The variables that the commands of the demo get. Deno needs some of them to start. The variables
 * for channels, directories and proxies are left out.
 */
const PASSED_VARIABLES: ReadonlySet<string> = new Set([...VARIABLES.programs, ...VARIABLES.deno]);

/** The messages that the demo sends while the homeserver is stopped. */
const OUTAGE_MESSAGES: readonly (readonly [subject: string, body: string])[] = [
  ["Link down", "ether1 lost its carrier"],
  ["Link up", "ether1 is back after 3 min"],
  ["Certificate renewed", "router.example.org, valid for 90 days"],
];

export const demo: Command = defineCommand({
  operands: "",
  options: [],
  details: [
    "The demo uses a test homeserver that runs in the same process, and a queue in a temporary directory. You do " +
    "not need an account. At the end, the demo deletes the directory.",
  ],
  examples: ["matrix-notify demo"],
  run,
});

/** Runs the demo. Fails if a message is missing, delivered twice or in the wrong order. */
async function run(context: CommandContext): Promise<number> {
  const { ui } = context;
  const { LoopbackHomeserver } = await import("../../testing/mod.ts");
  const directory = await Deno.makeTempDir({ prefix: "matrix-notify-demo-" });
  await using homeserver = await LoopbackHomeserver.start();
  const scene = new DemoScene(directory, homeserver, context);
  try {
    const problem = await runDemo(scene);
    if (problem === undefined) return EXIT.ok;
    ui.fail(`The demo failed: ${problem}`, "please report this with the output above");
    return EXIT.software;
  } finally {
    scene.killDeliverer();
    await Deno.remove(directory, { recursive: true });
  }
}

/** Runs the steps. Returns a description of the problem, or undefined if all steps succeed. */
async function runDemo(scene: DemoScene): Promise<string | undefined> {
  scene.title("Send a message");
  if (await scene.run("send", "Backup done", "12 GB in 5 min") !== EXIT.ok) return "the first message was not accepted";

  scene.title("Stop the homeserver and send three messages");
  await scene.homeserver.stop();
  for (const [subject, body] of OUTAGE_MESSAGES) {
    if (await scene.run("send", subject, body) !== EXIT.ok) return `"${subject}" was not accepted`;
  }
  const pid = await scene.delivererPid();
  if (pid === undefined) return "no background process is running";
  scene.say(`background process ${pid} continues to retry`);

  scene.title("Start the homeserver, and kill the background process before it gets the response to a message");
  scene.homeserver.fault("hang-after-persisting", { times: 1 });
  await scene.homeserver.restart();
  if (!await scene.homeserverStoredOne()) return "the background process did not retry";
  scene.killDeliverer();
  await scene.homeserver.clearFaults();
  scene.say(`kill -9 ${pid}`);

  scene.title("Flush the queue");
  if (await scene.run("flush") !== EXIT.ok) return "the flush did not empty the queue";

  scene.title("Read the room");
  const events = scene.events();
  for (const event of events) scene.say(formatEvent(event));
  const expected = ["Backup done", ...OUTAGE_MESSAGES.map(([subject]) => subject)];
  const seen = events.map((event) => expected.find((subject) => String(event.content.body).includes(`] ${subject}\n`)));
  if (seen.join("|") !== expected.join("|")) return `the room has ${seen.length} messages: ${seen.join(", ")}`;
  scene.result(
    `${events.length} messages in the right order. No message was lost, and no message was delivered twice.`,
  );
}

/** Formats a message: `20:15:07  [jump] Link down · ether1 lost its carrier · ⏰ Queued since …`. */
function formatEvent({ origin_server_ts, content }: RoomEvent): string {
  const text = String(content.body).split("\n").filter((part) => part !== "").map(printable).join(" · ");
  return `${formatClock(origin_server_ts)}  ${text}`;
}

/** The test homeserver with a room, and a configuration that sends to this room. */
class DemoScene {
  readonly homeserver: LoopbackHomeserver;
  readonly #directory: string;
  readonly #runtime: Runtime;
  readonly #ui: Ui;
  readonly #main: CommandContext["main"];
  readonly #room: string;
  #step = 0;
  #pid: number | undefined;

  constructor(directory: string, homeserver: LoopbackHomeserver, { runtime, ui, main }: CommandContext) {
    const { userId, accessToken } = homeserver.addUser("bot");
    this.homeserver = homeserver;
    this.#directory = directory;
    this.#ui = ui;
    this.#main = main;
    this.#room = homeserver.createRoom({ members: [userId, homeserver.addUser("alice").userId] });
    // The name must not be "matrix": the MATRIX_* variables would override a channel with that
    // name.
    const demo = { kind: "matrix", homeserver: homeserver.url, accessToken, room: this.#room };
    Deno.writeTextFileSync(`${directory}/config.json`, JSON.stringify({ channels: { demo } }), { mode: 0o600 });
    this.#runtime = {
      ...runtime,
      env: (name) => PASSED_VARIABLES.has(name) ? runtime.env(name) : undefined,
      stdio: { ...runtime.stdio, stdout: (text) => this.say(text.trimEnd()), failures: () => [] },
    };
  }

  title(text: string): void {
    this.#ui.data(`${this.#step > 0 ? "\n" : ""}${this.#ui.paint(`${++this.#step}. ${text}`, "bold")}`);
  }

  say(text: string): void {
    this.#ui.data(text.replace(/^/gm, "   "));
  }

  result(text: string): void {
    this.#ui.data(`\n${this.#ui.paint(text, "green")}`);
  }

  /** Prints and runs a command line. */
  run(...argv: string[]): Promise<number> {
    const shown = argv.map((word) => word.includes(" ") ? `"${word}"` : word).join(" ");
    this.say(this.#ui.paint(`$ matrix-notify ${shown}`, "dim"));
    const paths = ["--config", `${this.#directory}/config.json`, "--state-dir", `${this.#directory}/state`];
    return this.#main([...argv, ...paths], this.#runtime);
  }

  events(): readonly RoomEvent[] {
    return this.homeserver.events(this.#room);
  }

  /** Waits until the background process that delivers messages has written its pid to its log. */
  async delivererPid(): Promise<number | undefined> {
    const deadline = this.#runtime.now() + DELIVERER_TIMEOUT_MS;
    while (this.#pid === undefined && this.#runtime.now() < deadline) {
      const log = await Deno.readTextFile(`${this.#directory}/state/deliverer.log`).catch(() => "");
      const pid = /started, pid (\d+)/.exec(log)?.[1];
      if (pid !== undefined) this.#pid = Number(pid);
      else await this.#runtime.sleep(20);
    }
    return this.#pid;
  }

  /**
   * Waits until the homeserver has stored a message without answering the request. Returns false
   * after {@linkcode DELIVERER_TIMEOUT_MS}.
   */
  async homeserverStoredOne(): Promise<boolean> {
    const giveUp = new AbortController();
    const stored = this.homeserver.received(({ fault, handled }) => fault !== undefined && handled).then(() => true);
    const result = await Promise.race([
      stored,
      this.#runtime.sleep(DELIVERER_TIMEOUT_MS, giveUp.signal).then(() => false),
    ]);
    giveUp.abort();
    return result;
  }

  killDeliverer(): void {
    try {
      if (this.#pid !== undefined) Deno.kill(this.#pid, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    this.#pid = undefined;
  }
}
