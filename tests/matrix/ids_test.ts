import { assertEquals } from "@std/assert";
import {
  isAlias,
  isDeviceId,
  isEventId,
  isPosition,
  isRoomId,
  isUserId,
  parseHomeserverName,
  parseRoom,
  parseServerName,
  parseUserId,
} from "../../src/matrix/ids.ts";

Deno.test("parseRoom() parses ids, with and without a domain, aliases and users", () => {
  const cases: [string, string | undefined][] = [
    ["!abc:example.org", "id"],
    ["!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM", "id"],
    ["!a b:example.org", undefined],
    ["!abc:example.org?via=example.org", undefined],
    ["https://matrix.to/#/!abc:example.org?via=example.org", undefined],
    ["!", undefined],
    ["#alerts:example.org", "alias"],
    ["#alerts:[::1]:8448", "alias"],
    ["#alerts", undefined],
    ["#:example.org", undefined],
    ["#alerts:", undefined],
    ["alerts", undefined],
    ["@bot:example.org", "user"],
    ["@bot", undefined],
    ["@:example.org", undefined],
    ["", undefined],
    ["!a\u0000b", undefined],
    [`!${"x".repeat(255)}`, undefined],
  ];
  for (const [text, kind] of cases) assertEquals(parseRoom(text)?.kind, kind, text);
});

Deno.test("parseServerName() returns the server of a user or an alias, with its port, and none of a room id", () => {
  assertEquals(["@a:b.org:8448", "#a:b.org", "!a:b.org", "!abc", "a:b"].map(parseServerName), [
    "b.org:8448",
    "b.org",
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("parseUserId() cuts at the first colon", () => {
  assertEquals(parseUserId("@bot:example.org:8448"), {
    userId: "@bot:example.org:8448",
    localpart: "bot",
    serverName: "example.org:8448",
  });
  assertEquals(parseUserId("@Old School/+=:[::1]:80")?.serverName, undefined);
  assertEquals(parseUserId("@bot:[::1]:80")?.serverName, "[::1]:80");
});

Deno.test("parseUserId() returns undefined for other text", () => {
  for (
    const text of [
      "",
      "@",
      "bot",
      "bot@example.org",
      "@bot",
      "@bot:",
      "@bot:exa mple.org",
      "@b\not:example.org",
      "@b\x1b[2Jot:example.org",
      "@b\u202eot:example.org",
      `@${"x".repeat(300)}:a.b`,
    ]
  ) {
    assertEquals(parseUserId(text), undefined, text);
  }
});

Deno.test("parseHomeserverName() finds the server name in a name or a user id, and in nothing else", () => {
  const cases = {
    "example.org": "example.org",
    "example.org:8448": "example.org:8448",
    "[::1]:8008": "[::1]:8008",
    "@bot:example.org": "example.org",
    "https://example.org": undefined,
    "example.org/matrix": undefined,
    "bot@example.org": undefined,
    "": undefined,
  };
  for (const [text, name] of Object.entries(cases)) assertEquals(parseHomeserverName(text), name, text);
});

/**
 * Endings that no id of a server may have: they would reach a terminal, a file or another endpoint.
 */
const HOSTILE = ["\x1b]0;owned\x07", "\x9b2J", "\x7f", "\0", "\n", "\u2028", "\u202e", "\ud800", "x".repeat(255)];

Deno.test("isRoomId(), isAlias(), isUserId(), isEventId(), isDeviceId() and isPosition() accept ids, and no hostile text", () => {
  const cases = [
    [isRoomId, "!a:example.org", ["", "!", "#a:example.org", "a"]],
    [isAlias, "#a:example.org", ["", "#", "!a:example.org"]],
    [isUserId, "@a:example.org", ["", "@", "@a", "@a:", "@a:exam/ple"]],
    [isEventId, "$a:example.org", ["", "$", "a", "$a b"]],
    [isDeviceId, "ABC def-1", ["", ".", ".."]],
    [isPosition, "s1_2~3", ["", "é", "x".repeat(3000)]],
  ] as const;
  for (const [isValid, valid, invalid] of cases) {
    assertEquals(isValid(valid), true, valid);
    const hostile = HOSTILE.filter((ending) => isValid !== isPosition || ending.length === 1).map((end) => valid + end);
    for (const value of [...invalid, ...hostile, undefined, null, 5, {}, [valid], Infinity]) {
      assertEquals(isValid(value), false, `${isValid.name} ${JSON.stringify(value)}`);
    }
  }
});
