/**
 * The world of one injection: a homeserver, its rooms, a state directory, and everybody who uses
 * them. Some are real processes; others are notifiers in this process, each as good as a process,
 * on a clock that moves when they wait. Whatever was said goes into one ledger, and in the end the
 * oracle judges.
 *
 * @module
 */

import type { Severity } from "../../src/notification/notification.ts";
import { NotifierCore } from "../../src/notifier/core.ts";
import type { CoreOptions } from "../../src/notifier/wiring.ts";
import type { Outcome } from "../../src/notifier/outcomes.ts";
import { type HomeserverOptions, LoopbackHomeserver } from "../../src/testing/mod.ts";
import { type FakeRuntime, fakeRuntime } from "../fakes/runtime.ts";
import { toldBy } from "./digest_lines.ts";
import { type Heard, judge, type Said, sentences } from "./oracle.ts";
import { commandLine, type Ending, type Running, start, tell } from "./process.ts";
import { NOTHING, type Tally } from "./tally.ts";

/** What homeserver there is, and how many rooms. */
export interface WorldOptions extends Pick<HomeserverOptions, "software" | "transactions"> {
  /** @default {1} */
  readonly rooms?: number;
  /** Where the virtual clock begins, milliseconds since 1970. @default half a minute ago */
  readonly now?: number;
}

/** How something is said. */
export interface SayOptions {
  readonly message?: string;
  /** @default the first */
  readonly room?: string;
  readonly severity?: Severity;
}

/** What a sender says when no disk took its message: it may have gone out ahead of what waits. */
const UNQUEUED = "it was sent without the queue";

/** How long the last flush has patience, by the virtual clock: longer than any server asks for. */
const PATIENCE_MS = 2 * 86_400_000;

/** A message with everything that likes to break on its way. */
export function messageFor(subject: string): string {
  return `Body of ${subject}: "quotes", \\ a backslash, äöü 😀\n\tand a second line <b>&amp;</b>`;
}

/** Nobody but who waits for a lock sleeps so shortly. */
const LOCK_POLL_MS = 25;

/** The world. */
export class World implements AsyncDisposable {
  readonly homeserver: LoopbackHomeserver;
  /** The clock of the notifiers in this process, and of the homeserver. */
  readonly runtime: FakeRuntime;
  readonly directory: string = Deno.makeTempDirSync({ prefix: "fault-" });
  readonly stateDir: string = `${this.directory}/state`;
  readonly rooms: readonly string[];
  readonly userId: string;
  accessToken: string;
  readonly said: Said[] = [];
  /** What notifiers in this process warned of. */
  readonly warnings: string[] = [];
  /** Whether it stays on the disk, for whoever wants to know what went wrong in it. */
  keepsEvidence = false;
  /**
   * How far the virtual clock moves at least when somebody sleeps: days in steps of a quarter of a
   * second take long.
   */
  stepMs = 0;
  #ticks = 0;
  #rounds = 0;

  private constructor(homeserver: LoopbackHomeserver, runtime: FakeRuntime, rooms: number) {
    this.homeserver = homeserver;
    this.runtime = runtime;
    ({ userId: this.userId, accessToken: this.accessToken } = homeserver.addUser("bot"));
    this.rooms = Array.from({ length: rooms }, () => homeserver.createRoom({ members: [this.userId] }));
  }

  /** Makes one in which all is well. */
  static async open({ rooms = 1, now = Date.now() - 30_000, ...options }: WorldOptions = {}): Promise<World> {
    const runtime = fakeRuntime({ realIds: true, now });
    return new World(await LoopbackHomeserver.start({ ...options, now: runtime.now }), runtime, rooms);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.homeserver[Symbol.asyncDispose]();
    this.runtime[Symbol.dispose]();
    if (!this.keepsEvidence) Deno.removeSync(this.directory, { recursive: true });
  }

  /** Another process, in this one. */
  notifier(options: Partial<CoreOptions> = {}): Promise<NotifierCore> {
    const { homeserver: { url }, accessToken, rooms: [room], stateDir, runtime } = this;
    const channels = { matrix: { homeserver: url, accessToken, room } };
    return NotifierCore.open({
      stateDir,
      channels,
      onWarning: (text) => this.warnings.push(text),
      ...options,
      runtime: { ...runtime, sleep: (ms, signal) => this.sleep(ms, signal), ...options.runtime },
    });
  }

