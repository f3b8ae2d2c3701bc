/**
 * The setting of a random run: two rooms with an ntfy topic as their fallback, routing rules,
 * batches, rate limits, quiet hours, incidents, idempotency keys and attachments.
 *
 * Notifiers run in this process, but each one stands for a process of its own. The clock is
 * virtual: it moves when a notifier sleeps.
 *
 * @module
 */

import type { NotificationInput } from "../../src/notification/notification.ts";
import { NotifierCore } from "../../src/notifier/core.ts";
import type { NotifyOptions } from "../../src/notifier/options.ts";
import type { CoreOptions } from "../../src/notifier/wiring.ts";
import { Queue } from "../../src/queue/queue.ts";
import type { Outcome } from "../../src/notifier/outcomes.ts";
import { LoopbackHomeserver, LoopbackNtfy } from "../../src/testing/mod.ts";
import type { Dice } from "../faults/crash_dice.ts";
import { type FakeRuntime, fakeRuntime } from "../fakes/runtime.ts";
import { receivedByPhone } from "./received.ts";

/** A notification and its outcomes. */
export interface SentNotification {
  /** Counted from 0. The subject contains it. */
  readonly number: number;
  readonly input: NotificationInput;
  readonly options: NotifyOptions;
  /** When `notify()` was called, in milliseconds since 1970. */
  readonly time: number;
  /** What `notify()` returned. If the sender was killed: the entries that it left in the queue. */
  outcomes?: readonly Outcome[];
  /** True if it was retried or dropped by its id. It may then overtake others. */
  wasForced?: boolean;
}

/** Kills a process at one of its HTTP requests. */
export interface PlannedKill {
  /** Which request, counted from 1. */
  readonly after: number;
  /** False: before the request leaves. True: when its response arrives. */
  readonly afterResponse: boolean;
}

/** Servers, state directory, clock, and all that was sent so far. */
export class FeaturesWorld implements AsyncDisposable {
  readonly runtime: FakeRuntime = fakeRuntime({ realIds: true });
  readonly stateDir: string = Deno.makeTempDirSync({ prefix: "features-" });
  readonly sent: SentNotification[] = [];
  /** Ids of entries that `queue drop` removed. */
  readonly dropped = new Set<string>();
  /** Ids of entries with an attempt whose outcome is unknown. */
  readonly inDoubt = new Set<string>();
  /** Ids of all entries that were a dead letter at some time. */
  readonly everDead = new Set<string>();
  /**
   * The number of notifications that reached the phone, but whose answers were lost. ntfy accepts
   * the same message twice, and its messages cannot be read back. The members of a lost batch can
   * be repeated one by one.
   */
  possiblePhoneRepeats = 0;
  readonly warnings: string[] = [];
  /**
   * The size of the journal after its last compaction, in bytes. A compaction syncs the whole file.
   */
  syncedBytes = 0;
  #journalInode: number | null = null;
  readonly homeserver: LoopbackHomeserver;
  readonly ntfy: LoopbackNtfy;
  readonly rooms: readonly string[];
  /** Reads the journal after every step and keeps the final state of each entry. */
  readonly observer: Queue;
  readonly #accessToken: string;
  readonly #isQuiet: boolean;

  private constructor(homeserver: LoopbackHomeserver, ntfy: LoopbackNtfy, runtime: FakeRuntime, dice: Dice) {
    this.runtime = runtime;
    this.homeserver = homeserver;
    this.ntfy = ntfy;
    const { userId, accessToken } = homeserver.addUser("bot");
    this.#accessToken = accessToken;
    this.rooms = [0, 1].map(() => homeserver.createRoom({ members: [userId] }));
    this.#isQuiet = dice(3) === 0;
    this.observer = Queue.open(this.stateDir, runtime);
  }

  /** Starts the servers without faults. */
  static async open(dice: Dice): Promise<FeaturesWorld> {
    const runtime = fakeRuntime({ realIds: true });
    const { now } = runtime;
    const homeserver = await LoopbackHomeserver.start({ now });
    const ntfy = await LoopbackNtfy.start({ now, maxFileBytes: 1000 });
    return new FeaturesWorld(homeserver, ntfy, runtime, dice);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.homeserver[Symbol.asyncDispose]();
    await this.ntfy[Symbol.asyncDispose]();
    this.runtime[Symbol.dispose]();
    Deno.removeSync(this.stateDir, { recursive: true });
  }

