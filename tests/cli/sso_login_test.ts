import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { AccountStore } from "../../src/accounts/store.ts";
import { main } from "../../src/cli/main.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { type FakeRuntime, fakeRuntime } from "../fakes/runtime.ts";

interface SsoScene {
  readonly homeserver: LoopbackHomeserver;
  readonly runtime: FakeRuntime;
  readonly stateDir: string;
  /** Runs `login --sso`. */
  login(stdio?: Partial<Runtime["stdio"]>): Promise<number>;
  /** The address that a person is asked to open, once it is shown. */
  shown(): Promise<string>;
  /** Opens an address as a browser that is signed in already; returns where it would go next. */
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
      shown: () => printed.promise,
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

Deno.test("login --sso logs in when the browser comes back to this host", async () => {
  await ssoTest(async ({ login, shown, open, runtime, stateDir, homeserver }) => {
    const code = login();
    const back = await open(await shown());
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
  Deno.test(`login --sso takes the ${what} that a person pastes`, async () => {
    await ssoTest(async ({ login, shown, open, runtime }) => {
      const readInput = async () => {
        const back = await open(await shown());
        const text = what === "address" ? back : new URL(back).searchParams.get("loginToken");
        return new TextEncoder().encode(`${text}\n`);
      };
      assertEquals(await login({ stdinIsTerminal: () => true, readInput }), 0, runtime.err());
    });
  });
}

Deno.test("login --sso ends the session of another user who was signed in to the browser", async () => {
  await ssoTest(async ({ login, shown, open, runtime, stateDir, homeserver }) => {
    const other = homeserver.addUser("other");
    homeserver.allowSso(other.userId);
    const code = login();
    await (await runtime.fetch(await open(await shown()), {})).text();
    assertEquals(await code, 77);
    assertStringIncludes(
      runtime.err(),
      "cannot log in as @bot:loopback.test: the server logged @other:loopback.test in",
    );
    assertEquals(new AccountStore(stateDir).list(), []);
    assertEquals(homeserver.devices(other.userId), [other.deviceId]);
  });
});

Deno.test("login --sso gives up when nothing is pasted", async () => {
  await ssoTest(async ({ login }) => {
    assertEquals(await login({ stdinIsTerminal: () => true }), 130);
  });
});
