/**
 * The setting of one injection: a homeserver, its rooms, a state directory, and senders. Senders
 * are real processes, or notifiers in this process, each of which stands for a process. The clock
 * of notifiers is virtual and moves during sleeps. All messages are recorded, and the oracle judges
 * at the end.
 *
 * @module
 */

import type { Severity } from "../../src/notification/notification.ts";
import { NotifierCore } from "../../src/notifier/core.ts";
import type { CoreOptions } from "../../src/notifier/wiring.ts";
import type { Outcome } from "../../src/notifier/outcomes.ts";
import { type HomeserverOptions, LoopbackHomeserver } from "../../src/testing/mod.ts";
import { type FakeRuntime, fakeRuntime } from "../fakes/runtime.ts";
import { expandBatchBody } from "./batch_body.ts";
import { formatVerdict, judge, type ReceivedMessage, type SentMessage } from "./oracle.ts";
import { commandLine, type Ending, formatEnding, type Running, start } from "./process.ts";
import { NOTHING, type Tally } from "./tally.ts";

/** The software of the homeserver, and the number of rooms. */
export interface WorldOptions extends Pick<HomeserverOptions, "software" | "transactions"> {
  /** @default {1} */
  readonly rooms?: number;
  /** The start of the virtual clock, in milliseconds since 1970. @default half a minute ago */
  readonly now?: number;
}

/** Options of a message. */
export interface MessageOptions {
  readonly message?: string;
  /** @default the first room */
  readonly room?: string;
  readonly severity?: Severity;
}

/** Printed if a message was sent without the queue. Such a message can overtake others. */
const UNQUEUED = "the notification was sent without the queue";

/** The time limit of the last flush by the virtual clock, longer than any Retry-After. */
const LAST_FLUSH_MS = 2 * 86_400_000;

/** Creates a message with characters that are easily damaged. */
export function createMessage(subject: string): string {
  return `Body of ${subject}: "quotes", \\ a backslash, äöü 😀\n\tand a second line <b>&amp;</b>`;
}

/** Only waits for a lock sleep so shortly. */
const LOCK_POLL_MS = 25;

/** Homeserver, rooms, state directory, clock, and all messages that were sent. */
export class World implements AsyncDisposable {
  readonly homeserver: LoopbackHomeserver;
  /** The clock of the notifiers in this process, and of the homeserver. */
  readonly runtime: FakeRuntime;
  readonly directory: string = Deno.makeTempDirSync({ prefix: "fault-" });
  readonly stateDir: string = `${this.directory}/state`;
  readonly rooms: readonly string[];
  readonly userId: string;
  accessToken: string;
  readonly sent: SentMessage[] = [];
  /** Warnings of notifiers in this process. */
  readonly warnings: string[] = [];
  /** Whether the directory is kept, to find out what went wrong. */
  keepsEvidence = false;
  /**
   * The minimum step of the virtual clock in a sleep. Without it, days in steps of 250 ms take
   * long.
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

  /** Starts a homeserver without faults. */
  static async open({ rooms = 1, now = Date.now() - 30_000, ...options }: WorldOptions = {}): Promise<World> {
    const runtime = fakeRuntime({ realIds: true, now });
    return new World(await LoopbackHomeserver.start({ ...options, now: runtime.now }), runtime, rooms);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.homeserver[Symbol.asyncDispose]();
    this.runtime[Symbol.dispose]();
    if (!this.keepsEvidence) Deno.removeSync(this.directory, { recursive: true });
  }

