/**
 * Tests `setup` with a loopback homeserver whose state changes while setup runs. The transcripts
 * test all other cases.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { setOAuthScene } from "../../fakes/oauth.ts";
import { startProxy } from "../../fakes/proxy.ts";
import { readAllFiles } from "../../fakes/read_all_files.ts";
import { startTlsFront, tlsFile } from "../../fakes/tls.ts";
import { openSetupScene } from "./setup_scene.ts";

/** Starts a server with the given well-known response. It answers all other requests with 404. */
function startDomain(answer: (url: URL) => Response): { readonly name: string } & AsyncDisposable {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const url = new URL(request.url);
    return url.pathname.startsWith("/.well-known") ? answer(url) : new Response("Not found", { status: 404 });
  });
  return { name: `localhost:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

const json = (value: unknown) => () => Response.json(value);
const wellKnown = (baseUrl: unknown) => json({ "m.homeserver": { base_url: baseUrl } });

const DOMAINS: readonly (readonly [what: string, answer: (url: URL) => Response, message: RegExp])[] = [
  [
    "nothing, and is no homeserver",
    () => new Response("Not found", { status: 404 }),
    /client: not found \(404\); http:\/\/localhost:\d+: localhost:\d+ does not answer like a homeserver: 404/,
  ],
  [
    "a page",
    () => new Response("<!DOCTYPE html>", { headers: { "Content-Type": "text/html" } }),
    /it is text\/html, not a JSON/,
  ],
  ["damaged JSON", () => new Response('{"m.homeserver":'), /not a JSON object/],
  [
    "a redirect to itself",
    (url) => Response.redirect(url, 302),
    /it redirects more than 5 times/,
  ],
  ["an address without a server", json({}), /it has no base_url/],
  [
    "a wrong address",
    wellKnown("ftp://matrix.example.org"),
    /its base_url ftp:\S+ cannot be used: it must begin with https/,
  ],
  [
    "an address with plain http",
    wellKnown("http://matrix.example.org"),
    /plain http would send the access token unencrypted/,
  ],
  [
    "an address that does not answer",
    wellKnown("http://127.0.0.1:1"),
    /it points to http:\/\/127\.0\.0\.1:1; http:\S+: Cannot connect/,
  ],
  ["an error", () => new Response("", { status: 500 }), /it answered 500/],
];

for (const [what, answer, message] of DOMAINS) {
  Deno.test(`setup() reports the result of the discovery when the domain answers with ${what}`, async () => {
    await using scene = await openSetupScene();
    await using domain = startDomain(answer);
    const { code, err } = await scene.run(["setup", "--user", `@bot:${domain.name}`, "--direct", "@a:b", "--yes"]);
    assertEquals(code, 69);
    assertMatch(err, new RegExp(`^matrix-notify: cannot find the homeserver of ${domain.name}: `));
    assertMatch(err, message);
    assertStringIncludes(err, "--homeserver https://matrix.example.org");
  });
}

Deno.test("setup() asks for the homeserver's address when discovery fails, and uses the first address that works", async () => {
  await using scene = await openSetupScene();
  const { homeserver, bot } = scene;
  await using domain = startDomain(wellKnown(homeserver.url));
  const found = await scene.run(["setup"], { typed: [`@bot:${domain.name}\n`] });
  assertStringIncludes(found.err, `client: it points to ${homeserver.url}\n${homeserver.url}: it answers\n`);
  await using lost = startDomain(() => new Response("", { status: 500 }));
  const { code, err } = await scene.run(["setup"], {
    typed: [`@bot:${lost.name}\n`, "http://127.0.0.1:1\n", "http://example.org\n", `${homeserver.url}\n`],
  });
  assertEquals(code, 130);
  for (const sentence of ["it answered 500", "Cannot connect to 127.0.0.1:1", "unencrypted", ": it answers"]) {
    assertStringIncludes(err, sentence);
  }
  assertEquals(homeserver.devices(bot.userId), [bot.deviceId]);
});

Deno.test("setup() joins a room as soon as the account is invited", async () => {
  await using scene = await openSetupScene();
  const { homeserver, bot } = scene;
  const roomId = homeserver.createRoom({ members: ["@alice:loopback.test"], alias: "#ops:loopback.test", name: "Ops" });
  homeserver.createRoom({ members: ["@mallory:loopback.test"], invited: [bot.userId] });
  const login = ["--user", bot.userId, "--homeserver", homeserver.url, "--password-file"];
  const args = ["setup", ...login, scene.secretFile("password", bot.password), "--room", "#ops:loopback.test", "--yes"];
  const running = scene.run(args);
  await Promise.race([homeserver.received(({ route }) => route === "sync", 2), running]);
  homeserver.invite(roomId, bot.userId);
  const { code, out, err } = await running;
  assertEquals([code, out], [0, `set up matrix: ${bot.userId} sends to #ops:loopback.test\n`], err);
  assertStringIncludes(err, `Invite ${bot.userId} to #ops:loopback.test now. Waiting for up to 5 min`);
  assertEquals(homeserver.events(roomId).length, 1);
});

