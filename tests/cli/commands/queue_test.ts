import { assertEquals } from "@std/assert";
import { main } from "../../../src/cli/main.ts";
import { fakeRuntime } from "../../fakes/runtime.ts";
import { setScene } from "../../fakes/scene.ts";

Deno.test("exportEntries() writes the same lines to a file, and only its owner can read the file", async () => {
  await using scene = await setScene();
  await scene.homeserver.stop();
  await using notifier = await scene.open();
  await notifier.notify({ subject: "ä | b", message: "line 1\nline 2\u2028line 3" });
  await notifier.notify({ subject: "2" });
  const path = `${scene.stateDir}/export.jsonl`;
  const run = async (...args: string[]) => {
    using runtime = fakeRuntime({ now: scene.runtime.time });
    assertEquals(await main(["queue", "export", "--state-dir", scene.stateDir, ...args], runtime), 0);
    return runtime.out();
  };
  const printed = await run();
  assertEquals(await run(path), `2 exported to ${path}\n`);
  assertEquals(Deno.readTextFileSync(path), printed);
  assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
  const subjects = printed.trimEnd().split("\n").map((line) => JSON.parse(line).notification.subject);
  assertEquals(subjects, ["ä | b", "2"]);
});
