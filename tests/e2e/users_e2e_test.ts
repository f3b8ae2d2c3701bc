/** Tests the whole program with several users of a host, in a mount namespace of its own. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { GROUP, needsRoot, onHost } from "./host.ts";

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

Deno.test("a user whose own configuration belongs to root gets the command that gives it back", needsRoot, async () => {
  const { output } = await onHost(`
    mkdir -p /home/1/.config/matrix-notify
    cp /etc/matrix-notify/* /home/1/.config/matrix-notify
    chown 7001 /home/1/.config /home/1/.config/matrix-notify
    chmod 600 /home/1/.config/matrix-notify/config.json
    as 1 --clear-groups send one
    chown 7001 /home/1/.config/matrix-notify/config.json
    chmod 644 /home/1/.config/matrix-notify/token
    as 1 --clear-groups send one
  `);
  const hint = (name: string) => {
    const file = `/home/1/.config/matrix-notify/${name}`;
    return `run as root: chown 7001 ${file}; chmod 600 ${file}`;
  };
  assertStringIncludes(output, `config.json: permission is denied\n  hint: ${hint("config.json")}\n`);
  assertStringIncludes(
    output,
    `token: it contains a secret, but every user of this host can read it (${hint("token")})`,
  );
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
  const state = "/home/1 belongs to another user (uid 7001); the notification was sent without the queue";
  assertStringIncludes(
    output,
    `${state} (move it to a directory of this user or of root; or choose another directory with --state-dir)`,
  );
  assertEquals(output.trim().split("\n").at(-1), "7001");
});
