/** Installs, upgrades and purges the Debian package on a host with a real systemd. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { freePort } from "../../scripts/free_port.ts";
import { until } from "../../scripts/synapse.ts";
import { requireSystemd, SystemdHost } from "../../scripts/systemd/container.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { packForTest } from "../fakes/debian_package.ts";
import { installOrStub } from "../fakes/installed_suite.ts";

/** The time limit for each step, in milliseconds. */
const LIMIT_MS = 60_000;

const FAILING_SERVICE = `[Unit]
Description=The nightly backup
OnFailure=matrix-notify@%n.service

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo "no space left on device"; exit 11'
`;

/**
 * The first lines of every script. `pause NAME` waits until the test has deleted the file of this
 * name.
 */
const START = `
export NO_COLOR=1 LC_ALL=C.UTF-8
install_package() { dpkg --no-triggers -i /share/matrix-notify.deb </dev/null 2>&1 | grep -v '^(Reading database'; }
pause() { touch "/share/$1"; while [ -e "/share/$1" ]; do sleep 0.05; done; }
# In some containers, this file forbids packages to start services.
rm -f /usr/sbin/policy-rc.d
rm -rf /var/lib/matrix-notify
`;

/** The commands on the host. */
const script = ({ userId, room, url }: { userId: string; room: string; url: string }) =>
  `${START}
bob() { runuser -u bob -- env -i HOME=/home/bob PATH=/usr/bin:/bin NO_COLOR=1 "$@"; }
deliverer() { pgrep -u bob -f deliver-in-background || true; }
list_files() { find /etc /usr /var -name '*matrix-notify*' | sort; getent group matrix-notify || true; }
useradd --create-home bob
install -o bob -m 0600 /share/token /home/bob/token
list_files >/share/before

echo == install
install_package
systemctl is-active matrix-notify-flush.timer
systemctl is-enabled matrix-notify-flush.timer
stat -c '%U:%G %a' /etc/matrix-notify
systemd-analyze verify /usr/lib/systemd/system/matrix-notify* && echo verified

echo == user
bob matrix-notify demo >/dev/null 2>&1 && echo demo worked
bob matrix-notify setup --user ${userId} --homeserver ${url} --token-file /home/bob/token --room '${room}' --yes
bob matrix-notify send "From bob"
pause outage
bob matrix-notify send "During the outage" --wait 0s 2>/dev/null
deliverer >/share/old

echo == upgrade
install_package
systemctl is-active matrix-notify-flush.timer
deliverer >/share/new
echo "$(wc -l </share/old) stopped, $(wc -l </share/new) started, $(comm -12 /share/old /share/new | wc -l) the same"
readlink "/proc/$(cat /share/new)/exe"

echo == units
install -m 0600 /share/config.json /etc/matrix-notify/config.json
systemctl start backup.service || true
while [ -z "$(systemctl show --property=ExecMainExitTimestamp --value matrix-notify@backup.service.service)" ]; do
  sleep 0.05
done
matrix-notify send "By the timer" --wait 0s --no-background
matrix-notify service install 2>/dev/null
matrix-notify service status
pause delivery
bob matrix-notify doctor | grep -v ' well-known'
matrix-notify doctor | grep -E '^ok +timer|failures'

echo == remove
pause end
matrix-notify send "Never delivered" --wait 0s --no-background
dpkg --no-triggers -r matrix-notify </dev/null
ls /etc/matrix-notify
test -s /var/lib/matrix-notify/queue/queue.jsonl && echo queue is kept
install_package
touch /etc/matrix-notify/notes

echo == purge
dpkg --no-triggers -P matrix-notify </dev/null
getent group matrix-notify
rm -r /etc/matrix-notify
install_package
dpkg --no-triggers -P matrix-notify </dev/null
echo == rest
list_files | diff /share/before -
ls /home/bob/.config/matrix-notify
`;

const stub = await installOrStub("a real systemd", requireSystemd);
const test = (name: string, fn: () => Promise<void>) => stub === undefined ? Deno.test(name, fn) : stub(name);

/**
 * Boots a host. `reached` runs a function when the script pauses, and then lets the script go on.
 */
function start(host: SystemdHost, script: string) {
  const { off } = host.boot(script);
  return {
    off,
    async reached(name: string, act: () => Promise<void>): Promise<void> {
      const path = host.path(`/share/${name}`);
      const there = until(async () => await Deno.stat(path).catch(() => undefined), { what: name, limitMs: LIMIT_MS });
      const ended = off.then(() => Promise.reject(new Error(`The script ended before ${name}`)));
      await Promise.race([there, ended]).catch((error) => assert(false, `${error}\n${host.output()}`));
      await act();
      await Deno.remove(path);
    },
  };
}

