/** Tests the whole program with several users of a host, in a mount namespace of its own. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { inheritedConfig } from "../../scripts/std/argv.ts";
import { LoopbackNtfy } from "../../src/testing/mod.ts";

const MAIN = fromFileUrl(new URL("../../src/main.ts", import.meta.url));

/** The permissions in the README. */
const PERMISSIONS = ["--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-sys=hostname,uid"];

/** The group that may read the configuration. */
const GROUP = 7000;

/**
 * Creates a host: an empty `/etc/matrix-notify`, `/var/lib` and `/home`. The shell function `as UID
 * GIDS ARG...` runs the program as a user.
 */
const HOST = `
  cp -a /etc "$FOLDER/etc"; mount --bind "$FOLDER/etc" /etc; rm -rf /etc/matrix-notify
  mount -t tmpfs none /var/lib; mount -t tmpfs none /home
  for user in 1 2 3; do mkdir -m 700 /home/$user; chown 700$user:700$user /home/$user; done
  mkdir -m 750 /etc/matrix-notify
  printf '%s' "$CONFIG" > /etc/matrix-notify/config.json
  printf tk_secret > /etc/matrix-notify/token
  chmod 640 /etc/matrix-notify/*; chgrp -R ${GROUP} /etc/matrix-notify
  as() {
    user=$1; groups=$2; shift 2
    setpriv --reuid=700$user --regid=700$user $groups env -i PATH="$PATH" HOME=/home/$user DENO_DIR="$FOLDER/deno" \\
      $PROGRAM "$@" --no-background 2>&1
    echo "exit $?"
  }
  own() { env -i PATH="$PATH" HOME=/root DENO_DIR="$FOLDER/deno" $PROGRAM "$@" --no-background 2>&1; echo "exit $?"; }
`;

/** Runs a script of root on such a host. Returns its output and the bodies at the topic `alerts`. */
async function onHost(script: string): Promise<{ readonly output: string; readonly sent: readonly unknown[] }> {
  await using ntfy = await LoopbackNtfy.start();
  const folder = await Deno.makeTempDir();
  try {
    await Deno.chmod(folder, 0o755);
    await Deno.mkdir(`${folder}/deno`);
    await Deno.chmod(`${folder}/deno`, 0o777);
    const phone = { kind: "ntfy", server: ntfy.url, topic: "alerts", tokenFile: "token" };
    const program = [Deno.execPath(), "run", "-q", "--no-prompt", ...inheritedConfig(), ...PERMISSIONS, MAIN];
    const { stdout } = await new Deno.Command("unshare", {
      args: ["--mount", "sh", "-c", HOST + script],
      env: { FOLDER: folder, CONFIG: JSON.stringify({ channels: { phone } }), PROGRAM: program.join(" ") },
      stderr: "inherit",
    }).output();
    return { output: new TextDecoder().decode(stdout), sent: ntfy.messages("alerts").map(({ message }) => message) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const needsRoot = { ignore: Deno.uid() !== 0 };

Deno.test("users of a group share the configuration, and each has a queue of their own", needsRoot, async () => {
  const { output, sent } = await onHost(`
    as 1 --groups=${GROUP} send one
    as 2 --groups=${GROUP} send two
    own send root
    stat -c '%a %u' /home/1/.local/state/matrix-notify /home/2/.local/state/matrix-notify /var/lib/matrix-notify
  `);
  assertEquals(sent, ["one", "two", "root"], output);
  assertStringIncludes(output, "700 7001\n700 7002\n700 0\n");
});

Deno.test("a notification of a user outside of the group waits until the user joins the group", needsRoot, async () => {
  const { output, sent } = await onHost(`
    as 3 --clear-groups send three
    as 3 --groups=${GROUP} flush
  `);
  assertStringIncludes(output, "cannot use configuration /etc/matrix-notify/config.json: permission is denied\n");
  assertStringIncludes(
    output,
    "hint: to share the file, run as root: chgrp GROUP /etc/matrix-notify/config.json; chmod 640",
  );
  assertStringIncludes(output, "exit 78\n1 delivered, 0 still queued\nexit 0\n");
  assertEquals(sent, ["three"]);
});

Deno.test("a user who gets the directory of another user sends without the queue", needsRoot, async () => {
  const { output, sent } = await onHost(`
    as 1 --groups=${GROUP} send one
    own send "root in a home" --state-dir /home/1/.local/state/matrix-notify
    chmod 755 /home/1 /home/1/.local /home/1/.local/state
    as 2 --groups=${GROUP} send "two in a home" --state-dir /home/1/.local/state/matrix-notify
    stat -c %u /home/1/.local/state/matrix-notify/queue/* | sort -u
  `);
  assertEquals(sent, ["one", "root in a home", "two in a home"], output);
  const state = "it belongs to another user (uid 7001); the notification was sent without the queue";
  assertStringIncludes(output, `${state} (run: chown -R 0 `);
  assertStringIncludes(output, `${state} (as root, run: chown -R 7002 `);
  assertEquals(output.trim().split("\n").at(-1), "7001");
});
