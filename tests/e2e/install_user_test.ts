/**
 * Tests the ways to install the program, with the lines of the README, as an unprivileged user with
 * an empty home directory.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { buildRelease } from "../../scripts/build/bundle_files.ts";
import { until } from "../../scripts/synapse.ts";
import { needsRoot } from "./host.ts";
import { UserScene } from "./user_scene.ts";

const ROOT = new URL("../../", import.meta.url);
const README = await Deno.readTextFile(new URL("README.md", ROOT));

/** The blocks of commands in the section "Install". */
const [WITH_DENO, WITH_NPM] = Array.from(
  README.slice(README.indexOf("\n## Install\n"), README.indexOf("\n## What it does\n")).matchAll(/```sh\n(.*?)```/gs),
  ([, block]) => block,
);

/** Copies the checkout into the home directory of a user. Returns the path of the copy. */
async function checkout(user: UserScene): Promise<string> {
  const copy = `${user.home}/checkout`;
  const script =
    'mkdir "$1" && git ls-files -z | grep -zv "^tests/" | xargs -0 cp --parents -t "$1" -- && chown -R "$2" "$1"';
  const { success } = await new Deno.Command("sh", {
    args: ["-c", script, "sh", copy, `${(await Deno.stat(user.home)).uid}`],
    cwd: fromFileUrl(ROOT),
  }).output();
  assert(success);
  return copy;
}

/** The users reach a registry of npm as the user of the tests does, and no JSR. */
const NO_JSR = {
  ...Object.fromEntries(
    Object.entries(Deno.env.toObject()).filter(([name]) =>
      /^(npm_config_registry$|NODE_|DENO_|SSL_|.*_PROXY$)/i.test(name)
    ),
  ),
  DENO_DIR: "",
  JSR_URL: "http://127.0.0.1:9/",
};

Deno.test("the lines of the README with Deno install a program that does everything", needsRoot, async () => {
  await using user = await UserScene.create();
  await user.run(["sh", "-ec", WITH_DENO], { cwd: await checkout(user), env: NO_JSR });
  await user.useEverything(["matrix-notify"], NO_JSR);
  const hint = await user.run(["matrix-notify", "permissions", "flush"]);
  assertStringIncludes(hint, `${user.home}/.local/lib/matrix-notify/current/matrix-notify.js flush`);
  for (const file of ["man/man1/matrix-notify-send.1", "bash-completion/completions/matrix-notify"]) {
    await user.run(["test", "-s", `${user.home}/.local/share/${file}`]);
  }
  await user.run(["sh", `${user.home}/.local/lib/matrix-notify/current/install.sh`, "--uninstall"]);
  const left = await user.run(["find", `${user.home}/.local`, "-mindepth", "1", "-maxdepth", "2"]);
  assertEquals(left.trim().split("\n"), [`${user.home}/.local/state`, `${user.home}/.local/state/matrix-notify`]);
});

Deno.test("install.sh updates the program while its deliverer runs, and keeps the queue", needsRoot, async () => {
  await using user = await UserScene.create();
  const { userId, accessToken } = user.homeserver.addUser("bot");
  const room = user.homeserver.createRoom({ members: [userId] });
  const env = { MATRIX_HOMESERVER: user.homeserver.url, MATRIX_ACCESS_TOKEN: accessToken, MATRIX_ROOM: room };
  await buildRelease(user.shared, "--bundle");
  const install = () => user.run(["./install.sh"], { cwd: user.shared });
  await install();
  await user.homeserver.stop();
  await user.run(["matrix-notify", "send", "Before", "**bold**", "--format", "markdown", "--wait", "0s"], { env });
  // Three updates: the version of the deliverer is not the one before the current one any more.
  for (let update = 0; update < 3; update++) await install();
  const versions = await user.run(["sh", "-c", `ls -d ${user.home}/.local/lib/matrix-notify/2*`]);
  assertEquals(versions.trim().split("\n").length, 3);
  await user.run(["matrix-notify", "send", "After", "", "--wait", "0s"], { env });
  await user.homeserver.restart();
  await user.homeserver.received(({ status, method }) => method === "PUT" && status === 200, 2);
  assertEquals(user.homeserver.events(room).length, 2);
  await until(
    async () => (await user.run(["matrix-notify", "queue", "list"], { env })).includes("is empty") || undefined,
    {
      what: "an empty queue",
    },
  );
});

Deno.test("the lines of the README with npm install a program that does everything", needsRoot, async () => {
  await using user = await UserScene.create();
  const folder = await checkout(user);
  const npm = { ...NO_JSR, npm_config_prefix: `${user.home}/.local`, npm_config_cache: `${user.home}/npm` };
  await user.run(["sh", "-ec", WITH_NPM], { cwd: folder, env: npm });
  await user.useEverything(["matrix-notify"], NO_JSR);
  const deno = await user.run(["matrix-notify", "permissions", "flush"]);
  const installed = `${user.home}/.local/lib/node_modules/@matrix-notify/matrix-notify`;
  assert(deno.startsWith(`${installed}/node_modules/@deno/linux-`), deno);
  await user.run(["test", "-s", `${user.home}/.local/share/man/man1/matrix-notify-send.1`]);
  await Deno.symlink(`${user.home}/.local/bin/matrix-notify`, `${user.shared}/sendmail`);
  assertStringIncludes(await user.run([`${user.shared}/sendmail`, "--help"]), "matrix-notify sendmail");
  await user.run(["npm", "install", "-g", "./matrix-notify.tgz"], { cwd: `${folder}/dist`, env: npm });
  assertStringIncludes(await user.run(["matrix-notify", "status"]), "0 queued");
  await user.run(["npm", "uninstall", "-g", "@matrix-notify/matrix-notify"], { env: npm });
  assertEquals(await user.run(["find", `${user.home}/.local/bin`, `${user.home}/.local/lib`, "-type", "l,f"]), "");
});
