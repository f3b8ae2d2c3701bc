/** Tests rules. Each file in `routes/` contains a configuration, and commands with their output. */

import { assertEquals, assertRejects } from "@std/assert";
import { main } from "../../src/cli/main.ts";
import { checkConfig } from "../../src/config/check.ts";
import { parseConfig, requireValid } from "../../src/config/config.ts";
import { ConfigError } from "../../src/base/errors.ts";
import { fakeRuntime } from "../fakes/runtime.ts";
import { PARSE_CONTEXT } from "../fakes/parse_context.ts";

const FOLDER = new URL("./routes/", import.meta.url);

for (const { name } of Array.from(Deno.readDirSync(FOLDER)).toSorted((a, b) => a.name < b.name ? -1 : 1)) {
  Deno.test(`route explain prints what ${name} shows`, async () => {
    const [config, ...questions] = Deno.readTextFileSync(new URL(name, FOLDER)).split(/^\$ /m);
    const configFile = Deno.makeTempFileSync();
    Deno.writeTextFileSync(configFile, config);
    try {
      for (const question of questions) {
        const [command] = question.split("\n");
        assertEquals(`${command}\n${await answer(command, configFile)}`.trimEnd(), question.trimEnd());
      }
    } finally {
      Deno.removeSync(configFile);
    }
  });
}

async function answer(command: string, configFile: string): Promise<string> {
  using runtime = fakeRuntime({ env: { HOME: "/nowhere" } });
  const words = Array.from(command.matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, plain]) => quoted ?? plain);
  await main([...words, "--config", configFile], runtime);
  return runtime.out() + runtime.err();
}

const CHANNELS = {
  matrix: { homeserver: "https://matrix.example.org", accessToken: "x", room: "#alerts:example.org" },
  phone: { kind: "ntfy", server: "https://ntfy.example.org", topic: "alerts" },
  pager: { kind: "telegram", token: "123456789:AAtoken", chat: [1001, 1002] },
};

const CONTEXT = { ...PARSE_CONTEXT, hostname: "jump", names: {} };

