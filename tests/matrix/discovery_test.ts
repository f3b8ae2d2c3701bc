import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ConfigError, DiscoveryError } from "../../src/base/errors.ts";
import {
  discoverHomeserver,
  readServerSoftware,
  resolveHomeserver,
  verifyHomeserver,
} from "../../src/matrix/discovery.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

const OPTIONS = { userAgent: "test/1", timeoutMs: 1000 };
const WELL_KNOWN = "https://example.org/.well-known/matrix/client";

/** An answer: JSON, an HTML page, a redirect, a status, or a network error. */
type Page = object | string | number | URL | Error;

/** Creates a runtime whose network has these pages; others are 404. */
function web(pages: Readonly<Record<string, Page>>) {
  const requested: string[] = [];
  const runtime = fakeRuntime({
    fetch(url) {
      requested.push(url);
      const page = pages[url] ?? 404;
      if (page instanceof Error) return Promise.reject(page);
      if (page instanceof URL) {
        return Promise.resolve(new Response(null, { status: 302, headers: { location: page.href } }));
      }
      if (typeof page === "number") return Promise.resolve(new Response("", { status: page }));
      const type = typeof page === "string" ? "text/html" : "application/json";
      const body = typeof page === "string" ? page : JSON.stringify(page);
      return Promise.resolve(new Response(body, { headers: { "content-type": type } }));
    },
  });
  return { runtime, requested };
}

const VERSIONS = { versions: ["v1.15"] };
const named = (baseUrl: unknown) => ({ "m.homeserver": { base_url: baseUrl } });

Deno.test("discoverHomeserver() finds the server that the domain names, without a trailing slash", async () => {
  const { runtime, requested } = web({
    [WELL_KNOWN]: named("https://matrix.example.org/"),
    "https://matrix.example.org/_matrix/client/versions": VERSIONS,
  });
  const found = await discoverHomeserver(runtime, "@bot:example.org", OPTIONS);
  assertEquals([found.baseUrl, found.versions], ["https://matrix.example.org", ["v1.15"]]);
  assertEquals(requested, [WELL_KNOWN, "https://matrix.example.org/_matrix/client/versions"]);
});

Deno.test("discoverHomeserver() cuts a user id at its first colon and keeps the port", async () => {
  const { runtime, requested } = web({ "https://example.org:8448/_matrix/client/versions": VERSIONS });
  await discoverHomeserver(runtime, "@bot:example.org:8448", OPTIONS);
  assertEquals(requested[0], "https://example.org:8448/.well-known/matrix/client");
});

Deno.test("discoverHomeserver() uses the domain itself if it has no well-known document", async () => {
  const { runtime } = web({ "https://example.org/_matrix/client/versions": VERSIONS });
  const found = await discoverHomeserver(runtime, "example.org", OPTIONS);
  assertEquals(found.baseUrl, "https://example.org");
  assertEquals(found.tried, [`${WELL_KNOWN}: not found (404)`, "https://example.org: it answers"]);
});

Deno.test("discoverHomeserver() follows a redirect of the well-known document", async () => {
  const { runtime } = web({
    [WELL_KNOWN]: new URL("https://www.example.org/matrix.json"),
    "https://www.example.org/matrix.json": named("https://matrix.example.org"),
    "https://matrix.example.org/_matrix/client/versions": VERSIONS,
  });
  assertEquals((await discoverHomeserver(runtime, "example.org", OPTIONS)).baseUrl, "https://matrix.example.org");
});

const FAILURES: readonly (readonly [state: string, pages: Readonly<Record<string, Page>>, expected: string])[] = [
  ["is a page", { [WELL_KNOWN]: "<html>" }, `${WELL_KNOWN}: it is text/html, not a JSON object`],
  ["is empty", { [WELL_KNOWN]: "" }, `${WELL_KNOWN}: it is empty`],
  ["fails", { [WELL_KNOWN]: 500 }, `${WELL_KNOWN}: it answered 500`],
  ["redirects to itself", { [WELL_KNOWN]: new URL(WELL_KNOWN) }, "it redirects more than 5 times"],
  [
    "redirects to plain http",
    { [WELL_KNOWN]: new URL("http://example.org/") },
    "redirects to example.org with http://",
  ],
  ["names nothing", { [WELL_KNOWN]: {} }, `${WELL_KNOWN}: it has no base_url`],
  ["names a very long address", { [WELL_KNOWN]: named(`https://a.example/${"x".repeat(9999)}`) }, "it has no base_url"],
  [
    "redirects to a very long address",
    { [WELL_KNOWN]: new URL(`https://example.org/${"x".repeat(9999)}`) },
    "it redirects to a very long address",
  ],
  ["names no text", { [WELL_KNOWN]: named(5) }, `${WELL_KNOWN}: it has no base_url`],
  ["names no address", { [WELL_KNOWN]: named("https://") }, "cannot be used: it is not an address"],
  ["names plain http", { [WELL_KNOWN]: named("http://example.org") }, "cannot be used: plain http"],
  ["does not answer", { [WELL_KNOWN]: new TypeError("fetch failed") }, "there is no answer: "],
  ["is missing, and the domain is no homeserver", {}, "https://example.org: example.org does not answer like a"],
  [
    "names a server that is no homeserver",
    { [WELL_KNOWN]: named("https://a.example"), "https://a.example/_matrix/client/versions": "<html>" },
    "https://a.example: a.example does not answer like a homeserver: 200, text/html",
  ],
  [
    "names a server without versions",
    { [WELL_KNOWN]: named("https://a.example"), "https://a.example/_matrix/client/versions": {} },
    "https://a.example: it does not list versions",
  ],
];

