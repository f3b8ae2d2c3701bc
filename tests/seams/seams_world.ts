/**
 * A world in which all features meet: a room with a phone that stands in for it, rules, digests, paces and quiet hours, incidents, names, files. Its
 * notifiers live in this process, each as good as a process of its own, on a clock that moves when somebody sleeps; dice say what happens next.
 *
 * @module
 */

import type { NotificationInput } from "../../src/notification/notification.ts";
import { Notifier } from "../../src/notifier/notifier.ts";
import type { NotifierOptions, NotifyOptions } from "../../src/notifier/options.ts";
import { Queue } from "../../src/queue/queue.ts";
import type { Outcome } from "../../src/notifier/outcomes.ts";
import { LoopbackHomeserver, LoopbackNtfy } from "../../src/testing/mod.ts";
import type { Dice } from "../faults/crash_dice.ts";
import { type FakeRuntime, fakeRuntime } from "../fakes/runtime.ts";

/** One notification, and what its sender was told. */
export interface Utterance {
  /** Its subject says it. */
  readonly number: number;
  readonly input: NotificationInput;
  readonly options: NotifyOptions;
  /** When it was said, milliseconds since 1970. */
  readonly time: number;
  /** What its sender was told; undefined when it was killed before that. */
  outcomes?: readonly Outcome[];
  /** Whether somebody asked for it by its id: then it passes others. */
  wasAsked?: boolean;
}

/** How a process ends that is killed: with its `after`-th request, before it leaves or when its answer comes. */
export interface Doom {
  readonly after: number;
  readonly hearsNothing: boolean;
}

/** The world. */
export class SeamsWorld implements AsyncDisposable {
  readonly runtime: FakeRuntime = fakeRuntime({ realIds: true });
  readonly stateDir: string = Deno.makeTempDirSync({ prefix: "seams-" });
  readonly said: Utterance[] = [];
  /** What somebody dropped, by id. */
  readonly dropped = new Set<string>();
  /** What may have arrived although nobody knows, by id. */
  readonly doubtful = new Set<string>();
  /** What was ever buried, by id. */
  readonly everDead = new Set<string>();
  /** How often the phone may have been told something without anybody hearing that it was. */
  unheard = 0;
  readonly warnings: string[] = [];
  readonly homeserver: LoopbackHomeserver;
  readonly ntfy: LoopbackNtfy;
  readonly rooms: readonly string[];
  /** Reads the journal all the time, and remembers how everything ends. */
  readonly witness: Queue;
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
    this.witness = Queue.open(this.stateDir, runtime);
  }

  /** Makes one in which all is well. */
  static async open(dice: Dice): Promise<SeamsWorld> {
    const runtime = fakeRuntime({ realIds: true });
    const { now } = runtime;
    const homeserver = await LoopbackHomeserver.start({ now });
    const ntfy = await LoopbackNtfy.start({ now, maxFileBytes: 1000 });
    return new SeamsWorld(homeserver, ntfy, runtime, dice);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.homeserver[Symbol.asyncDispose]();
    await this.ntfy[Symbol.asyncDispose]();
    this.runtime[Symbol.dispose]();
    Deno.removeSync(this.stateDir, { recursive: true });
  }

  /** Another process. */
  notifier(options: Partial<NotifierOptions> = {}): Promise<Notifier> {
    const [room, other] = this.rooms;
    const quiet = this.#isQuiet ? { from: "23:00", to: "00:00" } as const : undefined;
    return Notifier.open({
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
      flood: { backlog: 3 },
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
      runtime: { ...this.runtime, ...options.runtime },
    });
  }

  /** Runs something in a process of its own, which may be killed at a request. */
  async process<Result>(
    work: (notifier: Notifier) => Promise<Result>,
    { doom, ...options }: Partial<NotifierOptions> & { readonly doom?: Doom } = {},
  ): Promise<Result | undefined> {
    const { runtime } = this;
    const death = Promise.withResolvers<undefined>();
    const forever = new Promise<never>(() => {});
    let requests = 0, isDead = false;
    const fetch: typeof runtime.fetch = async (input, init) => {
      const isFatal = doom !== undefined && ++requests === doom.after;
      if (isFatal && !doom.hearsNothing || isDead) return await die();
      const response = await runtime.fetch(input, init).catch((error) => {
        this.look({ isUnheard: true });
        throw error;
      });
      if (response.status >= 500) this.look({ isUnheard: true });
      if (!isFatal && !isDead) return response;
      await response.body?.cancel();
      this.unheard++;
      return await die();
    };
    const die = () => {
      this.look({ isUnheard: true });
      isDead = true;
      death.resolve(undefined);
      return forever;
    };
    const sleep: typeof runtime.sleep = (ms, signal) => isDead ? forever : runtime.sleep(ms, signal);
    const notifier = await this.notifier({ ...options, runtime: { fetch, sleep } });
    const result = await Promise.race([work(notifier), death.promise]);
    // Whoever was about to write something does so, as far as it comes.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
    await notifier[Symbol.asyncDispose]();
    this.look();
    return result;
  }

  /** Whether an entry went to a room, where a lost acknowledgement costs no more than another try. */
  isInRoom(id: string): boolean {
    return this.homeserver.events(this.rooms[0]).concat(this.homeserver.events(this.rooms[1]))
      .some(({ content }) => content["dev.matrix-notify.id"] === id);
  }

  /** The witness reads what is new; where an answer was not heard, what is under way may have arrived. */
  look({ isUnheard = false } = {}): void {
    this.witness.refresh();
    for (const entry of this.witness.state.entries()) {
      for (const { id, dead } of [entry, ...entry.members ?? []]) {
        if (entry.inDoubt || (isUnheard && entry.inFlight)) this.doubtful.add(id);
        if (dead) this.everDead.add(id);
        if (this.witness.state.finalState(id) === undefined) this.witness.state.watch([id]);
      }
    }
  }
}
