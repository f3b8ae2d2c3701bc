import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { examine } from "../../src/doctor/examination.ts";
import { BROKEN } from "./broken.ts";
import { DoctorScene } from "./scene.ts";

/** Every file below a directory, with its bytes and its time: what must be the same afterwards. */
function traces(directory: string): string[] {
  const found: string[] = [];
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    const path = `${directory}/${name}`;
    const { size, mtime, mode } = Deno.statSync(path);
    found.push(`${path} ${isDirectory ? "" : size} ${mtime?.getTime()} ${mode}`);
    if (isDirectory) found.push(...traces(path));
  }
  return found.sort();
}

Deno.test("examine() finds all well where all is well, each check once", async () => {
  await using scene = await DoctorScene.set();
  await scene.send("One", "", 10_000);
  const before = traces(scene.directory);
  const findings = await scene.examine();
  assertEquals(findings.filter(({ state }) => state !== "ok"), []);
  assertEquals(new Set(findings.map(({ check }) => check)).size, findings.length);
  assertEquals(findings.length, 27);
  assertEquals(traces(scene.directory), before);
  assertEquals(scene.homeserver.events(scene.room).length, 1);
});

for (const { name, software, bring, check, state, says, hint, also = [] } of BROKEN) {
  Deno.test(`examine() names the cause of ${name}`, async () => {
    await using scene = await DoctorScene.set(software);
    const server = await bring(scene);
    try {
      const before = traces(scene.directory);
      const findings = await scene.examine();
      const troubles = findings.filter(({ state }) => state === "warning" || state === "failure");
      const named = troubles.find((finding) => finding.check === check);
      assert(named !== undefined, `nothing is said by ${check}: ${JSON.stringify(findings, undefined, 2)}`);
      assertEquals(named.state, state);
      assertStringIncludes(named.message, says);
      assertStringIncludes(named.hint ?? "", hint ?? "");
      const others = troubles.filter((finding) => finding.check !== check && !also.includes(finding.check));
      assertEquals(others, [], "what is only a symptom must not be told as a cause");
      assertEquals(traces(scene.directory), before, "nothing may be written");
    } finally {
      await server?.[Symbol.asyncDispose]();
    }
  });
}

Deno.test("examine() does not run what builds on a failed check, and says which", async () => {
  await using scene = await DoctorScene.set();
  await scene.homeserver.stop();
  const findings = await scene.examine();
  const room = findings.find(({ check }) => check === "matrix/room");
  assertEquals(room, { check: "matrix/room", state: "skipped", message: "not checked: matrix/account comes first" });
});

Deno.test("examine() looks at an ntfy channel with a password, and at one that is an Apprise URL", async () => {
  await using scene = await DoctorScene.set();
  scene.file("ntfy", "right");
  scene.configure("phone", { tokenFile: undefined, user: "jump", passwordFile: scene.path("ntfy") });
  scene.configure("url", scene.ntfy.url.replace("http://", "ntfy://jump:right@") + "/alerts");
  const findings = await scene.examine();
  assertEquals(
    findings.filter(({ check }) => /^(phone|url)\/topic$/.test(check)).map(({ check, message }) => [check, message]),
    [["phone/topic", "the user may read the topic alerts"], ["url/topic", "the user may read the topic alerts"]],
  );
});

Deno.test("examine() sees whoever is at work on what waits", async () => {
  await using scene = await DoctorScene.set();
  await scene.queue(1);
  using lock = Deno.openSync(scene.path("state/queue/background.lock"), { create: true, write: true });
  lock.lockSync(true);
  const findings = await scene.examine();
  const deliverer = findings.find(({ check }) => check === "deliverer");
  assertEquals(deliverer, { check: "deliverer", state: "ok", message: "a process delivers what waits" });
});

Deno.test("examine() ends when its caller wants it to", async () => {
  await using scene = await DoctorScene.set();
  const { runtime, host, stateDir } = scene;
  const options = { configFile: scene.path("config.json"), stateDir, signal: AbortSignal.abort(new Error("enough")) };
  const work = Array.fromAsync(examine({ runtime, host, options }));
  assertEquals(await work.catch((error) => error.message), "enough");
});
