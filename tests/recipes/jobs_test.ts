/** Tests the recipes for cron, for backups and for other jobs with the real programs. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { recipeTest } from "./host.ts";
import { recipeScript } from "./page.ts";

/** Starts cron. It runs all jobs at once: a test cannot wait until three o'clock. */
const START_CRON = `
sed -i -E 's/^([0-9*]+ ){5}/@reboot /' /etc/cron.d/*
rm -f /run/crond.reboot
cron -f &
`;

recipeTest("the recipe for cron reports a job that fails, and sends what another job prints", async (host) => {
  await host.run(
    `${recipeScript("cron")}
    rm -f /etc/cron.d/e2scrub_all /etc/cron.d/certbot
    printf '#!/bin/sh\\necho "no space left"; exit 11\\n' > /usr/local/sbin/backup
    printf '#!/bin/sh\\necho "12 GB in $PATH"\\n' > /usr/local/sbin/report
    chmod 755 /usr/local/sbin/*
    ${START_CRON}
  `,
    { messages: 2 },
  );
  const bodies = host.bodies();
  assertEquals(bodies.length, 2, bodies.join("\n"));
  assertStringIncludes(bodies.join("\n"), "[jump] ❌ Nightly backup failed: exit 11");
  assertStringIncludes(bodies.join("\n"), "12 GB in /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin");
});

recipeTest("the recipe for mail sends the report of unattended-upgrades", async (host) => {
  await host.run(
    `${recipeScript("cron")}${recipeScript("Programs that send mail")}
    cat > /tmp/report.py <<'END'
import apt_pkg, importlib.machinery, importlib.util, io
loader = importlib.machinery.SourceFileLoader("upgrades", "/usr/bin/unattended-upgrade")
spec = importlib.util.spec_from_loader("upgrades", loader)
upgrades = importlib.util.module_from_spec(spec)
loader.exec_module(upgrades)
apt_pkg.init()
upgrades.send_summary_mail(["tzdata"], True, "All upgrades installed", upgrades.KeptPkgs(set), [], [], io.StringIO(), "")
END
    /usr/bin/python3 /tmp/report.py
  `,
    { messages: 1 },
  );
  const [body] = host.bodies();
  assertStringIncludes(body, "unattended-upgrades result for");
  assertStringIncludes(body, "tzdata");
});

recipeTest("the recipe for disk space reports a full disk, and that it is over", async (host) => {
  await host.run(
    `${recipeScript("Disk space")}
    line=$(sed -n 's/^0 \\* \\* \\* \\* root //p' /etc/cron.d/check-disks)
    mkdir /tmp/bin
    printf '#!/bin/sh\\necho Use%% Avail Mounted\\necho "$FULL 1.0G /srv data"\\n' > /tmp/bin/df
    chmod 755 /tmp/bin/df
    export PATH="/tmp/bin:$PATH"
    FULL=89% sh -c "$line"
    FULL=90% sh -c "$line" || test $? = 1
    FULL=12% sh -c "$line"
  `,
    { messages: 2 },
  );
  const bodies = host.bodies();
  assertEquals(bodies.length, 2, bodies.join("\n"));
  assertStringIncludes(bodies[0], "❌ Disk space failed");
  assertStringIncludes(bodies[0], "90% 1.0G /srv data");
  assertStringIncludes(bodies[1], "✅ Resolved");
});

recipeTest("the recipe for disk space reads the real df", async (host) => {
  const output = await host.run(`${recipeScript("Disk space")}
    sed -i 's/>= 90/>= 0/' /usr/local/sbin/check-disks
    check-disks || echo "exit $?"
  `);
  assert(/^\s*\d+% +\S+ \/\S*\n(.*\n)*exit 1$/m.test(output), output);
});

for (
  const [title, prepare, repository] of [
    ["restic", "echo secret > /etc/restic-password; chmod 600 /etc/restic-password", "restic init"],
    ["borg", "echo secret > /etc/borg-password; chmod 600 /etc/borg-password", "borg init -e repokey"],
  ] as const
) {
  recipeTest(`the recipe for ${title} reports a failed backup, and the next success`, async (host) => {
    const output = await host.run(
      `${recipeScript(title)}${prepare}
      mkdir -p /srv; echo data > /srv/file
      # A unit of systemd has no HOME.
      backup() { env -i PATH=/usr/bin:/bin /usr/local/sbin/backup 2>&1 || echo "exit $?"; }
      backup
      eval "$(grep ^export /usr/local/sbin/backup)"
      ${repository} 2>&1
      backup
      echo "after the second run"
    `,
      { messages: 2 },
    );
    const bodies = host.bodies();
    assertEquals(bodies.length, 2, `${bodies.join("\n")}\n${output}`);
    const name = title === "restic" ? "restic backup" : "borg create";
    assertStringIncludes(bodies[0], `[jump] ❌ ${name} failed: exit `);
    assertStringIncludes(bodies[0], `/mnt/${title}`);
    assertStringIncludes(bodies[1], `[jump] ✅ Resolved after`);
    assert(!bodies.join().includes("secret"));
  });
}

recipeTest("the recipe for certbot reports a renewed certificate", async (host) => {
  await host.run(
    `${recipeScript("certbot")}
    cat > /tmp/renew.py <<'END'
import types
from certbot._internal import hooks
from certbot._internal.display import obj
obj.set_display(obj.NoninteractiveDisplay(open("/dev/null", "w")))
config = types.SimpleNamespace(
    directory_hooks=True, renewal_deploy_hooks_dir="/etc/letsencrypt/renewal-hooks/deploy", renew_hook=None, dry_run=False)
hooks.renew_hook(config, ["example.org", "www.example.org"], "/etc/letsencrypt/live/example.org")
END
    /usr/bin/python3 /tmp/renew.py
  `,
    { messages: 1 },
  );
  const [body] = host.bodies();
  assertStringIncludes(body, "[jump] Renewed example.org www.example.org");
  assertStringIncludes(body, "/etc/letsencrypt/live/example.org");
});

recipeTest("the recipes for systemd and certbot have units that systemd accepts", async (host) => {
  const output = await host.run(`${recipeScript("systemd")}${recipeScript("certbot")}
    printf '#!/bin/sh\\n' > /usr/local/sbin/backup
    chmod 755 /usr/local/sbin/backup
    printf '[Service]\\nType=oneshot\\nExecStart=/usr/local/bin/matrix-notify service alert %%i\\n' \\
      > /etc/systemd/system/matrix-notify@.service
    systemd-analyze verify --man=no backup.service backup.timer certbot.service 2>&1 |
      grep -E '(backup|certbot)\\.(service|timer)' || echo accepted
  `);
  assertEquals(output.trim().split("\n").at(-1), "accepted");
});
