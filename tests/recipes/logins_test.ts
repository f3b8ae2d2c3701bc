/** Tests the recipes for ssh with a real sshd, on a free port of the loopback interface. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { until } from "../../scripts/synapse/until.ts";
import { freePort } from "../../scripts/free_port.ts";
import { recipeTest } from "./host.ts";
import { recipeScript } from "./page.ts";

/**
 * Starts sshd with Debian's configuration. `login ARG...` runs ssh as a router does, without a
 * terminal.
 */
const startSshd = (port: number) => `
ssh-keygen -q -t ed25519 -N '' -f /tmp/key
mkdir -p /run/sshd
/usr/sbin/sshd -p ${port} -o ListenAddress=127.0.0.1 -E /tmp/sshd.log
login() {
  timeout 20 ssh -p ${port} -i /tmp/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes \\
    -o LogLevel=ERROR "$@"
}
until_true grep -q 'Server listening' /tmp/sshd.log
`;

recipeTest("the recipe for RouterOS sends the text of a router, and permits nothing else", async (host) => {
  const output = await host.run(
    `${recipeScript("RouterOS")}${startSshd(freePort())}
    sed -i "s|ssh-ed25519 AAAA.*|$(cat /tmp/key.pub)|" /home/router/.ssh/authorized_keys
    login router@127.0.0.1 'Link down|ether1 lost its carrier'
    login router@127.0.0.1 -- '-x $(touch /tmp/owned); touch /tmp/owned|\`touch /tmp/owned\` "end'
    login router@127.0.0.1 </dev/null
    login -tt router@127.0.0.1 'A terminal' 2>&1 || echo "terminal: exit $?"
    login -W 127.0.0.1:1 router@127.0.0.1 2>&1 || echo "forwarding: exit $?"
    ls /tmp/owned 2>/dev/null || echo "nothing is evaluated"
    `,
    { messages: 3 },
  );
  // Without a terminal, ssh may end before or after the command has started.
  assertEquals(host.bodies().slice(0, 3), [
    "[jump] Link down\n\nether1 lost its carrier",
    '[jump] -x $(touch /tmp/owned); touch /tmp/owned\n\n`touch /tmp/owned` "end',
    "[jump] The router sent an empty alert",
  ]);
  assertStringIncludes(output, "terminal: exit 255");
  assertStringIncludes(output, "forwarding: exit 255");
  assertStringIncludes(output, "nothing is evaluated");
});

recipeTest("the recipe for RouterOS answers within seconds during an outage, and delivers later", async (host) => {
  await host.homeserver.stop();
  const running = host.run(
    `${recipeScript("RouterOS")}${startSshd(freePort())}
    sed -i "s|ssh-ed25519 AAAA.*|$(cat /tmp/key.pub)|" /home/router/.ssh/authorized_keys
    login router@127.0.0.1 'Link down|ether1' </dev/zero
    touch /volume/answered
    `,
    { messages: 1 },
  );
  const answered = async () => {
    await until(() => Deno.stat(`${host.volume}/answered`).catch(() => undefined), {
      what: "the answer to the router",
    });
    await host.homeserver.restart();
  };
  await Promise.all([running, answered()]);
  assertStringIncludes(host.bodies()[0], "[jump] Link down");
});

recipeTest("the recipe for logins reports a login by ssh", async (host) => {
  await host.run(
    `${recipeScript("Logins by ssh")}${startSshd(freePort())}
    useradd --create-home --shell /bin/sh alice
    install -d -m 700 -o alice /home/alice/.ssh
    cp /tmp/key.pub /home/alice/.ssh/authorized_keys
    login alice@127.0.0.1 'echo the shell works'
    `,
    { messages: 1 },
  );
  assertEquals(host.bodies(), ["[jump] alice logged in\n\nfrom 127.0.0.1"]);
});
