/**
 * A Debian host for the recipes: this host, the programs of the recipes, and an installed
 * matrix-notify, which root configured for a room. Everything that a script changes is in memory,
 * and gone afterwards. When the script ends, the kernel kills all processes that it has started.
 *
 * @module
 */

import { buildBundle, BUNDLE } from "../../scripts/build/bundle_files.ts";
import { until } from "../../scripts/synapse/until.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { installOrStub } from "../fakes/installed_suite.ts";
import { installPrograms } from "./programs.ts";

/** A script that starts daemons ends within this time. */
const LIMIT_MS = 120_000;

/** What a test needs on a host. */
export interface RecipeHost {
  /** The homeserver. A test can stop it, and start it again. */
  readonly homeserver: LoopbackHomeserver;
  /**
   * Runs a shell script as root, with `matrix-notify` in `/usr/local/bin`. After the script, the
   * host stays up until the room has a number of messages.
   *
   * @returns standard output and standard error of the script
   * @throws {Error} if the script fails
   */
  run(script: string, options?: { readonly messages?: number }): Promise<string>;
  /** The bodies of the messages in the room. */
  bodies(): readonly string[];
  /** A directory of this machine that is `/volume` in each script. */
  readonly volume: string;
}

/**
 * The shell functions of every script. `until_true COMMAND` waits until the command succeeds.
 * `until_delivered USER DIR` waits until a new queue of the user has delivered what it had.
 */
const FUNCTIONS = `
until_true() {
  for try in $(seq 600); do if "$@" >/dev/null 2>&1; then return 0; fi; sleep 0.1; done
  echo "Cannot wait any longer for: $*" >&2
  return 1
}
is_delivered() {
  test -s "$2/queue/queue.jsonl" || return 1
  ! runuser -u "$1" -- matrix-notify queue list --json --state-dir "$2" | grep -q .
}
until_delivered() { until_true is_delivered "$@"; }
`;

/** Mounts the host, and runs the script in it. */
const LAUNCHER = `
set -e
mount -t tmpfs tmpfs "$FOLDER/memory"
cd "$FOLDER/memory"
mkdir work root
# overlayfs refuses a lower layer that is a folder of another one.
cp -a "$LAYER" upper
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
cd root
mount --rbind /dev dev; mount -t proc proc proc; mount -t tmpfs tmpfs tmp; mount -t tmpfs tmpfs run
chmod 1777 tmp; chmod 755 run
mkdir -p opt/matrix-notify volume etc/matrix-notify
mount --bind "$FOLDER/program" opt/matrix-notify
mount --bind "$FOLDER/volume" volume
rm -rf var/lib/matrix-notify root/.config/matrix-notify
grep -q ^matrix-notify: etc/group || chroot . groupadd --system matrix-notify
printf %s "$CONFIG" > etc/matrix-notify/config.json
chmod 750 etc/matrix-notify; chmod 640 etc/matrix-notify/config.json
chroot . chgrp -R matrix-notify etc/matrix-notify
cat > usr/local/bin/matrix-notify <<END
#!/bin/sh
export DENO_DIR=/tmp/deno-\\$(/usr/bin/id -u)
exec "$DENO" run -A --quiet --no-prompt --no-config --cached-only /opt/matrix-notify/${BUNDLE} "\\$@"
END
chmod 755 usr/local/bin/matrix-notify
printf %s "$SCRIPT" > script
exec env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin NO_COLOR=1 LC_ALL=C.UTF-8 chroot . /bin/sh -e /script
`;

const stub = await installOrStub("the programs of the recipes", installPrograms);

/** Registers a test on a host of its own. */
export function recipeTest(name: string, test: (host: RecipeHost) => Promise<void>): void {
  if (stub !== undefined) return stub(name);
  Deno.test(name, async () => {
    await using homeserver = await LoopbackHomeserver.start();
    const { userId, accessToken } = homeserver.addUser("bot");
    const room = homeserver.createRoom({ members: [userId] });
    const config = JSON.stringify({
      identity: "jump",
      channels: { matrix: { homeserver: homeserver.url, accessToken, room } },
    });
    const bodies = () => homeserver.events(room).map(({ content }) => String(content.body));
    // Other users cannot reach the temporary directory of the tests.
    const folder = await Deno.makeTempDir({ dir: "/tmp", prefix: "matrix-notify-recipes-" });
    try {
      for (const name of ["memory", "program", "volume"]) await Deno.mkdir(`${folder}/${name}`, { mode: 0o755 });
      await buildBundle(`${folder}/program`);
      const env = { FOLDER: folder, LAYER: await installPrograms(), CONFIG: config, DENO: Deno.execPath() };
      await test({
        homeserver,
        async run(script, { messages = 0 } = {}) {
          const seen = `${folder}/volume/seen`;
          const running = run(`${FUNCTIONS}${script}\nuntil_true test -e /volume/seen\n`, env);
          const what = `${messages} messages`;
          await Promise.race([
            running,
            until(() => bodies().length >= messages || undefined, { what, limitMs: LIMIT_MS }),
          ]);
          await Deno.writeTextFile(seen, "");
          const output = await running;
          await Deno.remove(seen);
          return output;
        },
        bodies,
        volume: `${folder}/volume`,
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

async function run(script: string, env: Readonly<Record<string, string>>): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("timeout", {
    args: [
      ...["--kill-after=5", `${LIMIT_MS / 1000}`],
      ...["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", LAUNCHER],
    ],
    env: { ...env, SCRIPT: script },
    cwd: "/",
    stdin: "null",
  }).output();
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  if (code !== 0) throw new Error(`Cannot run the script: exit ${code}\n${output}`);
  return output;
}
