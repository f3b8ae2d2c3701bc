/**
 * Checks, for each setting of every kind, that the schema and the parser accept the same
 * configurations.
 */

import { assert, assertEquals } from "@std/assert";
import { Ajv2020 } from "npm:ajv@8.17.1/dist/2020.js";
import type { ChannelKind } from "../../src/channels/kind.ts";
import { properties } from "../../src/channels/fields/setting.ts";
import { loadEveryKind } from "../../src/channels/registry.ts";
import { channelSettings, CONFIG_SETTINGS, parseConfig, requireValid } from "../../src/config/config.ts";
import { configSchema } from "../../src/config/schema.ts";
import { ConfigError } from "../../src/base/errors.ts";
import { PARSE_CONTEXT } from "../fakes/parse_context.ts";

type Channel = Readonly<Record<string, unknown>>;

const CONTEXT = { ...PARSE_CONTEXT, hostname: "jump", names: {} };
const validate = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false, strictTuples: false }).compile(
  await configSchema(),
);

const KINDS = new Map((await loadEveryKind()).map((kind) => [kind.name, kind]));

function kindOf(name: string): ChannelKind {
  const kind = KINDS.get(name);
  assert(kind !== undefined, name);
  return kind;
}

/** Values of every type, valid or not. */
const STRANGE: readonly unknown[] = [null, 0, -1, 1.5, 7, true, false, "", " ", "a b", "\u0000", [], [7], ["a"], {}, {
  a: 7,
}];

async function parserProblem(config: unknown): Promise<ConfigError | undefined> {
  try {
    requireValid(await parseConfig(config, CONTEXT));
  } catch (error) {
    assert(error instanceof ConfigError, String(error));
    return error;
  }
}

/** Asserts that schema and parser both accept, or both reject, a configuration. */
async function assertAgree(config: unknown, verdict?: boolean): Promise<void> {
  const problem = await parserProblem(config);
  const text = `${JSON.stringify(config)}: ${problem?.message} / ${
    JSON.stringify(validate(config) ? "" : validate.errors)
  }`;
  assertEquals(validate(config), problem === undefined, text);
  if (verdict !== undefined) assertEquals(problem === undefined, verdict, text);
}

/** The smallest channel: the settings that are required. */
function smallest({ name, settings }: ChannelKind): Channel {
  const required = Object.entries(settings).filter(([, { optional }]) => !optional);
  return { kind: name, ...Object.fromEntries(required.map(([key, { schema }]) => [key, schema.examples[0]])) };
}

/**
 * Adds a key to a channel. Also adds the setting that the key needs, and removes the settings that
 * it replaces.
 */
function withField(kind: ChannelKind, key: string, value: unknown): Channel {
  const settings = channelSettings(kind);
  const name = key in settings ? key : key.replace(/File$/, "");
  const { needs, excludes } = settings[name];
  const replaced = Object.entries(settings).filter(([other, { excludes: own, unless }]) =>
    own === name || other === excludes || unless === name
  ).map(([other]) => other);
  const rest = Object.entries(smallest(kind)).filter(([other]) => other !== name && !replaced.includes(other));
  return {
    ...Object.fromEntries(rest),
    ...(needs === undefined ? {} : { [needs]: settings[needs].schema.examples[0] }),
    [key]: value,
  };
}

/** A configuration with the channel, and another one that can be its fallback. */
const as = (channel: unknown) => ({
  channels: { some: channel, phone: { kind: "ntfy", server: "https://ntfy.example.org", topic: "alerts" } },
});

