/** Channels of any form: one malformed channel stops only itself. */

import { assertEquals } from "@std/assert";
import { checkConfig } from "../../src/config/check.ts";
import { effectiveConfig } from "../../src/config/effective.ts";
import { loadChannelSources, loadConfig } from "../../src/config/load.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

const ODD: readonly unknown[] = [
  ...[null, 1, true, [], [1], "", " ", {}, "tgram://123456789:%zz/5"],
  ...[null, 5, "__proto__", "constructor", []].map((kind) => ({ kind })),
  { kind: "exec", command: {} },
  { kind: "webhook", url: 1, headers: [], body: "x", headerFiles: 5 },
  { kind: "webhook", url: "https://a", headers: { constructor: {} }, body: { "{{": "{{" } },
  { kind: "matrix", homeserver: {}, room: [{}], user: 5, accessToken: {} },
  { kind: "email", server: "\ud800", from: "a@\ud800", to: [] },
  { kind: "telegram", chat: {}, token: [], thread: "x" },
  { kind: "slack", url: "https://\ud800" },
  { kind: "ntfy", server: "http://[", topic: {}, proxy: "http://[", caFile: {}, certFile: [] },
  { kind: "ntfy", server: "a", topic: "b", title: "{x}{", quiet: { from: 5 }, rateLimit: { count: -1, per: "x" } },
  { kind: "ntfy", server: "a", topic: "b", batch: { over: -1 }, fallback: { channel: "__proto__", after: "9e99h" } },
];

const SCHEMES = "tgram ntfy ntfys matrix matrixs slack mailto mailtos json jsons gotify gotifys discord a".split(" ");

const PIECES = [
  ..."%zz % %c3 %00 @ @@ : / // ? & = # + -q=%zz +X-K=é to=%zz 123: 123456789:AA %3a -100 token [::1] [:: .. ".split(
    " ",
  ),
  ..."host é xn-- http:// user:pa?ss@host ?mode= smtp= from=< port= 99999 :99999 * topic=1e99 hsreq= auth= user=".split(
    " ",
  ),
  ..."constructor __proto__ ?pass= !r #a $ 😀".split(" "),
  ..." ,\u0000,\ud800,\u202e,\n,\t,\\,'".split(","),
  "A".repeat(300),
];

const NAMES = ["x", "__proto__", "constructor", "a.b", "a[0]", "", "\x1b[31m", "x y", "😀", "matrix"];

/** The same numbers in each run (Numerical Recipes, `ranqd1`). */
function createDice(seed: number): (sides: number) => number {
  return (sides) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor(seed / 2 ** 32 * sides);
  };
}

Deno.test("loadConfig() uses the other channels if a channel has any malformed form, and no reader throws", async () => {
  const dice = createDice(13);
  const pick = <Item>(items: readonly Item[]) => items[dice(items.length)];
  const folder = await Deno.makeTempDir();
  using runtime = fakeRuntime();
  const options = { configFile: `${folder}/config.json`, stateDir: folder };
  try {
    for (let round = 0; round < 1000; round++) {
      const url = `${pick(SCHEMES)}://${Array.from({ length: dice(7) }, () => pick(PIECES)).join(pick(["", "/"]))}`;
      const [name, channel] = round < ODD.length ? ["x", ODD[round]] : [pick(NAMES), url];
      const good = { kind: "ntfy", server: "https://ntfy.example.org", topic: "alerts" };
      const text = `{"channels":{${JSON.stringify(name)}:${JSON.stringify(channel)},"good":${JSON.stringify(good)}}}`;
      Deno.writeTextFileSync(options.configFile, text, { mode: 0o600 });
      const { channels } = await loadConfig(runtime, options);
      const sources = await loadChannelSources(runtime, options);
      assertEquals(channels.some(({ name }) => name === "good"), true, text);
      assertEquals(sources.some(({ name, kind }) => name === "good" && kind === "ntfy"), true, text);
      await effectiveConfig(runtime, options);
      await checkConfig(runtime, options);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("loadConfig() reports a file that is not UTF-8, and uses what it can read", async () => {
  const folder = await Deno.makeTempDir();
  using runtime = fakeRuntime();
  const path = `${folder}/config.json`;
  const text =
    '{"identity": "jümp",\n"channels": {"a": {"kind": "ntfy", "server": "https://a.example", "topic": "b"}}}';
  const latin1 = Uint8Array.from(text, (char) => char.charCodeAt(0));
  const utf16 = new Uint8Array(Uint16Array.from(text, (char) => char.charCodeAt(0)).buffer);
  const genuine = new TextEncoder().encode(text.replace("ü", "\ufffd"));
  const load = async (bytes: Uint8Array) => {
    Deno.writeFileSync(path, bytes, { mode: 0o600 });
    const { identity, channels, problems } = await loadConfig(runtime, { configFile: path, stateDir: folder });
    return [identity, channels.length, ...problems.map(({ message, hint }) => `${message} (${hint})`)];
  };
  try {
    const hint = "(save the file as UTF-8)";
    const problem = `Cannot read all characters of configuration ${path}: line 1 is not UTF-8 ${hint}`;
    assertEquals(await load(latin1), ["j\ufffdmp", 1, problem]);
    const [, count, ...problems] = await load(utf16);
    assertEquals([count, problems], [0, [`Cannot use configuration ${path}: it is not UTF-8 text ${hint}`]]);
    assertEquals(await load(genuine), ["j\ufffdmp", 1]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
