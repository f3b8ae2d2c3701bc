/** Tests the socket of `serve` with several users of a host. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { needsRoot, onHost } from "./host.ts";

/** The shell functions `start`, which starts `serve`, and `kill_server SIGNAL`. */
const SERVER = `
  groupadd -g 7100 matrix-notify
  mount -t tmpfs none /run
  chmod 600 /etc/matrix-notify/*
  sed -i '1s/^{/{"serve":{"sockets":{"socket":{}}},/' /etc/matrix-notify/config.json
  start() {
    cat "$FOLDER/log" >>"$FOLDER/logs" 2>/dev/null; : >"$FOLDER/log"
    env -i PATH="$PATH" HOME=/root DENO_DIR="$FOLDER/deno" timeout -s KILL 60 $PROGRAM serve 2>>"$FOLDER/log" & timer=$!
    until grep -q "^[^ ]* listening" "$FOLDER/log"; do sleep 0.1; done
    server=$(pgrep -P $timer)
  }
`;

Deno.test("root, a service user without a home and a person send through the socket", needsRoot, async () => {
  const { output, sent } = await onHost(`${SERVER}
    start
    nowhere() {
      setpriv --reuid=7002 --regid=7002 --groups=7100 env -i PATH="$PATH" DENO_DIR="$FOLDER/deno" \\
        $PROGRAM "$@" 2>&1
      echo "exit $?"
    }
    as 1 --groups=7100 send person --wait 5s
    nowhere send service --wait 5s
    own send root --wait 5s
    as 3 --clear-groups send outsider
    for file in /etc/matrix-notify/token /var/lib/matrix-notify/queue/queue.jsonl; do
      setpriv --reuid=7001 --regid=7001 --groups=7100 cat "$file" 2>&1
    done
    stat -c '%a %U %G' /run/matrix-notify /run/matrix-notify/socket
    kill $server; wait $timer; echo "server $?"
    ls /run/matrix-notify
  `);
  assertEquals(sent, ["person", "service", "root"], output);
  assertStringIncludes(output, "cannot send through /run/matrix-notify/socket: permission is denied");
  assertEquals(output.match(/: Permission denied/g)?.length, 2, output);
  assertStringIncludes(output, "750 root matrix-notify\n660 root matrix-notify\nserver 0\n");
});

Deno.test("a reload, a restart and a kill of serve lose nothing and send nothing twice", needsRoot, async () => {
  const { output, sent } = await onHost(`${SERVER}
    start
    send() { as 1 --groups=7100 send "$1" --id "$1" --wait 0; }
    kill -9 $server; wait $timer 2>/dev/null
    send killed & sender=$!; sleep 1; start; wait $sender
    kill -HUP $server; send reloaded; send reloaded
    cp /etc/matrix-notify/config.json "$FOLDER/old"; printf '{' > /etc/matrix-notify/config.json
    kill -HUP $server; send wrong
    cp "$FOLDER/old" /etc/matrix-notify/config.json
    kill $server; wait $timer; echo "server $?"
    send restarted & sender=$!; sleep 1; start; wait $sender
    env -i PATH="$PATH" HOME=/root DENO_DIR="$FOLDER/deno" $PROGRAM serve 2>&1; echo "second $?"
    as 1 --groups=7100 send last --wait 10s
    kill $server; wait $timer
    cat "$FOLDER/logs" "$FOLDER/log"
  `);
  assertEquals(sent, ["killed", "reloaded", "wrong", "restarted", "last"], output);
  assertStringIncludes(output, "the new configuration is not used, the old one stays: ");
  assertStringIncludes(output, "second 75\n");
  assertStringIncludes(output, "cannot serve: another matrix-notify serve uses the queue in /var/lib/matrix-notify\n");
});