  /**
   * Sleeps by the virtual clock. Who asks for a lock again sleeps by the real one too: a process
   * that is just being started holds what this one has open, until it runs its program.
   */
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const least = Math.max(ms, this.stepMs);
    if (least <= LOCK_POLL_MS) await new Promise((resolve) => setTimeout(resolve, least));
    await this.runtime.sleep(least, signal);
  }

  /** Says something in this process. What it throws is a refusal. */
  async say(
    subject: string,
    { notifier, waitMs, ...said }: SayOptions & { readonly notifier?: NotifierCore; readonly waitMs?: number } = {},
  ): Promise<readonly Outcome[]> {
    const { room = this.rooms[0], message = messageFor(subject), severity } = said;
    await using own = notifier ? undefined : await this.notifier();
    const began = this.tick();
    const note = (answer: Said["answer"]) => this.note({ lane: room, subject, message, answer, began });
    try {
      const outcomes = await (notifier ?? own)!.notify({ subject, message, severity }, { room, waitMs });
      note(outcomes.some(({ state }) => state === "dead") ? "refused" : "acknowledged");
      return outcomes;
    } catch (error) {
      note("refused");
      throw error;
    }
  }

  /** Says something by a real process. */
  async send(
    subject: string,
    options: SayOptions & ProcessOptions & SendExcuses = {},
  ): Promise<Ending> {
    const { room = this.rooms[0], message = messageFor(subject), file, mayBeHalfTaken } = options;
    const began = this.tick();
    const args = ["send", subject, message, "--room", room, ...options.args ?? [], ...this.#attach(file)];
    const ending = await this.start(args, options).ending;
    const mayOvertake = options.mayOvertake || ending.text.includes(UNQUEUED);
    const common = { lane: room, answer: answerOf(ending, mayBeHalfTaken), began, mayOvertake };
    this.note({ subject, message, ...common });
    if (file !== undefined) {
      Deno.removeSync(`${this.directory}/${file}`);
      this.note({ subject: file, message: "", ...common });
    }
    return ending;
  }

  /** A file whose content is its name; its event says nothing but that. */
  #attach(file: string | undefined): string[] {
    if (file === undefined) return [];
    const path = `${this.directory}/${file}`;
    Deno.writeTextFileSync(path, file);
    return ["--attach", path];
  }

  /** Starts a command as a real process. */
  start(args: readonly string[], { through, env }: ProcessOptions = {}): Running {
    return start(commandLine(args, through), { ...this.env(), ...env });
  }

  /** What a real process finds in its environment. */
  env(): Record<string, string> {
    return {
      MATRIX_HOMESERVER: this.homeserver.url,
      MATRIX_ACCESS_TOKEN: this.accessToken,
      MATRIX_ROOM: this.rooms[0],
      MATRIX_NOTIFY_STATE_DIR: this.stateDir,
      XDG_CONFIG_HOME: this.directory,
    };
  }

  /** Real processes deliver each by itself from now on, and at once. */
  withoutDigests(): void {
    Deno.mkdirSync(`${this.directory}/matrix-notify`);
    Deno.writeTextFileSync(`${this.directory}/matrix-notify/config.json`, JSON.stringify({ flood: { digest: false } }));
  }

  /** A moment of the clock that all senders share. */
  tick(): number {
    return ++this.#ticks;
  }

  /** Writes down what was said. */
  note(said: Omit<Said, "ended">): void {
    this.said.push({ ...said, ended: this.tick() });
  }

  /** What the rooms hold; a digest counts as all that it tells of. */
  heard(): Heard[] {
    return this.rooms.flatMap((lane) =>
      this.homeserver.events(lane).flatMap(({ content }) => toldBy({ lane, body: String(content.body) }))
    );
  }

  /**
   * The fault is over: something fresh is said in each room, all must get through, nothing may be
   * left, and the oracle judges.
   *
   * @param excuses what should not be, and cannot be helped
   */
  async aftermath(excuses: Excuses = {}): Promise<Tally> {
    const { runtime } = this;
    // Real processes may have been here meanwhile.
    if (!excuses.keepsClock) runtime.time = Math.max(runtime.time, Date.now());
    const round = ++this.#rounds;
    for (const room of this.rooms) await this.say(`afterwards ${round}`, { room });
    await using notifier = await this.notifier();
    await notifier.flush({ waitMs: PATIENCE_MS });
    const { queued, deferred, held, dead, possibleDuplicates } = notifier.status();
    const verdict = judge(this.said, this.heard());
    const problems = sentences(verdict);
    const doubtful = excuses.mayCount ? 0 : possibleDuplicates;
    if (queued + deferred + held + Math.max(0, dead - (excuses.dead ?? 0)) + doubtful > 0) {
      problems.unshift(`the status: ${JSON.stringify(notifier.status())}, the warnings: ${this.warnings.join("; ")}`);
    }
    this.keepsEvidence ||= problems.length > 0;
    return {
      ...NOTHING,
      losses: verdict.losses.length,
      duplicates: verdict.duplicates.length,
      problems,
      evidence: problems.length > 0 ? [this.directory] : [],
    };
  }
}

/** What cannot be helped. */
export interface Excuses {
  /**
   * The server cannot tell whether it had a message: where a try came to nothing, a possible
   * duplicate is counted.
   */
  readonly mayCount?: boolean;
  /** How many dead letters there should be. */
  readonly dead?: number;
  /** The clock is the fault, and stays as it is. */
  readonly keepsClock?: boolean;
}

/** What a sender cannot help. */
export interface SendExcuses {
  /** The disk may not let it take back what it refuses. */
  readonly mayBeHalfTaken?: boolean;
  /** It may not see what waits. */
  readonly mayOvertake?: boolean;
}

/** How a process is run. */
export interface ProcessOptions {
  /** The name of a file that is sent with it. */
  readonly file?: string;
  /** Arguments that follow. */
  readonly args?: readonly string[];
  /** A program that runs it, and breaks something. */
  readonly through?: readonly string[];
  /** More environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What the caller of a process knows. */
export function answerOf(ending: Ending, mayBeHalfTaken = false): Said["answer"] {
  if (ending.code === 0) return "acknowledged";
  return ending.code === undefined || mayBeHalfTaken ? "unknown" : "refused";
}

/** A command that should have said 0. */
export function complaint(what: string, ending: Ending): readonly string[] {
  return ending.code === 0 ? [] : [`${what}: ${tell(ending)}`];
}
