/** A host with several users, in a mount namespace of its own. */

import { fromFileUrl } from "@std/path";
import { inheritedConfig } from "../../scripts/std/argv.ts";
import { PROGRAM_FLAGS } from "../../src/base/permission_table.ts";
import { LoopbackNtfy } from "../../src/testing/mod.ts";

const MAIN = fromFileUrl(new URL("../../src/main.ts", import.meta.url));

/** Options of a test that needs mounts and users. */
export const needsRoot = { ignore: Deno.uid() !== 0 };

/** The group that may read the configuration. */
export const GROUP = 7000;

/**
 * Creates a host: an empty `/etc/matrix-notify`, `/var/lib`, `/srv` and `/home`. The shell function
 * `as UID GIDS ARG...` runs the program as a user, `own ARG...` as root with the variables in
 * `$VARIABLES`.
 */
const HOST = `
  cp -a /etc "$FOLDER/etc"; mount --bind "$FOLDER/etc" /etc; rm -rf /etc/matrix-notify
  mount -t tmpfs none /var/lib; mount -t tmpfs none /home; mount -t tmpfs none /srv
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
  own() {
    env -i PATH="$PATH" HOME=/root DENO_DIR="$FOLDER/deno" $VARIABLES timeout 60 $PROGRAM "$@" --no-background 2>&1
    echo "exit $?"
  }
`;

/**
 * Runs a script of root on such a host. Returns its output and the bodies at the topic `alerts`.
 */
export async function onHost(script: string): Promise<{ readonly output: string; readonly sent: readonly unknown[] }> {
  await using ntfy = await LoopbackNtfy.start();
  const folder = await Deno.makeTempDir();
  try {
    await Deno.chmod(folder, 0o755);
    await Deno.mkdir(`${folder}/deno`);
    await Deno.chmod(`${folder}/deno`, 0o777);
    const phone = { kind: "ntfy", server: ntfy.url, topic: "alerts", tokenFile: "token" };
    const program = [Deno.execPath(), "run", "-q", "--no-prompt", ...inheritedConfig(), ...PROGRAM_FLAGS, MAIN];
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
