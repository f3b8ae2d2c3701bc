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
    env -i PATH="$PATH" HOME=/root DENO_DIR="$FOLDER/deno" timeout -s KILL 300 $PROGRAM serve 2>>"$FOLDER/log" & timer=$!
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
    printf private >/home/1/file; chown 7001:7001 /home/1/file; chmod 600 /home/1/file
    as 1 --groups=7100 send file --attach /home/1/file --require delivered
    nowhere run -s command -- sh -c 'echo out; exit 3'
    printf 'Subject: mail\n\nbody\n' | nowhere sendmail -t
    for file in etc/matrix-notify/token var/lib/matrix-notify/queue/queue.jsonl var/lib/matrix-notify/attachments; do
      setpriv --reuid=7001 --regid=7001 --groups=7100 ls "/$file" 2>&1
      setpriv --reuid=7002 --regid=7002 --groups=7100 cat "/$file" 2>&1
    done
    own send incident --key disk --wait 5s
    as 1 --groups=7100 send theirs --key disk --resolve --wait 5s
    as 1 --groups=7100 run --key disk --only-on-failure -- true
    own send over --key disk --resolve --wait 5s
    stat -c '%a %U %G' /run/matrix-notify /run/matrix-notify/socket
    kill $server; wait $timer; echo "server $?"
    ls /run/matrix-notify
  `);
  const texts = sent.map((text) => String(text).replace(/ after .*?(?=:|$)/m, " after …").split("\n")[0]);
  assertEquals(texts, [
    ...["person", "service", "root", "file", "out", "body"],
    ...["incident", "✅ Resolved: theirs", "✅ Resolved after …: over"],
  ], output);
  assertStringIncludes(output, "cannot send through /run/matrix-notify/socket: permission is denied");
  assertEquals(output.match(/: Permission denied/g)?.length, 6, output);
  assertStringIncludes(output, "750 root matrix-notify\n660 root matrix-notify\nserver 0\n");
});

Deno.test(
  "status, queue list and doctor of a user of the socket say where the notifications are",
  needsRoot,
  async () => {
    const { output } = await onHost(`${SERVER}
    start
    person() {
      setpriv --reuid=7001 --regid=7001 --groups=7100 env -i PATH="$PATH" HOME=/home/1 DENO_DIR="$FOLDER/deno" \\
        $PROGRAM "$@" 2>&1
    }
    person status
    person queue list
    person doctor | grep -E "ok +configuration"
    own doctor | grep " serve:"
    kill $server; wait $timer
    own doctor | grep " serve:"
  `);
    const note = "matrix-notify: this user sends through /run/matrix-notify/socket, into the queue of serve\n" +
      "  hint: run the same command as root, or as the user of serve\n";
    assertEquals(output.split(note).length, 3, output);
    assertStringIncludes(
      output,
      "ok       configuration: this user has no configuration, and sends through /run/matrix-notify/socket\n" +
        "ok       serve: serve listens at /run/matrix-notify/socket\n" +
        "warning  serve: serve does not run, so its receivers receive nothing -> run: matrix-notify service install --serve\n",
    );
  },
);

/**
 * Command lines, with standard input in `mail`. Each ends in the same way with and without a
 * socket.
 */
const CASES = [
  "send a --channel phone",
  "send a --channel phone --require delivered",
  "send a --channel phone --attach /etc/hostname",
  "send a --channel phone --attach /none",
  "send a --channel busy --wait 1s",
  "send a --channel busy --require delivered --wait 1s",
  "send a --channel dead",
  "send a --channel held",
  "send a --channel phone --channel dead",
  "send a --channel none",
  "send a --channel phone --room !a:example.org",
  "send a --origin muted",
  "send a --severity loud",
  "send a --resolve",
  "run --channel phone -- false",
  "run --channel dead -- false",
  "run --channel none -- true",
  "run --channel phone --key k --only-on-failure -- true",
  "sendmail --channel phone -t",
  "sendmail --channel busy --wait 1s -t",
  "sendmail --channel none -t",
  "sendmail -bs",
];

Deno.test("send, run and sendmail have the same exit codes with and without a socket", needsRoot, async () => {
  const exec = (code: number) => `{"kind":"exec","command":["/bin/sh","-c","cat >/dev/null; exit ${code}"]}`;
  const { output } = await onHost(`${SERVER}
    set -f
    sed -i -e '1s|"channels":{|"routes":[{"when":{"origin":"muted"},"channels":[]}],&|' \
      -e 's|"channels":{|&"busy":${exec(75)},"dead":${exec(65)},"held":${exec(78)},|' /etc/matrix-notify/config.json
    printf 'To: root\nSubject: mail\n\nbody\n' >"$FOLDER/mail"
    cases() {
      while read -r words; do
        printf '%s: ' "$words"
        "$@" $words <"$FOLDER/mail" | tail -n 1
      done
    }
    cases own <<'END' >"$FOLDER/own"
${CASES.join("\n")}
END
    rm -rf /var/lib/matrix-notify
    start
    cases as 1 --groups=7100 <<'END' >"$FOLDER/socket"
${CASES.join("\n")}
END
    kill $server; wait $timer
    echo "== own"; cat "$FOLDER/own"; echo "== socket"; cat "$FOLDER/socket"
  `);
  const [, own, socket] = output.split(/^== .*\n/m);
  assertEquals(socket, own);
  const codes = new Set(own.match(/\d+$/gm));
  assertEquals([...codes].toSorted(), ["0", "1", "64", "65", "69", "75"], own);
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