for (const kind of KINDS.values()) {
  Deno.test(`configSchema() and the parser agree on kind ${kind.name}`, async () => {
    await assertAgree(as(smallest(kind)), true);
    const { kind: _, ...unnamed } = smallest(kind);
    await assertAgree(as(unnamed), false);
    await assertAgree({ channels: { [kind.name]: unnamed } }, true);
    await assertAgree(as({ ...smallest(kind), nothing: "x" }), false);
    const settings = channelSettings(kind);
    for (const [name, setting] of Object.entries(settings)) {
      for (const [key, schema] of properties(name, setting)) {
        for (const example of schema.examples) await assertAgree(as(withField(kind, key, example)), true);
        for (const value of STRANGE) await assertAgree(as(withField(kind, key, value)));
      }
      const { schema, optional, unless, excludes, needs, hasFile } = setting;
      for (const value of Array.isArray(schema.enum) ? schema.enum : []) {
        await assertAgree(as(withField(kind, name, value)), true);
      }
      if (schema.default !== undefined) await assertAgree(as(withField(kind, name, schema.default)), true);
      const { [name]: _, ...without } = smallest(kind);
      if (!optional) await assertAgree(as(without), false);
      if (unless !== undefined) {
        await assertAgree(as(withField(kind, unless, settings[unless].schema.examples[0])), true);
      }
      const own = { ...smallest(kind), [name]: schema.examples[0] };
      if (excludes !== undefined) {
        await assertAgree(as({ ...own, [excludes]: settings[excludes].schema.examples[0] }), false);
      }
      if (needs !== undefined) await assertAgree(as(own), false);
      if (hasFile) {
        await assertAgree(as({ ...withField(kind, name, schema.examples[0]), [`${name}File`]: "/a" }), false);
      }
    }
  });
}

Deno.test("configSchema() and the parser agree on the account of a Matrix channel", async () => {
  const [user, homeserver, accessToken] = ["@a:b.org", "https://a.org", "x"];
  const some = (fields: object) => as({ kind: "matrix", room: "!a", ...fields });
  for (const fields of [{ user }, { user, homeserver }, { homeserver, accessToken }]) {
    await assertAgree(some(fields), true);
  }
  for (const fields of [{}, { homeserver }, { accessToken }, { user, accessToken }, { user, accessTokenFile: "/a" }]) {
    await assertAgree(some(fields), false);
  }
  for (const user of ["a:b.org", "@a", "@a:", "@a b:c", "@:b", " @a:[::1]:80 ", "@a:b/c", "@a:b:c:d"]) {
    await assertAgree(some({ user }));
  }
});

Deno.test("configSchema() and the parser agree on the login of an ntfy channel", async () => {
  const [user, password, token, passwordFile, tokenFile] = ["a", "b", "x", "/a", "/b"];
  const some = (fields: object) => as({ kind: "ntfy", server: "https://a.org", topic: "a", ...fields });
  const good = [{}, { token }, { tokenFile }, { user, password }, { user, passwordFile }];
  for (const fields of good) await assertAgree(some(fields), true);
  const bad = [{ user }, { password }, { passwordFile }, { user, token }, { user, password, token }];
  for (const fields of [...bad, { user, passwordFile, tokenFile }, { password, token }]) {
    await assertAgree(some(fields), false);
  }
});

Deno.test("configSchema() and the parser agree on the top of the file", async () => {
  await assertAgree({}, true);
  for (const [key, { schema }] of Object.entries(CONFIG_SETTINGS)) {
    for (const example of schema.examples) await assertAgree({ [key]: example }, true);
    for (const value of STRANGE) await assertAgree({ [key]: value });
  }
  await assertAgree({ $schema: "https://example.org/config.schema.json" }, true);
  await assertAgree({ nothing: 1 }, false);
  const ntfy = smallest(kindOf("ntfy"));
  for (const channels of [null, [], 7, "ntfy", { a: 7 }, { a: null }, { a: {} }, { ntfy: {} }, { a: { kind: "b" } }]) {
    await assertAgree({ channels }, false);
  }
  await assertAgree({ channels: { matrix: ntfy, ntfy, phone: ntfy } }, true);
  await assertAgree({ channels: { matrix: { kind: 7 } } }, false);
  const url = "ntfys://ntfy.example.org/alerts";
  await assertAgree({ channels: { phone: url, matrix: url, ntfy: url.toUpperCase(), pager: "tgram://1:AA/5" } }, true);
  for (const text of ["", "ntfys:/a/b", "discord://a/b", "https://example.org", "x ntfys://a/b"]) {
    await assertAgree({ channels: { phone: text } }, false);
    await assertAgree({ channels: { ntfy: text } }, false);
  }
});

