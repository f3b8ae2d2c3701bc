/** Tests the recipes for Nagios with a real Nagios, and for netdata with its variables. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { recipeTest } from "./host.ts";
import { recipeScript } from "./page.ts";

/** A Nagios that checks one service every second. Its web server and its mails are not needed. */
const START_NAGIOS = `
mkdir -p /tmp/nagios/checkresults
cat > /etc/nagios4/test.cfg <<'END'
log_file=/tmp/nagios/nagios.log
cfg_dir=/etc/nagios4/conf.d
check_result_path=/tmp/nagios/checkresults
object_cache_file=/tmp/nagios/objects.cache
precached_object_file=/tmp/nagios/objects.precache
status_file=/tmp/nagios/status.dat
state_retention_file=/tmp/nagios/retention.dat
command_file=/tmp/nagios/nagios.cmd
query_socket=/tmp/nagios/nagios.qh
lock_file=/tmp/nagios/nagios.lock
temp_file=/tmp/nagios/nagios.tmp
temp_path=/tmp/nagios
nagios_user=nagios
nagios_group=nagios
interval_length=1
notification_timeout=30
illegal_macro_output_chars=\`~$&|'"<>
enable_notifications=1
execute_service_checks=1
END
cat > /etc/nagios4/conf.d/test.cfg <<'END'
define timeperiod {
  timeperiod_name always
  alias always
  sunday 00:00-24:00
  monday 00:00-24:00
  tuesday 00:00-24:00
  wednesday 00:00-24:00
  thursday 00:00-24:00
  friday 00:00-24:00
  saturday 00:00-24:00
}
define command {
  command_name check_file
  command_line /bin/cat /tmp/state
}
define contact {
  contact_name alerts
  host_notification_period always
  service_notification_period always
  host_notification_options d,u,r
  service_notification_options w,u,c,r
  host_notification_commands notify-host-by-matrix
  service_notification_commands notify-service-by-matrix
}
define host {
  host_name router
  address 127.0.0.1
  max_check_attempts 1
  check_period always
  notification_period always
  contacts alerts
}
define service {
  host_name router
  service_description link
  check_command check_file
  check_interval 1
  retry_interval 1
  max_check_attempts 1
  check_period always
  notification_period always
  notification_interval 0
  contacts alerts
}
END
`;

recipeTest("the recipe for Nagios reports a service that fails and recovers", async (host) => {
  const output = await host.run(
    `useradd --system nagios
    ${recipeScript("Nagios and Icinga")}${START_NAGIOS}
    chown -R nagios:nagios /tmp/nagios
    setpriv --reuid=nagios --regid=nagios --init-groups env -i PATH=/usr/bin:/bin \\
      /usr/sbin/nagios4 /etc/nagios4/test.cfg >/tmp/nagios.out 2>&1 &
    until_delivered nagios /var/lib/matrix-notify-nagios
    echo 'back $(touch /tmp/owned)"' > /tmp/state
    until_true test -e /volume/seen
    ls /tmp/owned 2>/dev/null || echo "nothing is evaluated"
    `,
    { messages: 2 },
  );
  assertEquals(output, "nothing is evaluated\n");
  const [first, second] = host.bodies();
  assertStringIncludes(first, "[jump] ⚠️ PROBLEM: link on router is WARNING\n");
  assertStringIncludes(first, "/tmp/state: No such file or directory");
  assertStringIncludes(second, "✅ Resolved after");
  assertStringIncludes(second, "RECOVERY: link on router is OK\n\nback (touch /tmp/owned)");
});

recipeTest("the recipe for a check of the queue lets Nagios run the check as root, and only that", async (host) => {
  const output = await host.run(`useradd --system nagios
    ${recipeScript("A check of the queue")}
    visudo --check --quiet /etc/sudoers.d/matrix-notify && echo valid
    matrix-notify send Test
    line=$(sed -n 's/^ *command_line //p' /etc/nagios4/conf.d/matrix-notify-check.cfg)
    setpriv --reuid=nagios --regid=nagios --clear-groups env -i sh -c "$line" && echo "exit 0"
    setpriv --reuid=nagios --regid=nagios --clear-groups \\
      sudo -n /usr/local/bin/matrix-notify send --dry-run Test 2>&1 || echo "refused"
  `);
  const lines = output.split("\n");
  assertEquals(lines[0], "valid");
  assertStringIncludes(output, "\nOK - ");
  assertStringIncludes(output, "exit 0\n");
  assertStringIncludes(output, "refused");
});

recipeTest("the recipe for netdata reports an alarm, and that it is over", async (host) => {
  // netdata sources its settings with bash, then calls custom_sender with these variables
  // (src/health/notifications/alarm-notify.sh).
  const output = await host.run(
    `useradd --system netdata
    usermod -aG matrix-notify netdata
    install -d -o netdata -g netdata /var/lib/netdata
    ${recipeScript("netdata")}
    cat > /tmp/alarm-notify <<'END'
sent=0
. /etc/netdata/health_alarm_notify.conf
host=jump chart=disk_space._ name=disk_space_usage alarm='disk space usage = 95%' info='disk / space usage' status=$1
custom_sender "$DEFAULT_RECIPIENT_CUSTOM"
echo "$SEND_CUSTOM $sent"
END
    for status in WARNING CRITICAL CLEAR; do
      setpriv --reuid=netdata --regid=netdata --init-groups env -i PATH=/usr/bin:/bin bash /tmp/alarm-notify $status
      until_delivered netdata /var/lib/netdata/matrix-notify
    done
    `,
    { messages: 3 },
  );
  assertEquals(output.match(/^YES 1$/gm)?.length, 3, output);
  const subjects = host.bodies().map((body) => body.split("\n")[0].replace(/after .*?:/, "after 1 s:"));
  assertEquals(subjects, [
    "[jump] ⚠️ jump WARNING: disk space usage = 95%",
    "[jump] 🚨 jump CRITICAL: disk space usage = 95%",
    "[jump] ✅ Resolved after 1 s: jump CLEAR: disk space usage = 95%",
  ]);
});