for (const [state, pages, expected] of FAILURES) {
  Deno.test(`discoverHomeserver() throws with a hint if the well-known document ${state}`, async () => {
    const { runtime } = web(pages);
    const error = await assertRejects(() => discoverHomeserver(runtime, "@bot:example.org", OPTIONS), DiscoveryError);
    assertStringIncludes(error.message, "Cannot find the homeserver of example.org: https://");
    assertStringIncludes(error.message, expected);
    assertStringIncludes(`${error.hint}`, "--homeserver");
  });
}

/** Addresses of this machine, in all forms that the URL parser accepts. */
const THIS_MACHINE = [
  ...[
    "http://127.0.0.1:8008",
    "https://127.1.2.3",
    "http://localhost:8008",
    "https://localhost.",
    "http://a.localhost",
  ],
  ...["http://[::1]", "https://[::ffff:127.0.0.1]", "http://2130706433", "http://0x7f000001", "http://0177.0.0.1"],
  ...["http://0.0.0.0:8008", "https://0", "https://[::]", "https://[::127.0.0.1]", "https://[64:ff9b::7f00:1]"],
];

/** Addresses of private networks. */
const PRIVATE = [
  ...["https://10.0.0.1", "https://172.16.0.1", "https://192.168.1.1", "https://100.64.0.1", "https://169.254.169.254"],
  ...["https://[fd00::1]", "https://[fe80::1]", "https://[::ffff:192.168.1.1]", "https://matrix.lan", "https://nas"],
];

for (const baseUrl of [...THIS_MACHINE, ...PRIVATE]) {
  Deno.test(`discoverHomeserver() does not follow a domain on the internet to ${baseUrl}`, async () => {
    const isHere = THIS_MACHINE.includes(baseUrl);
    const state = `an address of ${isHere ? "this machine" : "a private network"}`;
    for (const page of [named(baseUrl), new URL(baseUrl)]) {
      const { runtime, requested } = web({ [WELL_KNOWN]: page });
      await assertRejects(() => discoverHomeserver(runtime, "example.org", OPTIONS), DiscoveryError, state);
      assertEquals(requested, [WELL_KNOWN]);
      if (!isHere) continue;
      const insecure = { ...OPTIONS, insecureHttp: true };
      await assertRejects(() => discoverHomeserver(runtime, "example.org", insecure), DiscoveryError, state);
      await assertRejects(
        () =>
          discoverHomeserver(
            web({
              "https://nas.lan/.well-known/matrix/client": page,
            }).runtime,
            "nas.lan",
            insecure,
          ),
        DiscoveryError,
        state,
      );
    }
  });
}

Deno.test("discoverHomeserver() follows a person's own server, or insecureHttp, to a private network", async () => {
  const [lan, name] = ["https://192.168.1.5", "nas.lan"];
  const versions = { [`${lan}/_matrix/client/versions`]: VERSIONS };
  const own = web({ [`https://${name}/.well-known/matrix/client`]: named(lan), ...versions });
  assertEquals((await discoverHomeserver(own.runtime, name, OPTIONS)).baseUrl, lan);
  const trusted = web({ [WELL_KNOWN]: named(lan), ...versions });
  const options = { ...OPTIONS, insecureHttp: true };
  assertEquals((await discoverHomeserver(trusted.runtime, "example.org", options)).baseUrl, lan);
  const here = web({
    "http://localhost/.well-known/matrix/client": named("http://127.0.0.1:8008"),
    ...{
      "http://127.0.0.1:8008/_matrix/client/versions": VERSIONS,
    },
  });
  assertEquals((await discoverHomeserver(here.runtime, "localhost", OPTIONS)).baseUrl, "http://127.0.0.1:8008");
});

