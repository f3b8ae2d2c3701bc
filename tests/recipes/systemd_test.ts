/** Tests the recipe for systemd with a real systemd. */

import { assert, assertStringIncludes } from "@std/assert";
import { buildBundle, BUNDLE } from "../../scripts/build/bundle_files.ts";
import { requireSystemd, SystemdHost } from "../../scripts/systemd/container.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { installOrStub } from "../fakes/installed_suite.ts";
import { recipeSteps } from "./page.ts";

const stub = await installOrStub("a real systemd", requireSystemd);
const test = (name: string, fn: () => Promise<void>) => stub === undefined ? Deno.test(name, fn) : stub(name);

test("the recipe for systemd reports a failed unit, and starts its timer", async () => {
  await using homeserver = await LoopbackHomeserver.start();
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const matrix = { homeserver: homeserver.url, accessToken, room };
  const bundle = await Deno.makeTempDir();
  try {
    await buildBundle(bundle);
    await using host = await SystemdHost.create([Deno.execPath(), bundle]);
    const config = JSON.stringify({ channels: { matrix } });
    await Deno.writeTextFile(host.path("/share/config.json"), config, { mode: 0o600 });
    for (const step of recipeSteps("systemd")) {
      // The container has the programs of this host, so /usr/local/sbin/backup is missing there.
      if (step.kind === "write") await Deno.writeTextFile(host.path(step.path), step.text);
    }
    await host.boot(`
      export DENO_DIR=/tmp/deno NO_COLOR=1
      "${Deno.execPath()}" run -A --quiet --no-config --cached-only "${bundle}/${BUNDLE}" service install \\
        --config /share/config.json
      systemctl daemon-reload
      systemctl enable --now backup.timer
      systemctl is-active backup.timer
      systemctl start backup || true
      while [ -z "$(systemctl show --property=ExecMainExitTimestamp --value matrix-notify@backup.service.service)" ]; do
        sleep 0.05
      done
    `).off;
    const bodies = homeserver.events(room).map(({ content }) => String(content.body));
    assert(/^active$/m.test(host.output()), host.output());
    assertStringIncludes(bodies.join("\n"), "❌ backup.service failed\n\nNightly backup\n");
  } finally {
    await Deno.remove(bundle, { recursive: true });
  }
});