/** Rules that are rejected, with message and hint. */
const REFUSED: readonly (readonly [routes: unknown, says: string, hint?: string])[] = [
  [{}, "Cannot use routes: it must be a list of rules"],
  [["phone"], "Cannot use routes[0]: it must be a JSON object"],
  [[{ channels: "phon" }], 'Cannot use routes[0].channels: there is no channel "phon"', 'did you mean "phone"?'],
  [
    [{ channels: "x" }],
    'Cannot use routes[0].channels: there is no channel "x"',
    "configured channels: matrix, phone, pager",
  ],
  [
    [{ channels: ["phone", "phone"] }],
    "Cannot use routes[0].channels: it must be a string or an array of strings, without empty or repeated strings",
  ],
  [
    [{ when: { origin: "x" } }],
    "Cannot use routes[0]: it does not choose channels and does not change settings",
    'set "channels" to a list of names, to "*" for all channels, or to [] to send nothing',
  ],
  [
    [{ channels: [], silent: true }],
    "Cannot use routes[0].channels: it is empty, so nothing is sent",
    "remove the other settings of the rule",
  ],
  [[{ channels: [], continue: true }], "Cannot use routes[0].channels: it is empty, so nothing is sent"],
  [
    [{ when: { orign: "x" }, channels: "*" }],
    "Cannot use routes[0].when.orign: there is no such key",
    'did you mean "origin"?',
  ],
  [[{ chanels: "*" }], "Cannot use routes[0].chanels: there is no such key", 'did you mean "channels"?'],
  [[{ when: "x", channels: "*" }], "Cannot use routes[0].when: it must be a JSON object"],
  [
    [{ when: { origin: [] }, channels: "*" }],
    "Cannot use routes[0].when.origin: it is empty, so it can never match",
    "remove origin to match everything",
  ],
  [
    [{ when: { severity: [] }, channels: "*" }],
    "Cannot use routes[0].when.severity: it is empty, so it can never match",
  ],
  [
    [{ when: { severity: "warn" }, channels: "*" }],
    'Cannot use routes[0].when.severity: there is no severity "warn"',
    "known: info, warning, error, critical",
  ],
  [
    [{ when: { severity: "erorr+" }, channels: "*" }],
    'Cannot use routes[0].when.severity: there is no severity "erorr"',
    'did you mean "error"?',
  ],
  [
    [{ severity: "warning+" }],
    'Cannot use routes[0].severity: there is no severity "warning+"',
    'did you mean "warning"?',
  ],
  [
    [{ when: { subject: "/(a+)+\\1/" }, channels: "*" }],
    'Cannot use routes[0].when.subject: "/(a+)+\\1/" is not a valid pattern: the back reference "\\1" is not supported',
    'list the possible texts instead: "/aa|bb/"',
  ],
  [
    [{ when: { subject: ["ok", "/(/"] }, channels: "*" }],
    'Cannot use routes[0].when.subject: "/(/" is not a valid pattern: the regular expression has a mistake (unterminated group)',
    'to match a special character itself, write \\\\ before it: "/\\\\(/"',
  ],
  [
    [{ when: { origin: "/usr/bin/backup" }, channels: "*" }],
    'Cannot use routes[0].when.origin: "/usr/bin/backup" is not a valid pattern: the flag "backup" of a regular expression is not known',
    "use i to ignore upper and lower case",
  ],
  [
    [{ when: { origin: "/tmp" }, channels: "*" }],
    'Cannot use routes[0].when.origin: "/tmp" is not a valid pattern: it begins with / like a regular expression, but does not end with / or /i',
    "write a regular expression as /…/ or /…/i; in a path, write ? instead of the first /",
  ],
  [[{ silent: "yes" }], "Cannot use routes[0].silent: it must be true or false"],
  [[{ mentions: "alice" }], "Cannot use routes[0].mentions: it is neither a user id (@name:example.org) nor @room"],
  [
    [{ set: { phon: { silent: true } } }],
    'Cannot use routes[0].set.phon: there is no channel "phon"',
    'did you mean "phone"?',
  ],
  [[{ set: { phone: {} } }], "Cannot use routes[0].set.phone: it is empty"],
  [
    [{ channels: "matrix", set: { phone: { silent: true } } }],
    "Cannot use routes[0].set.phone: the rule does not choose this channel",
  ],
  [
    [{ set: { phone: { topic: "a b" } } }],
    "Cannot use routes[0].set.phone.topic: it must be 1 to 64 letters, digits, hyphens or underscores",
  ],
  [[{ set: { phone: { room: "#a:b.org" } } }], "Cannot use routes[0].set.phone.room: there is no such key"],
  [
    [{ silent: true, when: { origin: "x" } }, { set: { matrix: { room: "alerts" } } }],
    "Cannot use routes[1].set.matrix.room: it is neither a room id (!…), nor an alias (#name:example.org), nor a user id (@name:example.org)",
  ],
  [
    [{ set: { pager: { chat: 0 } } }],
    "Cannot use routes[0].set.pager.chat: it must be the number of a chat, the @name of a public chat, or a list of numbers and names",
  ],
  [
    [{ set: { pager: { thread: 7 } } }],
    "Cannot use routes[0].set.pager.thread: there are several chats, but a thread belongs to only one chat",
  ],
  [
    [{ silent: true }, { when: { origin: "x" }, channels: "phone" }],
    "Cannot use routes[1]: it can never match, because routes[0] already matches the same notifications",
    'move routes[1] before routes[0], or set "continue": true in routes[0]',
  ],
  [
    [{ when: { origin: "*", severity: "info+" }, silent: true }, { channels: "phone" }],
    "Cannot use routes[1]: it can never match, because routes[0] already matches the same notifications",
  ],
  [
    [{ when: { origin: "backup-*" }, silent: true }, { when: { origin: "backup-email" }, channels: "phone" }],
    "Cannot use routes[1]: it can never match, because routes[0] already matches the same notifications",
  ],
  [
    [{ when: { origin: ["a", "/b/"] }, silent: true }, { when: { origin: "/b/", key: "c" }, channels: "phone" }],
    "Cannot use routes[1]: it can never match, because routes[0] already matches the same notifications",
  ],
  [
    [{ when: { severity: "warning+" }, silent: true }, {
      when: { severity: ["error", "critical"] },
      channels: "phone",
    }],
    "Cannot use routes[1]: it can never match, because routes[0] already matches the same notifications",
  ],
];

async function parse(config: unknown) {
  return requireValid(await parseConfig(config, CONTEXT));
}

for (const [routes, says, hint] of REFUSED) {
  Deno.test(`parseConfig() rejects the rules ${JSON.stringify(routes)}`, async () => {
    const error = await assertRejects(() => parse({ channels: CHANNELS, routes }), ConfigError);
    assertEquals(error.message, says);
    if (hint !== undefined) assertEquals(error.hint, hint);
  });
}

