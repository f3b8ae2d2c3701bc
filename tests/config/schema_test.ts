/** The published schema and the parser say the same of a configuration, and of every field of every kind. */

import { assert, assertEquals } from "@std/assert";
import { Ajv2020 } from "npm:ajv@8.17.1/dist/2020.js";
import type { ChannelKind } from "../../src/channels/kind.ts";
import { knownFields } from "../../src/config/fields/all_fields.ts";
import { CHANNEL_KINDS } from "../../src/channels/registry.ts";
import { CONFIG_FIELDS, parseConfig } from "../../src/config/config.ts";
import { configSchema } from "../../src/config/schema.ts";
import { ConfigError } from "../../src/base/errors.ts";
import { PARSE_CONTEXT } from "../fakes/parse_context.ts";

type Channel = Readonly<Record<string, unknown>>;

const CONTEXT = { ...PARSE_CONTEXT, hostname: "jump", names: {} };
const validate = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false, strictTuples: false }).compile(
  configSchema(),
);

/** Values of every type. */
const STRANGE: readonly unknown[] = [null, 0, -1, 1.5, 7, true, false, "", " ", "a b", "\u0000", [], [7], ["a"], {}, {
  a: 7,
}];

function parserProblem(config: unknown): ConfigError | undefined {
  try {
    parseConfig(config, CONTEXT);
  } catch (error) {
    assert(error instanceof ConfigError, String(error));
    return error;
  }
}

/** Both must come to the same verdict. */
function assertAgree(config: unknown, verdict?: boolean): void {
  const problem = parserProblem(config);
  const text = `${JSON.stringify(config)}: ${problem?.message} / ${
    JSON.stringify(validate(config) ? "" : validate.errors)
  }`;
  assertEquals(validate(config), problem === undefined, text);
  if (verdict !== undefined) assertEquals(problem === undefined, verdict, text);
}

/** What a kind needs unless something else is there. */
const UNLESS: Readonly<Record<string, readonly string[]>> = { matrix: ["homeserver", "accessToken"] };

/** The smallest channel: what must be there. */
function smallest(kind: ChannelKind): Channel {
  const needed = (key: string) => UNLESS[kind.kind]?.includes(key);
  const required = Object.entries(kind.fields).filter(([key, spec]) => spec.isRequired || needed(key));
  return { kind: kind.kind, ...Object.fromEntries(required.map(([key, { schema }]) => [key, schema.examples[0]])) };
}

/** A channel with one more field, and with what that one needs, but without the one whose place it takes. */
function withField(kind: ChannelKind, key: string, value: unknown): Channel {
  const { needs } = knownFields(kind)[key];
  const replaced = Object.entries(kind.fields).filter(([, { excludes }]) => excludes === key).map(([name]) => name);
  const rest = Object.fromEntries(
    Object.entries(smallest(kind)).filter(([name]) => name !== key.replace(/File$/, "") && !replaced.includes(name)),
  );
  return {
    ...rest,
    ...(needs === undefined ? {} : { [needs]: knownFields(kind)[needs].schema.examples[0] }),
    [key]: value,
  };
}

/** Beside it is one that may stand in for it. */
const as = (channel: unknown) => ({
  channels: { some: channel, phone: { kind: "ntfy", server: "https://ntfy.example.org", topic: "alerts" } },
});

Deno.test("the published schema is the one that config schema prints", () => {
  const published = new URL("../../docs/config.schema.json", import.meta.url);
  assertEquals(JSON.parse(Deno.readTextFileSync(published)), JSON.parse(JSON.stringify(configSchema())));
});

for (const kind of Object.values(CHANNEL_KINDS)) {
  Deno.test(`configSchema() and the parser agree on kind ${kind.kind}`, () => {
    assertAgree(as(smallest(kind)), true);
    const { kind: _, ...unnamed } = smallest(kind);
    assertAgree(as(unnamed), false);
    assertAgree({ channels: { [kind.kind]: unnamed } }, true);
    assertAgree(as({ ...smallest(kind), nothing: "x" }), false);
    for (const [key, { schema, isRequired, unless, excludes, needs, hasFile }] of Object.entries(knownFields(kind))) {
      for (const example of schema.examples) assertAgree(as(withField(kind, key, example)), true);
      for (const value of Array.isArray(schema.enum) ? schema.enum : []) {
        assertAgree(as(withField(kind, key, value)), true);
      }
      if (schema.default !== undefined) assertAgree(as(withField(kind, key, schema.default)), true);
      for (const value of STRANGE) assertAgree(as(withField(kind, key, value)));
      const { [key]: _, ...without } = smallest(kind);
      if (isRequired) assertAgree(as(without), false);
      if (unless !== undefined) {
        const { [unless]: spec } = kind.fields;
        const { [key]: _, ...rest } = withField(kind, unless, spec.schema.examples[0]);
        assertAgree(as(rest), true);
      }
      if (excludes !== undefined) {
        const { [excludes]: spec } = kind.fields;
        assertAgree(as({ ...smallest(kind), [excludes]: spec.schema.examples[0] }), false);
      }
      if (needs !== undefined) assertAgree(as({ ...smallest(kind), [key]: schema.examples[0] }), false);
      if (hasFile) assertAgree(as({ ...withField(kind, key, schema.examples[0]), [`${key}File`]: "/a" }), false);
    }
  });

  Deno.test(`the fields of kind ${kind.kind} are those that its parser reads`, () => {
    const hint = parserProblem(as({ ...smallest(kind), "------------------": 1 }))?.hint ?? "";
    assertEquals(
      hint.replace("known here: ", "").split(", ").toSorted(),
      ["kind", ...Object.keys(knownFields(kind))].toSorted(),
    );
  });
}