test("the Debian package sends for a user and for units, keeps the queue in an upgrade, and purges what it made", async () => {
  await using homeserver = await LoopbackHomeserver.start();
  await using host = await SystemdHost.create([], ["usr", "etc", "var"]);
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const subjects = () => homeserver.events(room).map(({ content }) => String(content.body).split("\n")[0]);
  const share = host.path("/share");
  await packForTest(`${share}/matrix-notify.deb`, Deno.execPath());
  const matrix = { homeserver: homeserver.url, accessToken, room };
  await Deno.writeTextFile(`${share}/config.json`, JSON.stringify({ channels: { matrix } }), { mode: 0o600 });
  await Deno.writeTextFile(`${share}/token`, accessToken, { mode: 0o600 });
  await Deno.chmod(share, 0o755);
  await Deno.writeTextFile(host.path("/etc/systemd/system/backup.service"), FAILING_SERVICE);

  const { off, reached } = start(host, script({ userId, room, url: homeserver.url }));
  await reached("outage", () => homeserver.stop());
  await reached("delivery", async () => {
    await homeserver.restart();
    await until(() => subjects().length >= 5 || undefined, { what: "the messages", limitMs: LIMIT_MS });
  });
  await reached("end", () => homeserver.stop());
  await off;

  const texts = host.output().split(/^== /m).slice(1).map((text) => [text.split("\n")[0], text] as const);
  const output = Object.fromEntries(texts);
  assertMatch(output.install, /\nactive\nenabled\nroot:matrix-notify 750\nverified\n$/);
  assertMatch(output.user, /\ndemo worked\n/);
  assertMatch(output.user, /\nqueued .*\n$/);
  assertMatch(output.upgrade, /\nactive\n1 stopped, 1 started, 0 the same\n\/usr\/lib\/matrix-notify\/deno\n$/);
  assertStringIncludes(output.units, "\nthe units of the package are in /usr/lib/systemd/system\n");
  assertStringIncludes(output.units, "\nmatrix-notify-flush.timer: active, enabled\n");
  assertMatch(output.units, /\nalerts: OnFailure=matrix-notify@%n\.service\n/);
  assertEquals(output.units.match(/^0 failures/gm)?.length, 2, output.units);
  assertMatch(output.units, /\nok +timer: matrix-notify-flush\.timer delivers queued notifications, also after a/);
  assertStringIncludes(output.remove, "\nmatrix-notify: 1 undelivered: the queue stays in /var/lib/matrix-notify");
  assertStringIncludes(output.remove, "\nconfig.json\nqueue is kept\n");
  assertMatch(
    output.purge,
    /\nmatrix-notify: \/etc\/matrix-notify stays, because it contains other files\nmatrix-notify:x:/,
  );
  assertEquals(
    output.rest,
    "rest\nconfig.json\n",
    "purge removes the files and the group, and keeps the files of users",
  );
  assertEquals(subjects().map((subject) => subject.replace(/^\[.*?\] /, "")).toSorted(), [
    "By the timer",
    "During the outage",
    "From bob",
    "Test message",
    "❌ backup.service failed",
  ]);
});

/** Upgrades the package while `serve` runs. */
const UPGRADE = `${START}
pid() { systemctl show --property=MainPID --value matrix-notify-serve; }
install_package >/dev/null
install -m 0600 /share/config.json /etc/matrix-notify/config.json
matrix-notify service install --serve >/dev/null 2>&1
old=$(pid)
pause upgrade
install_package
systemctl is-active matrix-notify-serve
[ "$(pid)" != "$old" ] && echo restarted
systemctl show --property=NRestarts,Result matrix-notify-serve
pause end
`;

/** A program that sends notifications one after another, and repeats each until it is accepted. */
async function sendUntil(end: AbortSignal, url: string, prefix: string, accepted: string[]): Promise<void> {
  for (let count = 0; !end.aborted; count++) {
    const subject = `${prefix}${count}.`;
    const send = async () => {
      const headers = { "Idempotency-Key": subject };
      const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ subject }) });
      await response.body?.cancel();
      return response.ok || undefined;
    };
    await until(() => send().catch(() => undefined), { what: `an answer for ${subject}`, limitMs: LIMIT_MS });
    accepted.push(subject);
  }
}

test("an upgrade of the Debian package in the middle of POSTs restarts serve, loses nothing, and repeats nothing", async () => {
  await using homeserver = await LoopbackHomeserver.start();
  await using host = await SystemdHost.create([], ["usr", "etc", "var"]);
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const port = freePort(), url = `http://127.0.0.1:${port}/notify`;
  const share = host.path("/share");
  await packForTest(`${share}/matrix-notify.deb`, Deno.execPath());
  const config = {
    channels: { matrix: { homeserver: homeserver.url, accessToken, room, batch: false } },
    serve: { http: { port, rateLimit: { count: 100_000, per: "1m" } } },
  };
  await Deno.writeTextFile(`${share}/config.json`, JSON.stringify(config), { mode: 0o600 });
  await Deno.chmod(share, 0o755);
  await homeserver.stop();
  const { off, reached } = start(host, UPGRADE);
  const accepted: string[] = [], end = new AbortController();
  const waitForMore = async (count: number) => {
    const wanted = accepted.length + count;
    await until(() => accepted.length >= wanted || undefined, { what: "more notifications", limitMs: LIMIT_MS });
  };
  let senders: readonly Promise<void>[] = [];
  await reached("upgrade", async () => {
    senders = ["a", "b", "c"].map((name) => sendUntil(end.signal, url, name, accepted));
    await waitForMore(60);
    // The queue has entries, and their delivery goes on during the upgrade.
    await homeserver.restart();
  });
  await reached("end", async () => {
    await waitForMore(30);
    end.abort();
    await Promise.all(senders);
    const isThere = () => homeserver.events(room).length >= accepted.length || undefined;
    await until(isThere, { what: "the messages", limitMs: LIMIT_MS });
  });
  await off;
  assertMatch(host.output(), /\nactive\nrestarted\nResult=success\nNRestarts=0\n$/);
  const arrived = homeserver.events(room).map(({ content }) => /[abc]\d+\./.exec(String(content.body))?.[0]);
  assertEquals(arrived.toSorted(), accepted.toSorted());
});
