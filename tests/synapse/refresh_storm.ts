/**
 * An account with short-lived tokens, and two processes at a time that use and renew them. A proxy
 * kills both at the worst moments: before a refresh, between its answer and the save, and right
 * after it. Afterwards each notification must be in the room once, the account must still be logged
 * in, and there must be no second device.
 *
 * As a program it makes 50 sends over 60 seconds with tokens of 5 s, and prints the seed:
 *
 * ```sh
 * deno run -A --config scripts/airgap/deno.json tests/synapse/refresh_storm.ts \
 *   [SENDS] [SECONDS] [LIFETIME] [SEED]
 * ```
 *
 * @module
 */

import { inheritedConfig } from "../../scripts/std/argv.ts";
import { Synapse, type SynapseUser } from "../../scripts/synapse.ts";
import { AccountStore } from "../../src/accounts/store.ts";
import { denoRuntime } from "../../src/runtime/runtime.ts";
import { denoCache } from "../fakes/deno_cache.ts";
import { type Dice, seededDice } from "../faults/crash_dice.ts";
import { runCli, StateFolder } from "./cli.ts";

const ENTRY = new URL("../../mod.ts", import.meta.url).href;

/** Options of {@linkcode refreshStorm}. */
export interface StormOptions {
  readonly sends: number;
  /** The duration that the sends are spread over, milliseconds; 0 for one after the other. */
  readonly overMs: number;
  /**
   * True to mark the token as expired on this host before each send, instead of waiting.
   *
   * @default {false}
   */
  readonly expiresAtOnce?: boolean;
  readonly seed: number;
}

/** The result of {@linkcode refreshStorm}. */
export interface StormReport {
  readonly refreshes: number;
  /**
   * How many processes were killed before a refresh, between its answer and the save, and after it.
   */
  readonly kills: Readonly<Record<"before" | "unanswered" | "after", number>>;
  readonly delivered: number;
  /** Violated expectations. */
  readonly problems: readonly string[];
}

/** Runs the storm against a homeserver with short-lived refreshable tokens. */
export async function refreshStorm(synapse: Synapse, options: StormOptions): Promise<StormReport> {
  const dice = seededDice(options.seed);
  const user = await synapse.registerUser(`storm${options.seed}`);
  const room = await synapse.createRoom(user);
  await using state = await StateFolder.create();
  await using proxy = new KillingProxy(synapse.url, dice);
  const env = { MATRIX_NOTIFY_CONFIG: state.configWithoutBatches(), MATRIX_USER: user.userId, MATRIX_ROOM: room };
  const cli = (args: readonly string[], stdin?: string) => runCli(args, { stateDir: state.path, env, stdin });
  const problems: string[] = [], outputs: string[] = [];
  const login = await cli(["login", user.userId, "--homeserver", proxy.url], `${user.password}\n`);
  if (login.code !== 0) throw new Error(`Cannot log in: ${login.stderr}`);
  outputs.push(login.stdout, login.stderr);
  const before = await listDevices(synapse, user);

  const sent: { readonly subject: string; readonly code: number }[] = [];
  let next = 0;
  proxy.isKilling = true;
  const start = performance.now();
  async function worker(): Promise<void> {
    for (let number = next++; number < options.sends; number = next++) {
      const due = (options.overMs * number) / options.sends - (performance.now() - start);
      if (due > 0) await new Promise((resolve) => setTimeout(resolve, due));
      if (options.expiresAtOnce) await expire(state.path, user.userId);
      const subject = `Message ${number}`;
      // A sender that finds the lock taken leaves the sending to the other; `whoami` always needs
      // the token itself.
      const other = dice(2) === 0 ? spawn(["whoami"], state.path, env) : undefined;
      const sender = spawn(["send", "--no-background", subject, ""], state.path, env);
      for (const child of [other, sender]) if (child) proxy.children.add(child);
      const results = await Promise.all([other, sender].map((child) => child?.output()));
      for (const child of [other, sender]) if (child) proxy.children.delete(child);
      for (const result of results) {
        if (result === undefined) continue;
        const text = new TextDecoder().decode(result.stdout) + new TextDecoder().decode(result.stderr);
        outputs.push(text);
        if (result.signal === null && result.code !== 0) problems.push(`${subject}: exit ${result.code}: ${text}`);
        if (/\bheld\b/.test(text)) problems.push(`${subject}: ${text}`);
      }
      sent.push({ subject, code: results[1]?.code ?? -1 });
    }
  }
  await Promise.all([worker(), worker()]);
  proxy.isKilling = false;

  const flush = await cli(["flush", "--no-background"]);
  if (flush.code !== 0) problems.push(`flush: exit ${flush.code}: ${flush.stdout}${flush.stderr}`);
  const whoami = await cli(["whoami"]);
  if (whoami.code !== 0) problems.push(`whoami: exit ${whoami.code}: ${whoami.stderr}`);
  const status = JSON.parse((await cli(["status", "--json"])).stdout);
  for (const count of ["queued", "deferred", "held", "dead"]) {
    if (status[count] !== 0) problems.push(`${count} is not 0`);
  }
  const subjects = (await synapse.messages(user, room)).map(({ content }) => String(content.body).split("\n")[0]);
  for (const { subject, code } of sent) {
    const times = subjects.filter((each) => each.endsWith(`] ${subject}`)).length;
    if (times > 1 || (times === 0 && code === 0)) problems.push(`${subject} is there ${times} times, exit ${code}`);
  }
  const after = await listDevices(synapse, user);
  if (before.join() !== after.join()) problems.push(`devices before: ${before.join()}, after: ${after.join()}`);
  problems.push(...await findLeaks(state.path, outputs, [...proxy.secrets, user.password]));
  problems.push(...findOpenFiles(state.path));
  return { refreshes: proxy.refreshes, kills: proxy.kills, delivered: subjects.length, problems };
}

