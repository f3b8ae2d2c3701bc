/** Tests the units of `service install` with a real systemd. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { inheritedConfig } from "../../scripts/std/argv.ts";
import { until } from "../../scripts/synapse.ts";
import { requireSystemd, SystemdHost } from "../../scripts/systemd/container.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { denoCache } from "../fakes/deno_cache.ts";
import { installOrStub } from "../fakes/installed_suite.ts";

const ROOT = decodeURIComponent(new URL("../../", import.meta.url).pathname).replace(/\/$/, "");

/** The promise of the timer: the longest time between the server's return and the message. */
const LIMIT_MS = 60_000;

/** The first lines of every script: the program as a person runs it in the container. */
const PROGRAM = `
matrix_notify() {
  "${Deno.execPath()}" run -A -q ${inheritedConfig().join(" ")} "${ROOT}/src/main.ts" "$@"
}
export DENO_DIR="${denoCache()}" NO_COLOR=1
`;

const FAILING_SERVICE = (name: string) =>
  `[Unit]
Description=The ${name} backup
OnFailure=matrix-notify@%n.service

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo "${name}: no space left on device"; exit 11'
`;

/** Starts a service that fails, and waits until the service that reports it has ended. */
const fail = (name: string) => `
systemctl start ${name}.service || true
while [ -z "$(systemctl show --property=ExecMainExitTimestamp --value matrix-notify@${name}.service.service)" ]; do
  sleep 0.05
done
`;

const stub = await installOrStub("a real systemd", requireSystemd);
const test = (name: string, fn: () => Promise<void>) => stub === undefined ? Deno.test(name, fn) : stub(name);

test("service install delivers the alert of a failed unit after an outage, also after a restart", async () => {
  await using homeserver = await LoopbackHomeserver.start();
  await using host = await SystemdHost.create([...new Set([Deno.execPath(), ROOT, denoCache()])]);
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const matrix = { homeserver: homeserver.url, accessToken, room };
  await Deno.writeTextFile(host.path("/share/config.json"), JSON.stringify({ channels: { matrix } }), { mode: 0o600 });
  for (const name of ["first", "second"]) {
    await Deno.writeTextFile(host.path(`/etc/systemd/system/${name}.service`), FAILING_SERVICE(name));
  }
  const bodies = () => homeserver.events(room).map(({ content }) => String(content.body));
  const log = () => Deno.readTextFile(host.path("/var/lib/matrix-notify/deliverer.log")).catch(() => "");
  const returnOfServer = async (count: number) => {
    const start = Date.now();
    await homeserver.restart();
    await until(() => bodies().length === count || undefined, { what: `${count} messages`, limitMs: LIMIT_MS });
    assert(Date.now() - start < LIMIT_MS);
  };

  await homeserver.stop();
  const first = host.boot(`${PROGRAM}
    matrix_notify service install --config /share/config.json
    systemd-analyze verify /etc/systemd/system/matrix-notify* && echo verified
    matrix_notify service status
    ${fail("first")}
    touch /share/queued
    while [ -e /share/queued ]; do sleep 0.05; done
    ${fail("second")}
    systemctl list-units --plain --no-legend --type=scope
  `);
  await until(async () => await Deno.stat(host.path("/share/queued")).catch(() => undefined), {
    ...{ what: "the alert to be queued", limitMs: LIMIT_MS },
  });
  await returnOfServer(1);
  await homeserver.stop();
  await Deno.remove(host.path("/share/queued"));
  await first.off;
  const output = host.output();
  assertMatch(
    output,
    /^verified\nmatrix-notify-flush\.timer: active, enabled\nlast run: .*, result success\n/m,
    output,
  );
  assertMatch(output, /matrix-notify deliverer/, "the deliverer is outside of the service that started it");
  assertEquals(bodies().length, 1);

  const before = (await log()).length;
  const second = host.boot("while [ ! -e /share/end ]; do sleep 0.05; done");
  await until(async () => / queued /.test((await log()).slice(before)) || undefined, {
    ...{ what: "the timer to try after the restart", limitMs: LIMIT_MS },
  });
  await returnOfServer(2);
  await Deno.writeTextFile(host.path("/share/end"), "");
  await second.off;
  for (const [index, name] of ["first", "second"].entries()) {
    const lines = bodies()[index].split("\n");
    assertMatch(lines[0], new RegExp(`❌ ${name}\\.service failed$`));
    assert(lines.includes(`The ${name} backup`), bodies()[index]);
    assert(lines.includes("exit-code, exit code 11"), bodies()[index]);
    assert(lines.includes(`${name}: no space left on device`), bodies()[index]);
  }
});

