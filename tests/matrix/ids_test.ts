import { assertEquals } from "@std/assert";
import { parseServer, type ServerAddress } from "../../src/runtime/address.ts";
import { parseRoom, parseServerName, parseUserId } from "../../src/matrix/ids.ts";

Deno.test("parseRoom() knows ids, with and without a domain, aliases and users", () => {
  const cases: [string, string | undefined][] = [
    ["!abc:example.org", "id"],
    ["!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM", "id"],
    ["!a b:example.org", undefined],
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

Deno.test("parseServer() reads addresses, and refuses what would not work or would leak the token", () => {
  const https = { insecureHttp: false };
  const cases: [string, string | undefined][] = [
    ["https://matrix.example.org", "https://matrix.example.org"],
    ["https://matrix.example.org/", "https://matrix.example.org"],
    ["matrix.example.org", "https://matrix.example.org"],
    ["matrix.example.org:8448", "https://matrix.example.org:8448"],
    ["http://localhost:8008", "http://localhost:8008"],
    ["http://127.0.0.1:8008", "http://127.0.0.1:8008"],
    ["http://[::1]:8008", "http://[::1]:8008"],
    ["http://matrix.example.org", undefined],
    ["http://127.0.0.1.example.org", undefined],
    ["https://matrix.example.org/_matrix", undefined],
    ["https://matrix.example.org/?a=b", undefined],
    ["https://matrix.example.org/#a", undefined],
    ["https://bot:secret@matrix.example.org", undefined],
    ["ftp://matrix.example.org", undefined],
    ["https://", undefined],
    ["a b", undefined],
    ["", undefined],
  ];
  const url = (address: ServerAddress) => "baseUrl" in address ? address.baseUrl : undefined;
  for (const [text, baseUrl] of cases) assertEquals(url(parseServer(text, https)), baseUrl, text);
  assertEquals(url(parseServer("http://matrix.example.org", { insecureHttp: true })), "http://matrix.example.org");
  const path = (text: string) => url(parseServer(text, { insecureHttp: false, mayHavePath: true }));
  assertEquals(path("example.org/gotify//"), "https://example.org/gotify");
  assertEquals(path("https://example.org/"), "https://example.org");
  assertEquals(path("https://example.org/gotify?a"), undefined);
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

Deno.test("parseUserId() refuses what is no user id", () => {
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
      `@${"x".repeat(300)}:a.b`,
    ]
  ) {
    assertEquals(parseUserId(text), undefined, text);
  }
});