/** Marks the token as expired. */
async function expire(stateDir: string, userId: string): Promise<void> {
  using runtime = denoRuntime();
  await new AccountStore(stateDir).withLock(userId, { runtime, timeoutMs: 60_000 }, (locked) => {
    const account = locked.read();
    if (account !== undefined) locked.save({ ...account, expiresAt: 1 });
  });
}

/** A proxy in front of the homeserver that kills the processes which renew tokens. */
class KillingProxy implements AsyncDisposable {
  readonly children = new Set<Deno.ChildProcess>();
  readonly kills = { before: 0, unanswered: 0, after: 0 };
  /** Each token that the homeserver issued. */
  readonly secrets = new Set<string>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  isKilling = false;
  refreshes = 0;

  constructor(target: string, dice: Dice) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      const { pathname, search } = new URL(request.url);
      const isRefresh = pathname.endsWith("/refresh");
      const moment = this.isKilling && isRefresh ? dice(6) : 6;
      if (isRefresh) this.refreshes++;
      if (moment === 0) return this.#kill("before");
      const body = request.method === "GET" ? undefined : await request.text();
      const headers = new Headers(request.headers);
      headers.delete("host");
      const answer = await fetch(target + pathname + search, { method: request.method, headers, body });
      const text = await answer.text();
      for (const [, secret] of text.matchAll(/"(?:access|refresh)_token":"([^"]+)"/g)) this.secrets.add(secret);
      if (moment === 1) return this.#kill("unanswered");
      if (moment === 2) setTimeout(() => this.#kill("after"), dice(8));
      return new Response(text, { status: answer.status, headers: { "Content-Type": "application/json" } });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  #kill(when: keyof KillingProxy["kills"]): Response {
    for (const child of this.children) {
      try {
        child.kill("SIGKILL");
        this.kills[when]++;
      } catch (error) {
        // It has ended by itself.
        if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    return new Response(null, { status: 502 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function spawn(args: readonly string[], stateDir: string, env: Readonly<Record<string, string>>): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "-A", ...inheritedConfig(), ENTRY, ...args],
    env: { ...env, MATRIX_NOTIFY_STATE_DIR: stateDir, HOME: `${stateDir}/home`, DENO_DIR: denoCache() },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function listDevices(synapse: Synapse, user: SynapseUser): Promise<string[]> {
  const { devices } = await synapse.request<{ devices: { device_id: string }[] }>("/_matrix/client/v3/devices", {
    user,
  });
  return devices.map(({ device_id }) => device_id).sort();
}

/** Finds secrets in the output, and in files other than those of the accounts. */
async function findLeaks(stateDir: string, outputs: readonly string[], secrets: readonly string[]): Promise<string[]> {
  const texts = outputs.map((text): [place: string, text: string] => ["the output", text]);
  for (const path of listFiles(stateDir)) {
    if (!path.startsWith(`${stateDir}/accounts/`)) texts.push([path, await Deno.readTextFile(path)]);
  }
  return texts.filter(([, text]) => secrets.some((secret) => text.includes(secret))).map(([place]) =>
    `${place} contains a secret`
  );
}

/** Finds files of the state directory that other users can read. */
function findOpenFiles(stateDir: string): string[] {
  const own = listFiles(stateDir).filter((path) => !path.startsWith(`${stateDir}/home/`));
  return own.filter((path) => ((Deno.statSync(path).mode ?? 0) & 0o077) !== 0).map((path) => `${path} is open`);
}

function listFiles(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder)).flatMap(({ name, isDirectory }) =>
    isDirectory ? listFiles(`${folder}/${name}`) : [`${folder}/${name}`]
  );
}

if (import.meta.main) {
  const [sends = "50", seconds = "60", lifetime = "5s", seed = `${Math.floor(Math.random() * 1e6)}`] = Deno.args;
  await using synapse = await Synapse.start({ refreshableAccessTokenLifetime: lifetime });
  console.error(`seed ${seed}`);
  const report = await refreshStorm(synapse, {
    sends: Number(sends),
    overMs: Number(seconds) * 1000,
    seed: Number(seed),
  });
  console.log(JSON.stringify(report, undefined, 2));
  if (report.problems.length > 0) Deno.exitCode = 1;
}
