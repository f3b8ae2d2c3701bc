/**
 * A healthy host, homeserver, ntfy server and configuration, in which a test can break one thing.
 */

import { examine } from "../../src/doctor/examination.ts";
import type { Finding } from "../../src/channels/check.ts";
import { denoHost, type Host } from "../../src/doctor/host.ts";
import { NotifierCore } from "../../src/notifier/core.ts";
import { LoopbackHomeserver, LoopbackNtfy, type LoopbackUser } from "../../src/testing/mod.ts";
import { type FakeRuntime, fakeRuntime } from "../fakes/runtime.ts";

/** The answers of the host's programs. */
interface HostAnswers {
  /** The type of the file system, and its free space. */
  type: string;
  freeKib: number;
  /** The number of inodes, and how many are free. */
  inodes: readonly [total: number, free: number];
  pageBytes: number;
  /** Undefined for another C library. */
  glibc: string | undefined;
  crontab: string | undefined;
  /** The state of the timer; undefined if the host does not run systemd. */
  timer: string | undefined;
}

const CRONTAB = "# flush the queue\n*/1 * * * * /usr/local/bin/matrix-notify flush --timer\n";

export class DoctorScene implements AsyncDisposable {
  readonly homeserver: LoopbackHomeserver;
  readonly ntfy: LoopbackNtfy;
  readonly runtime: FakeRuntime;
  readonly bot: LoopbackUser;
  readonly owner: LoopbackUser;
  readonly room: string;
  readonly directory: string = Deno.makeTempDirSync({ prefix: "doctor-" });
  readonly hostAnswers: HostAnswers = {
    ...{
      type: "ext4",
      freeKib: 8_000_000,
      inodes: [655_360, 600_000],
      pageBytes: 4096,
      glibc: "2.36",
      crontab: CRONTAB,
      timer: undefined,
    },
  };
  /** Answers instead of the network; undefined for the network's own answer. */
  answer: (url: URL) => Response | undefined = () => undefined;
  /** True for requests that time out at once. */
  timesOut: (url: URL) => boolean = () => false;
  /** How far the servers' clocks are ahead of ours. */
  serversAheadMs = 0;
  host: Host = {
    ...denoHost(),
    os: "linux",
    arch: "x86_64",
    isBinary: false,
    mayRunItself: () => true,
    ask: (program, args) => Promise.resolve(this.#answerFor(program, args)),
  };
  readonly #env: Record<string, string> = { HOME: this.directory };
  #config: Record<string, unknown>;

  private constructor(homeserver: LoopbackHomeserver, ntfy: LoopbackNtfy) {
    this.homeserver = homeserver;
    this.ntfy = ntfy;
    this.bot = homeserver.addUser("bot");
    this.owner = homeserver.addUser("alice");
    this.room = homeserver.createRoom({ members: [this.owner.userId, this.bot.userId] });
    const network = fakeRuntime();
    const { hostAnswers } = this;
    this.runtime = fakeRuntime({
      get hasSystemd() {
        return hostAnswers.timer !== undefined;
      },
      env: this.#env,
      realIds: true,
      fetch: async (url, init, connection) => {
        const own = this.answer(new URL(url));
        if (own !== undefined) return own;
        if (this.timesOut(new URL(url))) return await expire(this.runtime, init.signal);
        const target = url.replace(/^https:\/\/loopback\.test/, homeserver.url);
        const { body, status, headers } = await network.fetch(target, init, connection);
        const date = new Date(this.runtime.now() + this.serversAheadMs).toUTCString();
        return new Response(body, { status, headers: { ...Object.fromEntries(headers), date } });
      },
    });
    this.#network = network;
    this.file("token", this.bot.accessToken);
    this.#config = {
      channels: {
        matrix: { homeserver: homeserver.url, accessTokenFile: this.path("token"), room: this.room },
        phone: { kind: "ntfy", server: ntfy.url, topic: "alerts" },
      },
    };
    this.file("config.json", JSON.stringify(this.#config));
  }

  readonly #network: FakeRuntime;

  /** Creates a healthy scene. */
  static async set(software: "Synapse" | "Dendrite" = "Synapse"): Promise<DoctorScene> {
    return new DoctorScene(
      await LoopbackHomeserver.start({ software }),
      await LoopbackNtfy.start({ token: "tk_right", login: { user: "jump", password: "right" } }),
    )
      .withToken();
  }

  /** Gives the ntfy channel a token. */
  withToken(token = "tk_right"): this {
    this.file("ntfy", token);
    this.configure("phone", { tokenFile: this.path("ntfy") });
    return this;
  }

  /** A path in the scene's directory. */
  path(name: string): string {
    return `${this.directory}/${name}`;
  }

  get stateDir(): string {
    return this.path("state");
  }

  /** Writes a file with mode 0600. */
  file(name: string, text: string): void {
    Deno.writeTextFileSync(this.path(name), text, { mode: 0o600 });
  }

  /**
   * Changes settings of a channel; undefined removes one. A text is an Apprise URL, and replaces
   * all.
   */
  configure(channel: string, settings: Record<string, unknown> | string): void {
    const channels = this.#config.channels as Record<string, Record<string, unknown> | string>;
    const { [channel]: before } = channels;
    channels[channel] = typeof settings === "string"
      ? settings
      : { ...(typeof before === "string" ? {} : before), ...settings };
    this.file("config.json", JSON.stringify(this.#config));
  }

  /** Sends a state event to a room, as its owner. */
  async state(type: string, content: unknown, room = this.room): Promise<void> {
    const answer = await fetch(`${this.homeserver.url}/_matrix/client/v3/rooms/${room}/state/${type}`, {
      method: "PUT",
      headers: { Authorization: `Bearer ${this.owner.accessToken}` },
      body: JSON.stringify(content),
    });
    await answer.body?.cancel();
    if (answer.status !== 200) throw new Error(`Cannot create the scene: ${answer.status}`);
  }

  /** Sends a notification through the Matrix channel, with one attempt. */
  async send(subject: string, body = "", waitMs = 1): Promise<void> {
    await using notifier = await this.#open();
    await notifier.notify({ subject, message: body }, { channels: ["matrix"], waitMs });
  }

  /** Queues notifications without an attempt. */
  async queue(count: number, message = ""): Promise<void> {
    await using notifier = await this.#open();
    for (let n = 1; n <= count; n++) {
      await notifier.notify({ subject: `Number ${n}`, message }, { channels: ["matrix"], waitMs: 0 });
    }
  }

  #open(): Promise<NotifierCore> {
    const { runtime, stateDir } = this;
    return NotifierCore.open({ runtime, stateDir, configFile: this.path("config.json") });
  }

  /** Runs all checks. */
  async examine(): Promise<Finding[]> {
    const { runtime, host, stateDir } = this;
    return await Array.fromAsync(
      examine({ runtime, host, options: { configFile: this.path("config.json"), stateDir } }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.homeserver[Symbol.asyncDispose]();
    await this.ntfy[Symbol.asyncDispose]();
    this.runtime[Symbol.dispose]();
    this.#network[Symbol.dispose]();
    Deno.removeSync(this.directory, { recursive: true });
  }

  #answerFor(program: string, args: readonly string[]): string | undefined {
    const { type, freeKib, inodes: [inodes, freeInodes], pageBytes, glibc } = this.hostAnswers;
    const [word] = args;
    if (program === "stat") return `1024 9000000 ${freeKib} ${inodes} ${freeInodes}\n`;
    if (program === "df") {
      return `Filesystem Type 1024-blocks Used Available Capacity Mounted on\n/dev/disk ${type} 9000000 1 1 1% /a b\n`;
    }
    if (program === "crontab") return this.hostAnswers.crontab;
    if (program === "systemctl") return `${this.hostAnswers.timer}\n`;
    if (program !== "getconf") return undefined;
    if (word === "PAGESIZE") return `${pageBytes}\n`;
    return glibc === undefined ? undefined : `glibc ${glibc}\n`;
  }
}

/** Expires the timeout of a request at once. */
function expire(runtime: FakeRuntime, signal: AbortSignal | null | undefined): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal?.addEventListener("abort", () => reject(signal.reason));
  runtime.expireTimeouts();
  return promise;
}
