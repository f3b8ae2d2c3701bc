/** Tests `run` with a command that replaces the files of the program. */

import { assertEquals } from "@std/assert";
import { buildBundle, BUNDLE, FOLDER } from "../../scripts/build/bundle_files.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { StateFolder } from "../synapse/cli.ts";
import { runDeno, subjectsIn } from "./new_host.ts";

Deno.test("run sends a long output after its command has replaced the files of the program", async () => {
  await using homeserver = await LoopbackHomeserver.start();
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  await using state = await StateFolder.create();
  const host = { directory: state.path, homeserver, accessToken, room };
  const bundle = await Deno.makeTempDir();
  try {
    await buildBundle(bundle);
    // A file of another version cannot be used.
    const update = `sleep 2; for file in ${bundle}/${FOLDER}/*.js; do echo 'throw new Error("update")' >"$file"; done`;
    const command = ["/bin/sh", "-c", `PATH=/usr/bin:/bin; seq 30000; ${update}`];
    const program = ["-A", "--no-config", `${bundle}/${BUNDLE}`];
    const { code, stderr } = await runDeno(host, [
      ...program,
      "run",
      "--no-background",
      "-s",
      "Update",
      "--",
      ...command,
    ]);
    assertEquals([code, stderr], [0, ""]);
    assertEquals(subjectsIn(host).map((subject) => subject.replace(/ after .*/, "")), [
      "Update succeeded",
      "output.txt",
    ]);
  } finally {
    await Deno.remove(bundle, { recursive: true });
  }
});
