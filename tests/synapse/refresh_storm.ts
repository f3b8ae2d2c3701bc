/**
 * A session with short-lived tokens, two processes at once that use and renew it, and somebody who kills both at the worst moments: before a refresh, between its
 * answer and the save, and right after. Afterwards everything that was said must be in the room once, the session must live, and no second device may be there.
 *
 * `deno run -A scripts/with_std.ts run -A tests/synapse/refresh_storm.ts [SENDS] [SECONDS] [LIFETIME] [SEED]`: 50 sends over 60 seconds with tokens of 5s by
 * default. It prints the seed.
 *
 * @module
 */

import { inheritedConfig } from "../../scripts/std/argv.ts";
import { Synapse, type SynapseUser } from "../../scripts/synapse.ts";
import { AccountStore } from "../../src/accounts/store.ts";
import { denoRuntime } from "../../src/runtime/runtime.ts";
import { type Dice, seededDice } from "../faults/crash_dice.ts";
import { runCli, StateFolder } from "./cli.ts";

const ENTRY = new URL("../../mod.ts", import.meta.url).href;

/** How long, and how hard. */
export interface StormOptions {
  readonly sends: number;
  /** The sends are spread over so long, milliseconds; 0 for one after the other. */
  readonly overMs: number;
  /** Whether each token counts as expired on this host before the next send, so that nobody needs to wait until it is. @default {false} */
  readonly expiresAtOnce?: boolean;
  readonly seed: number;
}

/** What happened. */
export interface StormReport {
  readonly refreshes: number;
  /** How many processes died before a refresh, between its answer and the save, and after it. */
  readonly kills: Readonly<Record<"before" | "unanswered" | "after", number>>;
  readonly delivered: number;
  /** What is wrong; nothing should be. */
  readonly problems: readonly string[];
}

/** Runs the storm against a homeserver whose refreshable tokens do not live long. */
export async function refreshStorm(synapse: Synapse, options: StormOptions): Promise<StormReport> {
  const dice = seededDice(options.seed);
  const user = await synapse.registerUser(`storm${options.seed}`);
  const room = await synapse.createRoom(user);
  await using state = await StateFolder.make();
  await using front = new Front(synapse.url, dice);
  const env = { MATRIX_NOTIFY_CONFIG: state.withoutDigests(), MATRIX_USER: user.userId, MATRIX_ROOM: room };
  const cli = (args: readonly string[], stdin?: string) => runCli(args, { stateDir: state.path, env, stdin });
  const problems: string[] = [], outputs: string[] = [];
  const login = await cli(["login", user.userId, "--homeserver", front.url], `${user.password}\n`);
  if (login.code !== 0) throw new Error(`Cannot log in: ${login.stderr}`);
  outputs.push(login.stdout, login.stderr);
  const before = await devicesOf(synapse, user);

  const said: { readonly subject: string; readonly code: number }[] = [];
  let next = 0;
  front.isRough = true;
  const begun = performance.now();
  async function worker(): Promise<void> {
    for (let number = next++; number < options.sends; number = next++) {
      const due = (options.overMs * number) / options.sends - (performance.now() - begun);
      if (due > 0) await new Promise((resolve) => setTimeout(resolve, due));
      if (options.expiresAtOnce) await expire(state.path, user.userId);
      const subject = `Message ${number}`;
      // The one that finds the lock taken leaves the sending to the other; asking who it is, it needs the token itself.
      const beside = dice(2) === 0 ? spawn(["whoami"], state.path, env) : undefined;
      const sender = spawn(["send", "--no-background", subject, ""], state.path, env);
      for (const child of [beside, sender]) if (child) front.children.add(child);
      const results = await Promise.all([beside, sender].map((child) => child?.output()));
      for (const child of [beside, sender]) if (child) front.children.delete(child);
      for (const result of results) {
        if (result === undefined) continue;
        const text = new TextDecoder().decode(result.stdout) + new TextDecoder().decode(result.stderr);
        outputs.push(text);
        if (result.signal === null && result.code !== 0) problems.push(`${subject}: exit ${result.code}: ${text}`);
        if (/\bheld\b/.test(text)) problems.push(`${subject}: ${text}`);
      }
      said.push({ subject, code: results[1]?.code ?? -1 });
    }
  }
  await Promise.all([worker(), worker()]);
  front.isRough = false;

  const flush = await cli(["flush", "--no-background"]);
  if (flush.code !== 0) problems.push(`flush: exit ${flush.code}: ${flush.stdout}${flush.stderr}`);
  const whoami = await cli(["whoami"]);
  if (whoami.code !== 0) problems.push(`whoami: exit ${whoami.code}: ${whoami.stderr}`);
  const status = JSON.parse((await cli(["status", "--json"])).stdout);
  for (const count of ["queued", "deferred", "held", "dead"]) {
    if (status[count] !== 0) problems.push(`${count} is not 0`);
  }
  const subjects = (await synapse.messages(user, room)).map(({ content }) => String(content.body).split("\n")[0]);
  for (const { subject, code } of said) {
    const times = subjects.filter((each) => each.endsWith(`] ${subject}`)).length;
    if (times > 1 || (times === 0 && code === 0)) problems.push(`${subject} is there ${times} times, exit ${code}`);
  }
  const after = await devicesOf(synapse, user);
  if (before.join() !== after.join()) problems.push(`devices before: ${before.join()}, after: ${after.join()}`);
  problems.push(...await leaks(state.path, outputs, [...front.secrets, user.password]));
  problems.push(...openFiles(state.path));
  return { refreshes: front.refreshes, kills: front.kills, delivered: subjects.length, problems };
}