  /** Opens a notifier that stands for another process. */
  notifier(options: Partial<CoreOptions> = {}): Promise<NotifierCore> {
    const [room, other] = this.rooms;
    const quiet = this.#isQuiet ? { from: "23:00", to: "00:00" } as const : undefined;
    return NotifierCore.open({
      stateDir: this.stateDir,
      channels: {
        matrix: {
          homeserver: this.homeserver.url,
          accessToken: this.#accessToken,
          room: [room, other],
          fallback: { channels: "phone", after: "10m" },
          ...(quiet ? { quiet } : {}),
        },
        phone: { kind: "ntfy", server: this.ntfy.url, topic: "alerts" },
      },
      batch: { over: 3 },
      routes: [
        {
          when: { severity: "critical" },
          set: { matrix: { fallback: { channels: "phone", after: "2m" } } },
          continue: true,
        },
        { when: { origin: "mute" }, channels: [] },
        { when: { origin: "other" }, set: { matrix: { room: other } } },
        { when: { origin: "one room" }, set: { matrix: { room } } },
        { when: { origin: "everywhere" }, channels: "*" },
        { when: { origin: "alone" }, set: { matrix: { fallback: false } } },
      ],
      onWarning: (text) => this.warnings.push(text),
      ...options,
      runtime: { ...this.runtime, ...options.runtime, hostname: () => this.#observeBeforeCompaction() },
    });
  }

  /**
   * Runs a function with a notifier that stands for another process.
   *
   * @returns its result, or undefined if the process was killed
   */
  async process<Result>(
    work: (notifier: NotifierCore) => Promise<Result>,
    { kill, ...options }: Partial<CoreOptions> & { readonly kill?: PlannedKill } = {},
  ): Promise<Result | undefined> {
    const { runtime } = this;
    const death = Promise.withResolvers<undefined>();
    const forever = new Promise<never>(() => {});
    let requests = 0, isDead = false;
    const fetch: typeof runtime.fetch = async (input, init) => {
      const isFatal = kill !== undefined && ++requests === kill.after;
      if (isFatal && !kill.afterResponse || isDead) return await die();
      const before = receivedByPhone(this.ntfy).length;
      const allowRepeats = () => this.possiblePhoneRepeats += receivedByPhone(this.ntfy).length - before;
      const response = await runtime.fetch(input, init).catch((error) => {
        allowRepeats();
        this.observe({ isAnswerLost: true });
        throw error;
      });
      if (response.status >= 500) this.observe({ isAnswerLost: true });
      if (!isFatal && !isDead) return response;
      await response.body?.cancel();
      allowRepeats();
      return await die();
    };
    const die = () => {
      this.observe({ isAnswerLost: true });
      isDead = true;
      death.resolve(undefined);
      return forever;
    };
    const sleep: typeof runtime.sleep = (ms, signal) => isDead ? forever : runtime.sleep(ms, signal);
    const notifier = await this.notifier({ ...options, runtime: { ...runtime, fetch, sleep } });
    const result = await Promise.race([work(notifier), death.promise]);
    // Lets writes that have already begun finish.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
    await notifier[Symbol.asyncDispose]();
    this.observe();
    return result;
  }

  get journalPath(): string {
    return `${this.stateDir}/queue/queue.jsonl`;
  }

  /** True if an event of this entry is in a room. There a lost `ack` only costs another attempt. */
  isInRoom(id: string): boolean {
    return this.homeserver.events(this.rooms[0]).concat(this.homeserver.events(this.rooms[1]))
      .some(({ content }) => content["dev.matrix-notify.id"] === id);
  }

  /**
   * Reads new journal records and returns the name of the host. A compaction asks for this name
   * before it removes the records of superseded and cancelled entries.
   */
  #observeBeforeCompaction(): string {
    this.observe();
    return this.runtime.hostname();
  }

  /** Reads new journal records. If an answer was lost, all attempts in flight are in doubt. */
  observe({ isAnswerLost = false } = {}): void {
    this.observer.refresh();
    this.#findCompaction();
    for (const entry of this.observer.state.entries()) {
      for (const { id, dead } of [entry, ...entry.members ?? []]) {
        if (entry.inDoubt || (isAnswerLost && entry.inFlight)) this.inDoubt.add(id);
        if (dead) this.everDead.add(id);
        if (this.observer.state.finalState(id) === undefined) this.observer.state.watch([id]);
      }
    }
  }

  #findCompaction(): void {
    if (!this.observer.exists()) return;
    const { ino, size } = Deno.statSync(this.journalPath);
    if (this.#journalInode !== null && this.#journalInode !== ino) this.syncedBytes = size;
    this.#journalInode = ino;
  }
}