Deno.test("setup() waits for any invite, and joins the room that the user chooses", async () => {
  await using scene = await openSetupScene();
  const { homeserver, bot } = scene;
  const [spam, ops] = ["Spam", "Ops"].map((name) =>
    homeserver.createRoom({ members: ["@alice:loopback.test"], invited: [bot.userId], name })
  );
  const { code, out, err } = await scene.run(["setup", "--user", bot.userId, "--homeserver", homeserver.url], {
    typed: ["1\n", `${bot.password}\r`, "1\n", "\n", "3\n", "wait\n", "2\n"],
  });
  assertEquals([code, out], [0, `set up matrix: ${bot.userId} sends to Ops (${ops})\n`], err);
  assertStringIncludes(
    err,
    `  1  Spam (${spam}), by @alice:loopback.test\n  2  Ops (${ops}), by @alice:loopback.test\n`,
  );
  assertStringIncludes(err, "no invite was chosen");
  assertStringIncludes(err, "\nTest message: \x1b[32mdelivered\x1b[0m $");
  assertEquals(homeserver.members(spam).joined, ["@alice:loopback.test"]);
});

Deno.test("setup() reaches a homeserver with a private certificate authority, and so do login, whoami and logout", async () => {
  await using scene = await openSetupScene();
  const { homeserver, bot } = scene;
  await using front = startTlsFront(homeserver.url);
  const url = `https://localhost:${front.port}`, password = scene.secretFile("password", bot.password);
  const args = ["setup", "--user", bot.userId, "--homeserver", url, "--password-file", password, "--yes"];
  const room = ["--create-room", "Ops", "--invite", "@alice:loopback.test"];
  const refused = await scene.run([...args, ...room]);
  assertEquals(refused.code, 69);
  assertStringIncludes(refused.err, "its certificate is not signed by a trusted authority");
  assertStringIncludes(refused.err, "--ca-file");
  const { code, err } = await scene.run([...args, ...room, "--ca-file", tlsFile("authority.pem")]);
  assertEquals(code, 0, err);
  const { matrix } = scene.config().channels as Record<string, Record<string, unknown>>;
  assertEquals(matrix.caFile, tlsFile("authority.pem"));
  assertEquals((await scene.run(args)).code, 0);
  for (
    const command of [["whoami"], ["login", bot.userId, "--homeserver", url, "--password-file", password], ["logout"]]
  ) {
    const ran = await scene.run(command);
    assertEquals(ran.code, 0, ran.err);
  }
});

Deno.test("setup() reaches the homeserver through a proxy, and writes the proxy into the channel", async () => {
  await using scene = await openSetupScene();
  await using proxy = startProxy();
  const { homeserver, bot } = scene;
  const password = scene.secretFile("password", bot.password);
  const args = ["setup", "--user", bot.userId, "--homeserver", homeserver.url, "--password-file", password, "--yes"];
  const { code, err } = await scene.run([
    ...args,
    "--direct",
    "@alice:loopback.test",
    "--proxy",
    `http://${proxy.host}`,
  ]);
  assertEquals(code, 0, err);
  assertEquals(proxy.passed.length, homeserver.requests.length);
  assertEquals(scene.config(), {
    channels: { matrix: { user: bot.userId, room: "@alice:loopback.test", proxy: `http://${proxy.host}` } },
  });
});

Deno.test("setup() replaces the target of a symbolic link, and keeps its mode", async () => {
  await using scene = await openSetupScene();
  const { homeserver, bot, home } = scene;
  Deno.mkdirSync(`${home}/.config/matrix-notify`, { recursive: true });
  Deno.writeTextFileSync(`${home}/kept.json`, '{"identity":"jump"}', { mode: 0o644 });
  Deno.symlinkSync(`${home}/kept.json`, `${home}/.config/matrix-notify/config.json`);
  const password = scene.secretFile("password", bot.password);
  const args = ["setup", "--user", bot.userId, "--homeserver", homeserver.url, "--password-file", password, "--yes"];
  assertEquals((await scene.run([...args, "--direct", "@alice:loopback.test", "--no-test"])).code, 0);
  assert(Deno.lstatSync(`${home}/.config/matrix-notify/config.json`).isSymlink);
  const kept = JSON.parse(Deno.readTextFileSync(`${home}/kept.json`));
  assertEquals(kept, { identity: "jump", channels: { matrix: { user: bot.userId, room: "@alice:loopback.test" } } });
  assertEquals((Deno.statSync(`${home}/kept.json`).mode ?? 0) & 0o777, 0o644);
});