/** Makes the token look expired. */
async function expire(stateDir: string, userId: string): Promise<void> {
  using runtime = denoRuntime();
  await new AccountStore(stateDir).withLock(userId, { runtime, timeoutMs: 60_000 }, (held) => {
    const account = held.read();
    if (account !== undefined) held.save({ ...account, expiresAt: 1 });
  });
}

/** Stands before the homeserver, sees when tokens are renewed, and kills who renews them. */
class Front implements AsyncDisposable {
  readonly children = new Set<Deno.ChildProcess>();
  readonly kills = { before: 0, unanswered: 0, after: 0 };
  /** Every token that was given out. */
  readonly secrets = new Set<string>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  isRough = false;
  refreshes = 0;

  constructor(target: string, dice: Dice) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      const { pathname, search } = new URL(request.url);
      const isRefresh = pathname.endsWith("/refresh");
      const fate = this.isRough && isRefresh ? dice(6) : 6;
      if (isRefresh) this.refreshes++;
      if (fate === 0) return this.#kill("before");
      const body = request.method === "GET" ? undefined : await request.text();
      const headers = new Headers(request.headers);
      headers.delete("host");
      const answer = await fetch(target + pathname + search, { method: request.method, headers, body });
      const text = await answer.text();
      for (const [, secret] of text.matchAll(/"(?:access|refresh)_token":"([^"]+)"/g)) this.secrets.add(secret);
      if (fate === 1) return this.#kill("unanswered");
      if (fate === 2) setTimeout(() => this.#kill("after"), dice(8));
      return new Response(text, { status: answer.status, headers: { "Content-Type": "application/json" } });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  #kill(when: keyof Front["kills"]): Response {
    for (const child of this.children) {
      try {
        child.kill("SIGKILL");
        this.kills[when]++;
      } catch (error) {
        // It ended by itself meanwhile.
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
    env: { ...env, MATRIX_NOTIFY_STATE_DIR: stateDir, HOME: `${stateDir}/home`, ...denoDir() },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** With another home it would compile everything anew. */
function denoDir(): Record<string, string> {
  const dir = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME")}/.cache`}/deno`;
  return { DENO_DIR: dir };
}

async function devicesOf(synapse: Synapse, user: SynapseUser): Promise<string[]> {
  const { devices } = await synapse.request<{ devices: { device_id: string }[] }>("/_matrix/client/v3/devices", {
    user,
  });
  return devices.map(({ device_id }) => device_id).sort();
}

/** Secrets where none should be: in what was printed, and in any file but those of the accounts. */
async function leaks(stateDir: string, outputs: readonly string[], secrets: readonly string[]): Promise<string[]> {
  const texts = outputs.map((text): [what: string, text: string] => ["the output", text]);
  for (const path of filesBelow(stateDir)) {
    if (!path.startsWith(`${stateDir}/accounts/`)) texts.push([path, await Deno.readTextFile(path)]);
  }
  return texts.filter(([, text]) => secrets.some((secret) => text.includes(secret))).map(([what]) =>
    `${what} holds a secret`
  );
}

/** Files and folders of the state that others can look into. */
function openFiles(stateDir: string): string[] {
  const own = filesBelow(stateDir).filter((path) => !path.startsWith(`${stateDir}/home/`));
  return own.filter((path) => ((Deno.statSync(path).mode ?? 0) & 0o077) !== 0).map((path) => `${path} is open`);
}

function filesBelow(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder)).flatMap(({ name, isDirectory }) =>
    isDirectory ? filesBelow(`${folder}/${name}`) : [`${folder}/${name}`]
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