Deno.test("discoverHomeserver() reports a timeout, and rethrows the reason of its signal", async () => {
  const hang = (_url: string, { signal }: RequestInit) =>
    new Promise<Response>((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  using runtime = fakeRuntime({ fetch: hang });
  const late = assertRejects(() => discoverHomeserver(runtime, "example.org", OPTIONS), DiscoveryError);
  runtime.expireTimeouts();
  assertStringIncludes((await late).message, "no answer");
  const stop = new AbortController();
  const stopped = assertRejects(() => discoverHomeserver(runtime, "a.example", { ...OPTIONS, signal: stop.signal }));
  const reason = new Error("Enough");
  stop.abort(reason);
  assertEquals(await stopped, reason);
});

Deno.test("discoverHomeserver() rejects text without a server name", async () => {
  const { runtime, requested } = web({});
  for (const name of ["@bot", "bot@example.org", "example.org/path", ""]) {
    await assertRejects(
      () => discoverHomeserver(runtime, name, OPTIONS),
      DiscoveryError,
      "does not contain a server name",
    );
  }
  assertEquals(requested, []);
});

Deno.test("verifyHomeserver() checks the address that a person entered", async () => {
  const { runtime } = web({ "https://a.example/_matrix/client/versions": VERSIONS });
  assertEquals((await verifyHomeserver(runtime, "https://a.example", OPTIONS)).versions, ["v1.15"]);
  const error = await assertRejects(() => verifyHomeserver(runtime, "https://b.example", OPTIONS), DiscoveryError);
  assertStringIncludes(error.message, "Cannot use the homeserver https://b.example: b.example does not answer like");
});

Deno.test("resolveHomeserver() takes an address with a path, a server name or a user id", async () => {
  const { runtime } = web({
    [WELL_KNOWN]: named("https://example.org/matrix/"),
    "https://example.org/matrix/_matrix/client/versions": VERSIONS,
  });
  for (const text of ["https://example.org/matrix", "example.org/matrix/", "example.org", "@bot:example.org"]) {
    assertEquals((await resolveHomeserver(runtime, text, OPTIONS)).baseUrl, "https://example.org/matrix", text);
  }
});

Deno.test("resolveHomeserver() tries the name itself if the well-known document cannot be used", async () => {
  const versions = { "https://example.org/_matrix/client/versions": VERSIONS };
  for (const page of ["<html>", 500, {}, named("https://gone.example")] as const) {
    const { runtime } = web({ [WELL_KNOWN]: page, ...versions });
    assertEquals((await resolveHomeserver(runtime, "example.org", OPTIONS)).baseUrl, "https://example.org");
  }
  const { runtime } = web({ [WELL_KNOWN]: 500 });
  const error = await assertRejects(() => resolveHomeserver(runtime, "example.org", OPTIONS), DiscoveryError);
  assertStringIncludes(error.message, "it answered 500");
});

Deno.test("resolveHomeserver() rejects the path of an endpoint, with the address to use", async () => {
  const { runtime } = web({});
  const text = "https://example.org/matrix/_matrix/client";
  const error = await assertRejects(() => resolveHomeserver(runtime, text, OPTIONS), ConfigError, "must not contain");
  assertEquals(error.hint, "use https://example.org/matrix");
});

Deno.test("readServerSoftware() returns the name, and sends no token", async () => {
  using runtime = fakeRuntime();
  await using homeserver = await LoopbackHomeserver.start({ software: "Dendrite" });
  const credentials = { accessToken: () => homeserver.addUser("bot").accessToken };
  const client = { runtime, baseUrl: homeserver.url, userAgent: "test/1", credentials };
  assertEquals(await readServerSoftware(client, { timeoutMs: 1000 }), "Dendrite");
  assertEquals(homeserver.requests.map(({ headers }) => headers.get("authorization")), [null]);
});

Deno.test("readServerSoftware() recognizes a Synapse without its federation resource, and no other server", async () => {
  for (
    const [software, expected] of [["Synapse", "Synapse"], ["Dendrite", undefined], ["Conduit", undefined]] as const
  ) {
    for (const fault of ["unrecognized", "captive-portal"] as const) {
      using runtime = fakeRuntime();
      await using homeserver = await LoopbackHomeserver.start({ software });
      homeserver.fault(fault, { on: "federation-version" });
      const client = { runtime, baseUrl: homeserver.url, userAgent: "test/1" };
      assertEquals(await readServerSoftware(client, { timeoutMs: 1000 }), expected);
    }
  }
});
