/**
 * Tests the recipes for daemons. ZED, netdata and smartd's disks are simulated; all others are
 * real.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { recipeTest } from "./host.ts";
import { recipeScript } from "./page.ts";

recipeTest("the recipe for fail2ban reports a ban with the lines of an attacker", async (host) => {
  await host.run(
    `${recipeScript("fail2ban")}
    cat > /etc/fail2ban/jail.d/test.conf <<'END'
[sshd]
enabled = false
[door]
enabled = true
backend = polling
filter = door
logpath = /var/log/door.log
maxretry = 2
banaction = dummy
END
    printf '[Definition]\\nfailregex = ^ refused <HOST>\\n' > /etc/fail2ban/filter.d/door.conf
    touch /var/log/door.log
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin fail2ban-server -xf --logtarget /tmp/f2b.log start >/dev/null 2>&1 &
    until_true fail2ban-client status door
    for text in '"; touch /tmp/owned; "' '$(touch /tmp/owned)'; do
      printf '%s refused 192.0.2.7 %s\\n' "$(date '+%Y-%m-%d %H:%M:%S')" "$text" >> /var/log/door.log
    done
    until_true grep -q 'Ban 192.0.2.7' /tmp/f2b.log
    until_true grep -q 'Ban 192.0.2.7' /tmp/f2b.log
    ! test -e /tmp/owned
    ! grep -E 'ERROR|WARNING' /tmp/f2b.log
  `,
    { messages: 1 },
  );
  const [body] = host.bodies();
  assertStringIncludes(body, "[jump] ⚠️ door: banned 192.0.2.7 after 2 failures");
  assertStringIncludes(body, 'refused 192.0.2.7 "; touch /tmp/owned; "');
  assertStringIncludes(body, "refused 192.0.2.7 $(touch /tmp/owned)");
});

recipeTest("the recipe for smartd reports a failing disk through Debian's smartd-runner", async (host) => {
  // smartd sets these variables and runs smartd_warning.sh (smartd.cpp, MailWarning). There is no
  // disk with SMART here.
  await host.run(
    `${recipeScript("smartd")}
    sed -i 's/^exit/exit/' /etc/smartd.conf
    export SMARTD_MAILER=/usr/share/smartmontools/smartd-runner SMARTD_ADDRESS=root
    export SMARTD_DEVICE=/dev/sda SMARTD_DEVICETYPE=sat SMARTD_DEVICESTRING='/dev/sda [SAT]' SMARTD_DEVICEINFO='Disk 1 TB'
    export SMARTD_FAILTYPE=CurrentPendingSector SMARTD_PREVCNT=0 SMARTD_NEXTDAYS='' SMARTD_TFIRST='Sun Nov 29 13:00:00 2026 UTC'
    export SMARTD_MESSAGE='Device: /dev/sda [SAT], 8 Currently unreadable (pending) sectors'
    /usr/share/smartmontools/smartd_warning.sh || true
  `,
    { messages: 1 },
  );
  const [body] = host.bodies();
  assert(/^\[jump\] ❌ SMART error \(CurrentPendingSector\) detected on host: /.test(body), body);
  assertStringIncludes(body, "8 Currently unreadable (pending) sectors");
});

recipeTest("the recipe for ZFS reports a failed device and a scrub, and nothing else", async (host) => {
  // zed clears the environment, sets these variables, and connects the standard streams to
  // /dev/null (cmd/zed/zed_exec.c, zed_event.c).
  await host.run(
    `${recipeScript("ZFS")}
    printf '#!/bin/sh\\necho "  pool: $2"\\n' > /sbin/zpool
    chmod 755 /sbin/zpool
    zed() {
      env -i PATH=/sbin:/bin:/usr/sbin:/usr/bin ZEVENT_EID=7 ZEVENT_POOL=tank "$@" \\
        /etc/zfs/zed.d/all-matrix-notify.sh </dev/null >/dev/null 2>&1
    }
    zed ZEVENT_SUBCLASS=statechange ZEVENT_VDEV_STATE_STR=FAULTED
    zed ZEVENT_SUBCLASS=statechange ZEVENT_VDEV_STATE_STR=ONLINE
    zed ZEVENT_SUBCLASS=config_sync
    zed ZEVENT_SUBCLASS=scrub_finish
  `,
    { messages: 2 },
  );
  const bodies = host.bodies();
  assertEquals(bodies.length, 2);
  assertStringIncludes(bodies[0], "[jump] ❌ Pool tank: statechange FAULTED");
  assertStringIncludes(bodies[0], "  pool: tank");
  assertStringIncludes(bodies[1], "[jump] Pool tank: scrub_finish");
});

recipeTest("the recipe for monit reports a missing file, and that it is back", async (host) => {
  await host.run(
    `${recipeScript("monit")}
    printf 'set daemon 1\\nset log /tmp/monit.log\\ninclude /etc/monit/conf.d/*\\n' > /etc/monit/monitrc
    chmod 600 /etc/monit/monitrc
    mkdir -p /srv
    env -i monit -I -c /etc/monit/monitrc >/dev/null 2>&1 &
    until_delivered root /var/lib/matrix-notify
    touch /srv/backup.tar
  `,
    { messages: 2 },
  );
  const bodies = host.bodies();
  assertStringIncludes(bodies[0], "[jump] ❌ backup: Does not exist");
  assertStringIncludes(bodies[1], "✅ Resolved");
});
