import { assertEquals } from "@std/assert";
import { parseProxy } from "../../src/runtime/address.ts";
import { isExempt, proxyVariable } from "../../src/runtime/proxy.ts";

Deno.test("isExempt() understands curl's forms of NO_PROXY, and ports and stars", () => {
  const cases: [entries: string, url: string, exempt: boolean][] = [
    ["", "https://example.org/", false],
    ["*", "https://example.org/", true],
    ["example.org", "https://example.org/", true],
    ["example.org", "https://matrix.example.org/", true],
    ["ample.org", "https://example.org/", false],
    ["matrix.example.org", "https://example.org/", false],
    [".example.org", "https://example.org/", true],
    [".example.org", "https://matrix.example.org/", true],
    ["*.example.org", "https://matrix.example.org/", true],
    ["EXAMPLE.ORG", "https://example.org/", true],
    ["example.org.", "https://example.org/", true],
    ["example.org", "https://example.org./", true],
    ["other, example.org", "https://example.org/", true],
    ["other example.org", "https://example.org/", true],
    ["example.org:8448", "https://example.org:8448/", true],
    ["example.org:8448", "https://example.org/", false],
    ["example.org:443", "https://example.org/", true],
    ["127.0.0.1", "http://127.0.0.1/", true],
    ["127.0.0.1", "http://127.0.0.2/", false],
    ["127.0.0.1:80", "http://127.0.0.1/", true],
    ["10.0.0.0/8", "http://10.255.3.4/", true],
    ["10.0.0.0/8", "http://11.0.0.1/", false],
    ["10.0.0.0/9", "http://10.128.0.1/", false],
    ["0.0.0.0/0", "http://1.2.3.4/", true],
    ["10.0.0.0/33", "http://10.0.0.0/", false],
    ["10.0.0.0/8", "http://10.example.org/", false],
    ["0.0.1", "http://127.0.0.1/", false],
    ["::1", "http://[::1]/", true],
    ["[::1]", "http://[::1]/", true],
    ["[::1]:80", "http://[::1]/", true],
    ["[::1]:81", "http://[::1]/", false],
    ["0:0:0:0:0:0:0:1", "http://[::1]/", true],
    ["fd00::/8", "http://[fd12:3456::1]/", true],
    ["fd00::/8", "http://[fe80::1]/", false],
    ["::/0", "http://127.0.0.1/", false],
  ];
  for (const [entries, url, exempt] of cases) {
    const env = (name: string) => name === "NO_PROXY" ? entries : undefined;
    assertEquals(isExempt(new URL(url), env), exempt, `${entries} ${url}`);
  }
  assertEquals(isExempt(new URL("http://a.org/"), (name) => name === "no_proxy" ? "a.org" : undefined), true);
});

Deno.test("proxyVariable() prefers the scheme's variable to ALL_PROXY, and upper case to lower case", () => {
  const of = (url: string, env: Record<string, string>) => proxyVariable(new URL(url), (name) => env[name])?.name;
  assertEquals(of("https://a/", { HTTPS_PROXY: "x", ALL_PROXY: "y" }), "HTTPS_PROXY");
  assertEquals(of("https://a/", { https_proxy: "x", ALL_PROXY: "y" }), "https_proxy");
  assertEquals(of("https://a/", { https_proxy: "x", HTTPS_PROXY: "y" }), "HTTPS_PROXY");
  assertEquals(of("https://a/", { HTTP_PROXY: "x", all_proxy: "y" }), "all_proxy");
  assertEquals(of("http://a/", { HTTP_PROXY: "x", HTTPS_PROXY: "y" }), "HTTP_PROXY");
  assertEquals(of("http://a/", { HTTP_PROXY: " ", HTTPS_PROXY: "y" }), undefined);
  assertEquals(of("http://a/", { HTTP_PROXY: "x", REQUEST_METHOD: "GET" }), undefined, "a header of a web client");
  assertEquals(of("http://a/", { HTTP_PROXY: "x", http_proxy: "y", REQUEST_METHOD: "GET" }), "http_proxy");
});

Deno.test("parseProxy() accepts http, https and socks5, and means http without a scheme", () => {
  const of = (text: string) => {
    const address = parseProxy(text);
    return "url" in address ? address.url.href : address.problem;
  };
  assertEquals(of("10.0.0.1:3128"), "http://10.0.0.1:3128/");
  assertEquals(of("https://proxy.example.org"), "https://proxy.example.org/");
  assertEquals(of("socks5://localhost:1080"), "socks5://localhost:1080");
  assertEquals(of("socks5h://localhost:1080/"), "socks5h://localhost:1080/");
  assertEquals(of("socks4://localhost"), "it must begin with http://, https:// or socks5://, not socks4://");
  assertEquals(of("http://a/b"), "it must not have a path, a query or a fragment");
  assertEquals(of("::::"), "it is not an address such as http://proxy.example.org:3128");
});
