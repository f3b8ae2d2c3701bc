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