for (
  const [fault, code, sentence] of [
    ["503", 75, /Test message: queued /],
    ["too-large", 65, /Test message: dead .*\n.*the notification could not be delivered, and is kept as a dead letter/],
  ] as const
) {
  Deno.test(`setup() exits with ${code} when the server answers the test message with ${fault}, and writes the channel`, async () => {
    await using scene = await openSetupScene();
    const { homeserver, bot } = scene;
    homeserver.fault(fault);
    const password = scene.secretFile("password", bot.password);
    const args = ["setup", "--user", bot.userId, "--homeserver", homeserver.url, "--password-file", password, "--yes"];
    const ran = await scene.run([...args, "--direct", "@alice:loopback.test", "--no-background"]);
    assertEquals(ran.code, code, ran.err);
    assertMatch(ran.err, sentence);
    assertMatch(ran.out, /^set up matrix: /);
    assert("channels" in scene.config());
  });
}

Deno.test("setup() writes the tokens only into the account file, and does not write the password", async () => {
  await using scene = await openSetupScene();
  const { homeserver, bot, home } = scene;
  const typed = ["1\n", "wrong-password\r", "1\n", `${bot.password}\r`, "2\n", "\n", "@alice:loopback.test\n"];
  const first = await scene.run(["setup", "--user", bot.userId, "--homeserver", homeserver.url], { typed });
  const token = scene.secretFile("token", bot.accessToken);
  await scene.run(["logout"]);
  const second = await scene.run([
    "setup",
    "--user",
    bot.userId,
    "--homeserver",
    homeserver.url,
    "--token-file",
    token,
    "--yes",
  ]);
  assertEquals([first.code, second.code], [0, 0], first.err + second.err);
  const account = `${home}/.local/state/matrix-notify/accounts/%40bot%3Aloopback.test.json`;
  const { accessToken } = JSON.parse(Deno.readTextFileSync(account));
  assertEquals(accessToken, bot.accessToken);
  Deno.removeSync(account);
  Deno.removeSync(token);
  const requests = homeserver.requests.map(({ path, query }) => path + query).join("\n");
  const places = [first.out + first.err, second.out + second.err, readAllFiles(home), requests];
  for (const secret of [bot.password, "wrong-password", accessToken]) {
    for (const place of places) assertEquals(place.includes(secret), false, secret);
  }
});

for (
  const [how, code, sentence] of [["approve", 0, "Logged in"], ["deny", 77, "refused in the browser"], [
    "expire",
    75,
    "the login was not confirmed in time",
  ]] as const
) {
  Deno.test(`setup() with --device-code exits with ${code} when the person does this: ${how}`, async () => {
    await using scene = await openSetupScene();
    await using oauth = await setOAuthScene();
    oauth.homeserver.addUser("alice");
    const { now, sleep } = oauth.client.runtime;
    oauth.during(1, () => oauth.server[how](oauth.server.userCodes[0], "bot"));
    const args = ["setup", "--user", "@bot:loopback.test", "--homeserver", oauth.homeserver.url, "--device-code"];
    const ran = await scene.run([...args, "--direct", "@alice:loopback.test", "--yes"], { runtime: { now, sleep } });
    assertEquals(ran.code, code, ran.err);
    assertStringIncludes(ran.err, sentence);
  });
}

Deno.test("setup() refuses a person who does not exist, and accepts a person whose profile is hidden", async () => {
  await using scene = await openSetupScene();
  const { bot, homeserver } = scene;
  const token = scene.secretFile("token", bot.accessToken);
  const login = ["setup", "--user", bot.userId, "--homeserver", homeserver.url, "--token-file", token, "--no-test"];
  for (const option of [["--direct"], ["--create-room", "Ops", "--invite"]]) {
    const { code, err } = await scene.run([...login, ...option, "@alcie:loopback.test"]);
    assertEquals(code, 65);
    assertStringIncludes(
      err,
      "cannot invite @alcie:loopback.test: this user does not exist\n  hint: check the spelling of the user id\n",
    );
  }
  assertEquals(homeserver.requests.filter(({ route }) => route === "create-room").length, 0);
  homeserver.fault("forbidden", { on: "display-name" });
  assertEquals((await scene.run([...login, "--direct", "@alcie:loopback.test"])).code, 0);
});