  /** Opens a notifier that stands for another process. */
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
   * Sleeps by the virtual clock. Waits for a lock also sleep by the real clock: a process that is
   * being started has copies of our open files until it runs its program.
   */
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const least = Math.max(ms, this.stepMs);
    if (least <= LOCK_POLL_MS) await new Promise((resolve) => setTimeout(resolve, least));
    await this.runtime.sleep(least, signal);
  }

  /** Sends a message in this process. An error counts as a rejection. */
  async notify(
    subject: string,
    { notifier, waitMs, ...options }: MessageOptions & { readonly notifier?: NotifierCore; readonly waitMs?: number } =
      {},
  ): Promise<readonly Outcome[]> {
    const { room = this.rooms[0], message = createMessage(subject), severity } = options;
    await using own = notifier ? undefined : await this.notifier();
    const began = this.tick();
    const record = (answer: SentMessage["answer"]) => this.record({ lane: room, subject, message, answer, began });
    try {
      const outcomes = await (notifier ?? own)!.notify({ subject, message, severity }, { room, waitMs });
      record(outcomes.some(({ state }) => state === "dead") ? "rejected" : "acknowledged");
      return outcomes;
    } catch (error) {
      record("rejected");
      throw error;
    }
  }

  /** Sends a message by a real process. */
  async send(
    subject: string,
    options: MessageOptions & ProcessOptions & SendExcuses = {},
  ): Promise<Ending> {
    const { room = this.rooms[0], message = createMessage(subject), file, mayBeDelivered } = options;
    const began = this.tick();
    const args = ["send", subject, message, "--room", room, ...options.args ?? [], ...this.#attach(file)];
    const ending = await this.start(args, options).ending;
    const mayOvertake = options.mayOvertake || ending.text.includes(UNQUEUED);
    const common = { lane: room, answer: toAnswer(ending, mayBeDelivered), began, mayOvertake };
    this.record({ subject, message, ...common });
    if (file !== undefined) {
      Deno.removeSync(`${this.directory}/${file}`);
      this.record({ subject: file, message: "", ...common });
    }
    return ending;
  }

  /** Creates a file whose content is its name. */
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

  /** The environment of real processes. */
  env(): Record<string, string> {
    return {
      MATRIX_HOMESERVER: this.homeserver.url,
      MATRIX_ACCESS_TOKEN: this.accessToken,
      MATRIX_ROOM: this.rooms[0],
      MATRIX_NOTIFY_STATE_DIR: this.stateDir,
      XDG_CONFIG_HOME: this.directory,
    };
  }

  /** Turns batches and the rate limit off for real processes. */
  disableBatches(): void {
    Deno.mkdirSync(`${this.directory}/matrix-notify`);
    Deno.writeTextFileSync(`${this.directory}/matrix-notify/config.json`, JSON.stringify({ batch: false }));
  }

  /** Returns the next time of a logical clock that all senders share. */
  tick(): number {
    return ++this.#ticks;
  }

  /** Records a message. */
  record(sent: Omit<SentMessage, "ended">): void {
    this.sent.push({ ...sent, ended: this.tick() });
  }

  /** Returns all messages in the rooms. A batch counts as its members. */
  received(): ReceivedMessage[] {
    return this.rooms.flatMap((lane) =>
      this.homeserver.events(lane).flatMap(({ content }) => expandBatchBody({ lane, body: String(content.body) }))
    );
  }

  /**
   * Ends an injection after its fault is over: sends another message to each room and flushes. Then
   * the queue must be empty, and the oracle judges.
   *
   * @param excuses deviations that are allowed
   */
  async recover(excuses: Excuses = {}): Promise<Tally> {
    const { runtime } = this;
    // Real processes may have written later times.
    if (!excuses.keepsClock) runtime.time = Math.max(runtime.time, Date.now());
    const round = ++this.#rounds;
    for (const room of this.rooms) await this.notify(`afterwards ${round}`, { room });
    await using notifier = await this.notifier();
    await notifier.flush({ waitMs: LAST_FLUSH_MS });
    const { queued, deferred, held, dead, possibleDuplicates } = notifier.status();
    const verdict = judge(this.sent, this.received());
    const problems = formatVerdict(verdict);
    const uncounted = excuses.mayCount ? 0 : possibleDuplicates;
    if (queued + deferred + held + Math.max(0, dead - (excuses.dead ?? 0)) + uncounted > 0) {
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

/** Deviations that are allowed. */
export interface Excuses {
  /**
   * Possible duplicates may be counted: the server gives no way to find out whether it got a
   * message.
   */
  readonly mayCount?: boolean;
  /** The expected number of dead letters. */
  readonly dead?: number;
  /** The clock is not set to the real time. */
  readonly keepsClock?: boolean;
}

/** Deviations of a sender that are allowed. */
export interface SendExcuses {
  /** A rejected message may be delivered: the disk does not let the sender undo it. */
  readonly mayBeDelivered?: boolean;
  /** The message may overtake others: the sender may not see the queue. */
  readonly mayOvertake?: boolean;
}

/** How a process is run. */
export interface ProcessOptions {
  /** The name of an attachment. */
  readonly file?: string;
  /** Further arguments. */
  readonly args?: readonly string[];
  /** A program that injects the fault and runs the command. */
  readonly through?: readonly string[];
  /** Further environment variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Returns what the caller of a process knows. */
export function toAnswer(ending: Ending, mayBeDelivered = false): SentMessage["answer"] {
  if (ending.code === 0) return "acknowledged";
  return ending.code === undefined || mayBeDelivered ? "unknown" : "rejected";
}

/** Describes a command that did not end with exit code 0. */
export function findFailure(what: string, ending: Ending): readonly string[] {
  return ending.code === 0 ? [] : [`${what}: ${formatEnding(ending)}`];
}