Deno.test("configSchema() and the parser agree on as whom a Matrix channel speaks", () => {
  const [user, homeserver, accessToken] = ["@a:b.org", "https://a.org", "x"];
  const some = (fields: object) => as({ kind: "matrix", room: "!a", ...fields });
  for (const fields of [{ user }, { user, homeserver }, { homeserver, accessToken }]) assertAgree(some(fields), true);
  for (const fields of [{}, { homeserver }, { accessToken }, { user, accessToken }, { user, accessTokenFile: "/a" }]) {
    assertAgree(some(fields), false);
  }
  for (const user of ["a:b.org", "@a", "@a:", "@a b:c", "@:b", " @a:[::1]:80 ", "@a:b/c", "@a:b:c:d"]) {
    assertAgree(some({ user }));
  }
});

Deno.test("configSchema() and the parser agree on as whom an ntfy channel speaks", () => {
  const [user, password, token, passwordFile, tokenFile] = ["a", "b", "x", "/a", "/b"];
  const some = (fields: object) => as({ kind: "ntfy", server: "https://a.org", topic: "a", ...fields });
  const good = [{}, { token }, { tokenFile }, { user, password }, { user, passwordFile }];
  for (const fields of good) assertAgree(some(fields), true);
  const bad = [{ user }, { password }, { passwordFile }, { user, token }, { user, password, token }];
  for (const fields of [...bad, { user, passwordFile, tokenFile }, { password, token }]) {
    assertAgree(some(fields), false);
  }
});

Deno.test("configSchema() and the parser agree on what stands around the channels", () => {
  assertAgree({}, true);
  for (const [key, { schema }] of Object.entries(CONFIG_FIELDS)) {
    for (const example of schema.examples) assertAgree({ [key]: example }, true);
    for (const value of STRANGE) assertAgree({ [key]: value });
  }
  assertAgree({ $schema: "https://example.org/config.schema.json" }, true);
  assertAgree({ nothing: 1 }, false);
  const ntfy = smallest(CHANNEL_KINDS.ntfy);
  for (const channels of [null, [], 7, "ntfy", { a: 7 }, { a: null }, { a: {} }, { ntfy: {} }, { a: { kind: "b" } }]) {
    assertAgree({ channels }, false);
  }
  assertAgree({ channels: { matrix: ntfy, ntfy, phone: ntfy } }, true);
  assertAgree({ channels: { matrix: { kind: 7 } } }, false);
  const url = "ntfys://ntfy.example.org/alerts";
  assertAgree({ channels: { phone: url, matrix: url, ntfy: url.toUpperCase(), pager: "tgram://1:AA/5" } }, true);
  for (const text of ["", "ntfys:/a/b", "slack://a/b/c", "https://example.org", "x ntfys://a/b"]) {
    assertAgree({ channels: { phone: text } }, false);
    assertAgree({ channels: { ntfy: text } }, false);
  }
});

Deno.test("configSchema() and the parser agree on rules, as far as a schema knows the channels", () => {
  const matrix = smallest(CHANNEL_KINDS.matrix);
  const [when, set] = [{ origin: "a*", severity: ["info", "error+"] }, { matrix: { room: "#a:b.org" } }];
  for (const rule of [{ when, set }, { channels: [] }, { channels: "*" }, { mentions: [], continue: true }, { set }]) {
    assertAgree({ channels: { matrix }, routes: [rule] }, true);
  }
  const bad = [
    ...[{ when: 7 }, { when: { nothing: "x" } }, { when: { origin: [] } }, { when: { subject: "" } }],
    ...[{ when: { severity: "bad" } }, { when: { severity: "info-" } }, { when: { key: ["a", "a"] } }],
    ...[{ set: { matrix: {} } }, { set: { matrix: { nothing: 1 } } }, { set: { matrix: { room: "a" } } }, { set: [] }],
    ...[{ mentions: "alice" }, { silent: 1 }, { severity: "warning+" }, { continue: "yes" }, { nothing: 1 }],
  ];
  for (const rule of bad) assertAgree({ channels: { matrix }, routes: [{ channels: "*", ...rule }] }, false);
});

Deno.test("configSchema() and the parser agree on values that are almost right", () => {
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
    ["ntfy", "flood", [
      {},
      { burst: 1 },
      { per: "1s" },
      { burst: 20, per: " 1h 30m " },
      { burst: 21, per: "1s" },
      { burst: 1, per: "0s" },
      { burst: 1, per: "0.5s" },
      { burst: 1, per: "0" },
      { burst: 1, per: "soon" },
      { backlog: 0 },
      { backlog: 1_000_001 },
      { backlog: 1.5 },
      { digest: "no" },
      { brust: 1 },
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
    for (const value of values) assertAgree(as(withField(CHANNEL_KINDS[kind], key, value)));
  }
});
