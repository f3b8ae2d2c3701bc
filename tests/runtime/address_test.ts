import { assertEquals } from "@std/assert";
import { parseServer, type ServerAddress } from "../../src/runtime/address.ts";

Deno.test("parseServer() parses addresses, and rejects those that cannot work or would expose the token", () => {
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
