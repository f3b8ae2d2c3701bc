import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { AccountStore } from "../../../src/accounts/store.ts";
import { main } from "../../../src/cli/main.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { LoopbackHomeserver } from "../../../src/testing/mod.ts";
import { type FakeRuntime, fakeRuntime } from "../../fakes/runtime.ts";

interface SsoScene {
  readonly homeserver: LoopbackHomeserver;
  readonly runtime: FakeRuntime;
  readonly stateDir: string;
  /** Runs `login --sso`. */
  login(stdio?: Partial<Runtime["stdio"]>): Promise<number>;
  /** Resolves to the address to open as soon as it is printed. */
  printedUrl(): Promise<string>;
  /**
   * Opens an address like a browser that is already logged in. Returns the final address after the
   * redirect.
   */
  open(url: string): Promise<string>;
}

async function ssoTest(body: (scene: SsoScene) => Promise<void>) {
  using runtime = fakeRuntime({ stdin: "", realIds: true });
  await using homeserver = await LoopbackHomeserver.start({ now: runtime.now, passwords: false });
  homeserver.addUser("bot");
  homeserver.allowSso("@bot:loopback.test");
  const stateDir = Deno.makeTempDirSync({ prefix: "sso-" });
  const printed = Promise.withResolvers<string>();
  const stderr = (text: string) => {
    runtime.stdio.stderr(text);
    const url = /http\S+redirect\S+/.exec(text)?.[0];
    if (url) printed.resolve(url);
  };
  const argv = ["login", "@bot:loopback.test", "--homeserver", homeserver.url, "--sso", "--state-dir", stateDir];
  try {
    await body({
      homeserver,
      runtime,
      stateDir,
      login: (stdio) => main(argv, { ...runtime, stdio: { ...runtime.stdio, stderr, ...stdio } }),
      printedUrl: () => printed.promise,
      async open(url) {
        const answer = await runtime.fetch(url, { redirect: "manual" });
        await answer.body?.cancel();
        return answer.headers.get("location") ?? "";
      },
    });
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
}

Deno.test("login() with --sso logs in when the browser is redirected to this host", async () => {
  await ssoTest(async ({ login, printedUrl, open, runtime, stateDir, homeserver }) => {
    const code = login();
    const back = await open(await printedUrl());
    assertMatch(back, /^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]{36}\?loginToken=/);
    const elsewhere = await runtime.fetch(new URL("/?loginToken=x", back).href, {});
    assertEquals([elsewhere.status, await elsewhere.text()], [404, "Not found\n"]);
    const page = await runtime.fetch(back, {});
    assertStringIncludes(await page.text(), "You can close this page");
    assertEquals(await code, 0);
    assertMatch(runtime.out(), /^logged in @bot:loopback\.test, device /);
    assertEquals(new AccountStore(stateDir).list(), ["@bot:loopback.test"]);
    const token = new URL(back).searchParams.get("loginToken") ?? "";
    assertEquals((runtime.out() + runtime.err()).includes(token), false);
    assertEquals(homeserver.devices("@bot:loopback.test").length, 2);
  });
});

for (const what of ["address", "token"] as const) {
  Deno.test(`login() with --sso accepts the ${what} if a person pastes it`, async () => {
    await ssoTest(async ({ login, printedUrl, open, runtime }) => {
      const readInput = async () => {
        const back = await open(await printedUrl());
        const text = what === "address" ? back : new URL(back).searchParams.get("loginToken");
        return new TextEncoder().encode(`${text}\n`);
      };
      assertEquals(await login({ stdinIsTerminal: () => true, readInput }), 0, runtime.err());
    });
  });
}

Deno.test("login() with --sso ends the new session when the browser is logged in as another user", async () => {
  await ssoTest(async ({ login, printedUrl, open, runtime, stateDir, homeserver }) => {
    const other = homeserver.addUser("other");
    homeserver.allowSso(other.userId);
    const code = login();
    await (await runtime.fetch(await open(await printedUrl()), {})).text();
    assertEquals(await code, 77);
    assertStringIncludes(
      runtime.err(),
      "cannot log in as @bot:loopback.test: the server logged in @other:loopback.test instead",
    );
    assertEquals(new AccountStore(stateDir).list(), []);
    assertEquals(homeserver.devices(other.userId), [other.deviceId]);
  });
});

Deno.test("login() with --sso stops when the pasted line is empty", async () => {
  await ssoTest(async ({ login }) => {
    assertEquals(await login({ stdinIsTerminal: () => true }), 130);
  });
});
