/** Tests the bundle as an unprivileged user who can write only to the state directory. */

import { buildBundle, BUNDLE } from "../../scripts/build/bundle_files.ts";
import { needsRoot } from "./host.ts";
import { UserScene } from "./user_scene.ts";

Deno.test(
  "the bundle does everything for a user with an empty home and no network but loopback",
  needsRoot,
  async () => {
    await using user = await UserScene.create();
    await buildBundle(user.shared);
    const allow = ["-A", "--deny-net=1.1.1.1", "--cached-only", "--no-prompt", "--no-config", "--quiet"];
    await user.useEverything([Deno.execPath(), "run", ...allow, `${user.shared}/${BUNDLE}`], {
      ...{ HOME: "/nonexistent", DENO_DIR: "/nonexistent/deno" },
      ...{ XDG_STATE_HOME: user.home, XDG_CONFIG_HOME: `${user.home}/config` },
    });
  },
);