Deno.test("configSchema() and the parser agree on rules, except for the names of channels", async () => {
  const matrix = smallest(kindOf("matrix"));
  const [when, set] = [{ origin: "a*", severity: ["info", "error+"] }, { matrix: { room: "#a:b.org" } }];
  for (const rule of [{ when, set }, { channels: [] }, { channels: "*" }, { mentions: [], continue: true }, { set }]) {
    await assertAgree({ channels: { matrix }, routes: [rule] }, true);
  }
  const bad = [
    ...[{ when: 7 }, { when: { nothing: "x" } }, { when: { origin: [] } }, { when: { subject: "" } }],
    ...[{ when: { severity: "bad" } }, { when: { severity: "info-" } }, { when: { key: ["a", "a"] } }],
    ...[{ set: { matrix: {} } }, { set: { matrix: { nothing: 1 } } }, { set: { matrix: { room: "a" } } }, { set: [] }],
    ...[{ mentions: "alice" }, { silent: 1 }, { severity: "warning+" }, { continue: "yes" }, { nothing: 1 }],
  ];
  for (const rule of bad) await assertAgree({ channels: { matrix }, routes: [{ channels: "*", ...rule }] }, false);
});

Deno.test("configSchema() and the parser agree on values that are almost right", async () => {
  const almost: [kind: string, key: string, values: unknown[]][] = [
    ["matrix", "homeserver", [
      "https://a.org/",
      "HTTPS://a.org:8448",
      "a.org",
      "https://a.org/b",
      "https://a@b.org",
      "ftp://a.org",
      "https://a.org?b",
    ]],
    ["matrix", "accessToken", ["a b", "ä", "tok-en_1.2"]],
    ["matrix", "room", ["!a", "#a:b.org", "alerts", "@a:b.org"]],
    ["matrix", "inDoubt", ["later", "SEND"]],
    ["ntfy", "topic", ["a/b", "a".repeat(64), "a".repeat(65)]],
    ["ntfy", "insecureHttp", ["true", 1]],
    ["email", "port", [465, 464]],
    ["gotify", "server", [
      "a.org/b/c/",
      "https://a.org/b",
      "https://a.org/b?c",
      "https://a.org/b#c",
      "a.org/b c",
      "//",
    ]],
    ["ntfy", "batch", [{}, { over: 1 }, { over: 0 }, { over: 1_000_001 }, { over: 1.5 }, { ovr: 1 }, true]],
    ["ntfy", "rateLimit", [
      {},
      { count: 1 },
      { per: "1s" },
      { count: 20, per: " 1h 30m " },
      { count: 21, per: "1s" },
      { count: 1, per: "0s" },
      { count: 1, per: "0.5s" },
      { count: 1, per: "0" },
      { count: 1, per: "soon" },
      { cuont: 1, per: "1s" },
      false,
    ]],
    ["matrix", "quiet", [
      true,
      { from: "22:00" },
      { from: "22:00", to: "7:00" },
      { from: " 22:00 ", to: "24:00" },
      { from: "2200", to: "07:00" },
      { from: "22:00", to: "07:00", on: "monday" },
    ]],
    ["matrix", "fallback", [
      { channels: "phone" },
      { channels: ["phone"], after: "1h 30m" },
      { channels: [] },
      { channels: ["phone", "phone"] },
      { channels: "phone", after: "0s" },
      { channels: "phone", after: "soon" },
      { channels: "phone", in: "1m" },
      false,
    ]],
    ["ntfy", "proxy", ["socks5h://a:1", "a:1", "socks4://a", "http://a/b", "http://u:p@a", "http://u@a"]],
  ];
  for (const [kind, key, values] of almost) {
    for (const value of values) await assertAgree(as(withField(kindOf(kind), key, value)));
  }
});
