/** Tests the recipe for NUT with a real upsd and upsmon, and a simulated UPS. */

import { assertEquals } from "@std/assert";
import { until } from "../../scripts/synapse/until.ts";
import { freePort } from "../../scripts/free_port.ts";
import { recipeTest } from "./host.ts";
import { recipeScript } from "./page.ts";

/** Starts NUT with a UPS that is online. `state OB` changes its state. */
const startNut = (port: number) => `
printf '[ups]\ndriver = dummy-ups\nport = ups.dev\n' > /etc/nut/ups.conf
state() { printf 'ups.status: %s\nTIMER 1\n' "$1" > /etc/nut/ups.dev; }
state OL
printf 'LISTEN 127.0.0.1 ${port}\n' > /etc/nut/upsd.conf
printf '[monitor]\npassword = pw\nupsmon primary\nactions = SET\n' > /etc/nut/upsd.users
sed -i 's/^POLLFREQ.*/POLLFREQ 1/; s/^POLLFREQALERT.*/POLLFREQALERT 1/' /etc/nut/upsmon.conf
echo 'MONITOR ups@127.0.0.1:${port} 1 monitor pw primary' >> /etc/nut/upsmon.conf
chgrp nut /etc/nut/*
install -d -m 770 -g nut /run/nut
/lib/nut/dummy-ups -a ups -D >/volume/driver 2>&1 &
until_true test -S /run/nut/dummy-ups-ups
/lib/nut/upsd -D >/volume/upsd 2>&1 &
until_true upsc ups@127.0.0.1:${port} ups.status
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/nut/upsmon -F >/volume/upsmon 2>&1 &
until_true upsc -c ups@127.0.0.1:${port}
until_true sh -c 'upsc -c ups@127.0.0.1:${port} 2>/dev/null | grep -q 127'
`;

recipeTest("the recipe for NUT reports a power failure, and flushes before the power goes off", async (host) => {
  const file = (name: string) => `${host.volume}/${name}`;
  const running = host.run(
    `${recipeScript("UPS (NUT)")}
    printf '#!/bin/sh\necho "$*" > /volume/off\n' > /sbin/shutdown
    chmod 755 /sbin/shutdown
    ${startNut(freePort())}
    state OB
    until_true test -e /volume/low
    state 'OB LB'
    queued() { runuser -u nut -- matrix-notify queue list --json --state-dir /var/lib/matrix-notify-nut | grep -q .; }
    until_true queued
    touch /volume/queued
    until_true test -e /volume/off
    `,
    { messages: 1 },
  );
  const steps = async () => {
    await until(() => host.bodies()[0], { what: "the alert about the battery" });
    await host.homeserver.stop();
    await Deno.writeTextFile(file("low"), "");
    await until(() => Deno.stat(file("queued")).catch(() => undefined), { what: "alerts in the queue" });
    await host.homeserver.restart();
  };
  try {
    await Promise.all([running, steps()]);
  } catch (error) {
    for (const name of ["driver", "upsd", "upsmon"]) {
      console.error(`${name}: ${await Deno.readTextFile(file(name)).catch(String)}`);
    }
    throw error;
  }
  assertEquals(await Deno.readTextFile(file("off")), "-h +0\n");
  // upsmon starts the programs for a low battery and for the shutdown at the same time.
  const [first, ...others] = host.bodies().map((body) => body.split("\n")[0].replace(/ ups@\S+/, ""));
  assertEquals(first, "[jump] ❌ UPS on battery");
  assertEquals(others.toSorted(), [
    "[jump] 🚨 Auto logout and shutdown proceeding",
    "[jump] 🚨 UPS battery is low",
  ]);
});