/** The program in a unit. */
const PROGRAM_WORDS = `"${Deno.execPath()}" run -A -q ${inheritedConfig().join(" ")} "${ROOT}/src/main.ts"`;

/** Sends from a service that can write nothing, and has no home. */
const FROM_SERVICE = (subject: string, ...properties: readonly string[]) =>
  `systemd-run --quiet --wait --pipe --setenv=DENO_DIR="$DENO_DIR" ${
    ["SupplementaryGroups=matrix-notify", ...properties].map((property) => `--property=${property}`).join(" ")
  } ${PROGRAM_WORDS} send "${subject}" --id "${subject}" --wait 20s
`;

/** Sends as a user without a home, whom the group of the socket lets send. */
const SERVICE_USER = (subject: string) =>
  `setpriv --reuid=65000 --regid=65000 --groups=$(getent group matrix-notify | cut -d: -f3) env -i PATH="$PATH" \\
  DENO_DIR="$DENO_DIR" "${Deno.execPath()}" run -A -q ${inheritedConfig().join(" ")} "${ROOT}/src/main.ts" \\
  send "${subject}" --id "${subject}" --wait 20s
`;

test("service install --serve runs serve, which a reload, a kill and a restart do not stop", async () => {
  await using homeserver = await LoopbackHomeserver.start();
  await using host = await SystemdHost.create([...new Set([Deno.execPath(), ROOT, denoCache()])]);
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const matrix = { homeserver: homeserver.url, accessToken, room };
  const config = { channels: { matrix }, serve: { sockets: { socket: {} } } };
  await Deno.writeTextFile(host.path("/share/config.json"), JSON.stringify(config), { mode: 0o600 });
  const run = host.boot(`${PROGRAM}
    groupadd --system matrix-notify || echo "matrix-notify:x:990:" >>/etc/group
    matrix_notify service install --serve --config /share/config.json
    systemd-analyze verify /etc/systemd/system/matrix-notify* && echo verified
    ${SERVICE_USER("started")}
    systemctl reload matrix-notify-serve
    ${SERVICE_USER("reloaded")}
    cp -p /share/config.json /share/right.json
    sed -i 's/"sockets"/"sokets"/' /share/config.json
    systemctl reload matrix-notify-serve
    until systemctl show --property=StatusText matrix-notify-serve | grep "the old one stays: "; do sleep 0.1; done
    cp -p /share/right.json /share/config.json
    systemctl kill -s KILL matrix-notify-serve
    ${SERVICE_USER("killed")}
    systemctl restart matrix-notify-serve
    ${SERVICE_USER("restarted")}
    ${FROM_SERVICE("dynamic", "DynamicUser=yes", "ProtectHome=yes", "PrivateDevices=yes")}
    echo "nut:x:65001:65001::/nonexistent:/usr/sbin/nologin" >>/etc/passwd
    echo "nut:x:65001:" >>/etc/group
    ${FROM_SERVICE("strict", "User=nut", "ProtectSystem=strict", "ProtectHome=yes", "NoNewPrivileges=yes")}
    mkdir /etc/systemd/system/matrix-notify-serve.service.d
    printf '[Service]\\nWatchdogSec=3s\\n' >/etc/systemd/system/matrix-notify-serve.service.d/watchdog.conf
    systemctl daemon-reload
    systemctl restart matrix-notify-serve
    systemctl kill -s STOP matrix-notify-serve
    ${SERVICE_USER("stopped")}
    systemctl show --property=NRestarts matrix-notify-serve
    stat -c '%a %G' /run/matrix-notify /run/matrix-notify/socket
    systemctl show --property=ActiveState,Result,NRestarts,StatusText,MemoryCurrent matrix-notify-serve
    systemctl stop matrix-notify-serve && systemctl show --property=Result matrix-notify-serve
  `);
  await run.off;
  const output = host.output();
  const bodies = homeserver.events(room).map(({ content }) => String(content.body));
  assertEquals(bodies.map((body) => body.split(" ").at(-1)), [
    ...["started", "reloaded", "killed", "restarted", "dynamic", "strict", "stopped"],
  ], output);
  assertMatch(output, /^NRestarts=1$/m, output);
  assertMatch(output, /^StatusText=.*the old one stays: Cannot use serve\.sokets: there is no such key/m, output);
  assertMatch(output, /^750 matrix-notify\n660 matrix-notify$/m, output);
  assertMatch(output, /^StatusText=listening at \/run\/matrix-notify\/socket$/m, output);
  assertMatch(output, /^verified$/m, output);
  assertEquals(output.match(/^Result=success$/gm)?.length, 2, output);
});
