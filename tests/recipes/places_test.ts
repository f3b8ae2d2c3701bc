/** Tests the recipes about the state directory: containers and backups. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { recipeTest } from "./host.ts";
import { recipeScript, recipeSteps } from "./page.ts";

/** The options of `docker run` in the recipe, as a container engine applies them to the process. */
function containerEnv(): string {
  const [{ text }] = recipeSteps("Containers");
  const variables = Array.from(text.matchAll(/-e (\S+)/g), ([, variable]) => variable);
  const command = text.slice(text.indexOf("my-image ") + "my-image ".length).trim();
  return `
in_container() { env -i PATH="$PATH" ${variables.join(" ")} setpriv --reuid=1000 --regid=1000 --clear-groups "$@"; }
chmod 644 /etc/matrix-notify/config.json
chmod 755 /etc/matrix-notify
mkdir -p /usr/local/bin
printf '#!/bin/sh\\necho "no space left"; exit 11\\n' > /usr/local/bin/job
chmod 755 /usr/local/bin/job
job() { in_container ${command.replace("--wait 1m", "--wait 1s")}; }
`;
}

recipeTest("the recipe for containers keeps the alert of an ended container on the volume", async (host) => {
  // A container is a host of its own here: everything but the volume is gone afterwards. There is
  // no container engine in these tests.
  await host.homeserver.stop();
  const output = await host.run(`${containerEnv()}
    mkdir -p /data && mount --bind /volume /data && chown 1000 /data
    mount --bind /etc/matrix-notify/config.json /etc/matrix-notify/config.json
    mount -o remount,bind,ro /etc/matrix-notify/config.json
    job || echo "exit $?"
  `);
  assertStringIncludes(output, "exit 11");
  await host.homeserver.restart();
  await host.run(
    `${containerEnv()}
    mkdir -p /data && mount --bind /volume /data
    mount --bind /etc/matrix-notify/config.json /etc/matrix-notify/config.json
    mount -o remount,bind,ro /etc/matrix-notify/config.json
    in_container matrix-notify flush --timer
    `,
    { messages: 1 },
  );
  assertStringIncludes(host.bodies()[0], "[jump] ❌ job failed: exit 11");
});

recipeTest("the recipe for a backup restores the configuration and the logins, but no queue", async (host) => {
  const output = await host.run(`
    mkdir -m 700 /var/lib/matrix-notify /var/lib/matrix-notify/accounts
    echo '{}' > /var/lib/matrix-notify/accounts/kept.json
    matrix-notify send Test
    umask 077
    rm -f /root/matrix-notify.tar.gz
    ${recipeScript("Backup of matrix-notify")}
    stat -c %a /root/matrix-notify.tar.gz
    rm -rf /etc/matrix-notify /var/lib/matrix-notify
    tar -C / -xzf /root/matrix-notify.tar.gz
    stat -c '%a %U' /var/lib/matrix-notify /etc/matrix-notify/config.json
    ls /var/lib/matrix-notify
    rm /var/lib/matrix-notify/accounts/kept.json
    matrix-notify send "After the restore"
  `);
  assertEquals(output.split("\n").filter((line) => !line.startsWith("delivered")), [
    ...["600", "700 root", "640 root", "accounts", "rooms.json", "rooms.lock", ""],
  ]);
  assertEquals(host.bodies(), ["[jump] Test", "[jump] After the restore"]);
});