/** Fallbacks of the Matrix channel that are rejected, with message and hint. */
const REFUSED_FALLBACKS: readonly (readonly [fallback: unknown, says: string, hint?: string])[] = [
  [
    {},
    "Missing channels.matrix.fallback.channels",
    'set it, for example "phone"; add the names of the channels that get the notification if this channel fails',
  ],
  [false, "Cannot use channels.matrix.fallback: it must be a JSON object"],
  [
    { channels: "phon" },
    'Cannot use channels.matrix.fallback.channels: there is no channel "phon"',
    'did you mean "phone"?',
  ],
  [{ channels: ["matrix"] }, 'Cannot use channels.matrix.fallback.channels: "matrix" cannot be its own fallback'],
  [{ channels: "pager" }, 'Cannot use channels.matrix.fallback.channels: "pager" has its own fallback'],
  [
    { channels: "phone", after: "0s" },
    'Cannot use channels.matrix.fallback.after: "0s" is not a duration above zero',
    "write it as 10s, 5m or 1h",
  ],
  [{ channels: "phone", within: "1m" }, "Cannot use channels.matrix.fallback.within: there is no such key"],
];

for (const [fallback, says, hint] of REFUSED_FALLBACKS) {
  Deno.test(`parseConfig() rejects the fallback ${JSON.stringify(fallback)}`, async () => {
    const pager = { ...CHANNELS.pager, fallback: { channels: "phone" } };
    const channels = { ...CHANNELS, pager, matrix: { ...CHANNELS.matrix, fallback } };
    const error = await assertRejects(() => parse({ channels }), ConfigError);
    assertEquals(error.message, says);
    if (hint !== undefined) assertEquals(error.hint, hint);
    const { pager: _, ...rest } = channels;
    const routes = [{ set: { matrix: { fallback: fallback || {} } } }];
    const inRule = { channels: { ...rest, pager, matrix: CHANNELS.matrix }, routes };
    const own = await assertRejects(() => parse(inRule), ConfigError);
    if (fallback) assertEquals(own.message, says.replace("channels.matrix", "routes[0].set.matrix"));
  });
}

Deno.test("parseConfig() accepts rules that look as if they could never match", async () => {
  const pairs = [
    [{ when: { origin: "backup-*" }, silent: true, continue: true }, {
      when: { origin: "backup-email" },
      channels: "phone",
    }],
    [{ when: { origin: "backup-*", severity: "error" }, silent: true }, {
      when: { origin: "backup-email" },
      channels: "phone",
    }],
    [{ when: { origin: "backup-email" }, silent: true }, { when: { origin: "backup-*" }, channels: "phone" }],
    [{ when: { severity: "error+" }, silent: true }, { channels: "phone" }],
    [{ when: { subject: "/^a/" }, silent: true }, { when: { subject: "/^ab/" }, channels: "phone" }],
  ];
  for (const routes of pairs) {
    assertEquals((await parse({ channels: CHANNELS, routes })).rules.length, 2);
  }
});

Deno.test("checkConfig() finds the mistakes in each rule, and the rules that can never match", async () => {
  const problemsOf = async (routes: unknown) => {
    const configFile = Deno.makeTempFileSync({ suffix: ".json" });
    using runtime = fakeRuntime();
    try {
      Deno.writeTextFileSync(configFile, JSON.stringify({ channels: CHANNELS, routes }), { mode: 0o600 });
      const { problems } = await checkConfig(runtime, { configFile });
      return problems.map(({ message }) => message.replace(` (${configFile}:1)`, ""));
    } finally {
      Deno.removeSync(configFile);
    }
  };
  const two = [{ when: { severity: "bad" }, channels: "phon", nothing: 1 }, { set: { phone: { topic: "a b" } } }];
  assertEquals(await problemsOf(two), [
    'Cannot use routes[0].when.severity: there is no severity "bad"',
    'Cannot use routes[0].channels: there is no channel "phon"',
    "Cannot use routes[0].nothing: there is no such key",
    "Cannot use routes[1].set.phone.topic: it must be 1 to 64 letters, digits, hyphens or underscores",
  ]);
  assertEquals(await problemsOf([{ silent: true }, { channels: "phone" }]), [
    "Cannot use routes[1]: it can never match, because routes[0] already matches the same notifications",
  ]);
  assertEquals(await problemsOf(7), ["Cannot use routes: it must be a list of rules"]);
  assertEquals(await problemsOf([7]), ["Cannot use routes[0]: it must be a JSON object"]);
  assertEquals(await problemsOf([{ channels: "phone" }]), []);
});
