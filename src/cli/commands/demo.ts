/**
 * `demo`: the promise, shown. It runs the real commands against a homeserver within this process and a queue in a temporary directory, and it
 * believes nothing but the room.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import { LoopbackHomeserver, type RoomEvent } from "../../testing/mod.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { printable, type Ui } from "../ui.ts";

/** How long the background deliverer may take to come round. */
const PATIENCE_MS = 8_000;

/** What is sent while the homeserver is away. */
const DURING_THE_OUTAGE: readonly (readonly [subject: string, body: string])[] = [
  ["Link down", "ether1 lost its carrier"],
  ["Link up", "ether1 is back after 3 min"],
  ["Certificate renewed", "router.example.org, valid for 90 days"],
];

/** Runs the demo; 0 only if the room holds each message once and in order. */
export async function demo(context: CommandContext): Promise<number> {
  const { ui } = context;
  const directory = await Deno.makeTempDir({ prefix: "matrix-notify-demo-" });
  await using homeserver = await LoopbackHomeserver.start();
  const stage = new Stage(directory, homeserver, context);
  try {
    const problem = await play(stage);
    if (problem === undefined) return EXIT.ok;
    ui.fail(`The demo failed: ${problem}`, "this should not happen; please report it with the output above");
    return EXIT.software;
  } finally {
    stage.killDeliverer();
    await Deno.remove(directory, { recursive: true });
  }
}

/** @returns what went wrong */
async function play(stage: Stage): Promise<string | undefined> {
  stage.title("A message");
  if (await stage.run("send", "Backup done", "12 GB in 5 min") !== EXIT.ok) return "the first message was not taken";

  stage.title("The homeserver is gone; three more messages");
  await stage.homeserver.stop();
  for (const [subject, body] of DURING_THE_OUTAGE) {
    if (await stage.run("send", subject, body) !== EXIT.ok) return `"${subject}" was not taken`;
  }
  const pid = await stage.delivererPid();
  if (pid === undefined) return "no deliverer keeps trying in the background";
  stage.say(`a deliverer keeps trying in the background, pid ${pid}`);

  stage.title("The homeserver is back and takes a message, but the deliverer is killed before it hears of it");
  stage.homeserver.fault("hang-after-persisting", { times: 1 });
  await stage.homeserver.restart();
  if (!await stage.homeserverTookOne()) return "the deliverer did not try again";
  stage.killDeliverer();
  await stage.homeserver.clearFaults();
  stage.say(`kill -9 ${pid}`);

  stage.title("A flush");
  if (await stage.run("flush") !== EXIT.ok) return "something was left after the flush";

  stage.title("The room, as its members see it");
  const events = stage.events();
  for (const event of events) stage.say(line(event));
  const expected = ["Backup done", ...DURING_THE_OUTAGE.map(([subject]) => subject)];
  const seen = events.map((event) => expected.find((subject) => String(event.content.body).includes(`] ${subject}\n`)));
  if (seen.join("|") !== expected.join("|")) return `the room holds ${seen.length} messages: ${seen.join(", ")}`;
  stage.verdict(`${events.length} messages, each once, in order. Nothing was lost, nothing came twice.`);
}

/** `20:15:07  [jump] Link down · ether1 lost its carrier · ⏰ Queued since …`. */
function line({ origin_server_ts, content }: RoomEvent): string {
  const clock = new Date(origin_server_ts).toTimeString().slice(0, 8);
  const text = String(content.body).split("\n").filter((part) => part !== "").map(printable).join(" · ");
  return `${clock}  ${text}`;
}

/** Where the demo plays: a homeserver with a room, a configuration that knows it, and the program. */
class Stage {
  readonly homeserver: LoopbackHomeserver;
  readonly #directory: string;
  readonly #runtime: Runtime;
  readonly #ui: Ui;
  readonly #main: CommandContext["main"];
  readonly #room: string;
  #act = 0;
  #pid: number | undefined;

  constructor(directory: string, homeserver: LoopbackHomeserver, { runtime, ui, main }: CommandContext) {
    const { userId, accessToken } = homeserver.addUser("bot");
    this.homeserver = homeserver;
    this.#directory = directory;
    this.#ui = ui;
    this.#main = main;
    this.#room = homeserver.createRoom({ members: [userId, homeserver.addUser("alice").userId] });
    // Called so that no variable of the environment means it.
    const demo = { kind: "matrix", homeserver: homeserver.url, accessToken, room: this.#room };
    Deno.writeTextFileSync(`${directory}/config.json`, JSON.stringify({ channels: { demo } }), { mode: 0o600 });
    this.#runtime = {
      ...runtime,
      env: () => undefined,
      stdio: { ...runtime.stdio, stdout: (text) => this.say(text.trimEnd()) },
    };
  }

  title(text: string): void {
    this.#ui.data(`${this.#act > 0 ? "\n" : ""}${this.#ui.paint(`${++this.#act}. ${text}`, "bold")}`);
  }

  say(text: string): void {
    this.#ui.data(text.replace(/^/gm, "   "));
  }

  verdict(text: string): void {
    this.#ui.data(`\n${this.#ui.paint(text, "green")}`);
  }

  /** Runs the program as the shell would. */
  run(...argv: string[]): Promise<number> {
    const shown = argv.map((word) => word.includes(" ") ? `"${word}"` : word).join(" ");
    this.say(this.#ui.paint(`$ matrix-notify ${shown}`, "dim"));
    const places = ["--config", `${this.#directory}/config.json`, "--state-dir", `${this.#directory}/state`];
    return this.#main([...argv, ...places], this.#runtime);
  }

  events(): readonly RoomEvent[] {
    return this.homeserver.events(this.#room);
  }

  /** The process that delivers in the background says in its log who it is. */
  async delivererPid(): Promise<number | undefined> {
    const deadline = this.#runtime.now() + PATIENCE_MS;
    while (this.#pid === undefined && this.#runtime.now() < deadline) {
      const log = await Deno.readTextFile(`${this.#directory}/state/deliverer.log`).catch(() => "");
      const pid = /started, pid (\d+)/.exec(log)?.[1];
      if (pid !== undefined) this.#pid = Number(pid);
      else await this.#runtime.sleep(20);
    }
    return this.#pid;
  }

  async homeserverTookOne(): Promise<boolean> {
    const giveUp = new AbortController();
    const took = this.homeserver.received(({ fault, handled }) => fault !== undefined && handled).then(() => true);
    const result = await Promise.race([took, this.#runtime.sleep(PATIENCE_MS, giveUp.signal).then(() => false)]);
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
