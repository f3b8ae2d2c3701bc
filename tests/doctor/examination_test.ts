import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ok, skipped } from "../../src/channels/check.ts";
import { examine } from "../../src/doctor/examination.ts";
import { diskSpace } from "../../src/doctor/storage_checks.ts";
import { BROKEN_HOSTS, enableTimer } from "./broken_hosts.ts";
import { BROKEN_CHANNELS } from "./broken_channels.ts";
import { DoctorScene } from "./scene.ts";

/** Lists all files of a directory with size, time and mode, to prove that nothing was written. */
function listFiles(directory: string): string[] {
  const found: string[] = [];
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    const path = `${directory}/${name}`;
    const { size, mtime, mode } = Deno.statSync(path);
    found.push(`${path} ${isDirectory ? "" : size} ${mtime?.getTime()} ${mode}`);
    if (isDirectory) found.push(...listFiles(path));
  }
  return found.sort();
}

Deno.test("examine() reports only ok for a healthy setup, once for each check", async () => {
  await using scene = await DoctorScene.set();
  await scene.send("One", "", 10_000);
  const before = listFiles(scene.directory);
  const findings = await scene.examine();
  assertEquals(findings.filter(({ state }) => state !== "ok"), []);
  assertEquals(new Set(findings.map(({ check }) => check)).size, findings.length);
  assertEquals(findings.length, 28);
  assertEquals(listFiles(scene.directory), before);
  assertEquals(scene.homeserver.events(scene.room).length, 1);
});

for (const { name, software, apply, check, state, message, hint, also = [] } of [...BROKEN_HOSTS, ...BROKEN_CHANNELS]) {
  Deno.test(`examine() reports the cause for ${name}`, async () => {
    await using scene = await DoctorScene.set(software);
    const server = await apply(scene);
    try {
      const before = listFiles(scene.directory);
      const findings = await scene.examine();
      const problems = findings.filter(({ state }) => state === "warning" || state === "failure");
      const found = problems.find((finding) => finding.check === check);
      assert(found !== undefined, `${check} reports nothing: ${JSON.stringify(findings, undefined, 2)}`);
      assertEquals(found.state, state);
      assertStringIncludes(found.message, message);
      assertStringIncludes(found.hint ?? "", hint ?? "");
      const others = problems.filter((finding) => finding.check !== check && !also.includes(finding.check));
      assertEquals(others, [], "a symptom must not be reported as a cause");
      assertEquals(listFiles(scene.directory), before, "nothing may be written");
    } finally {
      await server?.[Symbol.asyncDispose]();
    }
  });
}

Deno.test("examine() finds a serve that does not run, and another process at its port", async () => {
  await using scene = await DoctorScene.set();
  const port = 8411;
  const config = JSON.parse(Deno.readTextFileSync(scene.path("config.json")));
  scene.file("config.json", JSON.stringify({ ...config, serve: { http: { port } } }));
  let isTaken = false;
  scene.host = { ...scene.host, isListening: (address) => Promise.resolve(isTaken && address.port === port) };
  const serve = async () =>
    (await scene.examine()).filter(({ check }) => check === "serve").map(({ state, message }) => [state, message]);
  const stopped = ["warning", "serve does not run, so its receivers receive nothing"];
  assertEquals(await serve(), [stopped]);
  isTaken = true;
  assertEquals(await serve(), [stopped, ["failure", "another process listens at port 8411"]]);
  scene.host = { ...scene.host, isLocked: (path) => path.endsWith("/serve.lock") };
  assertEquals(await serve(), [["ok", "serve listens at port 8411"]]);
  isTaken = false;
  assertEquals(await serve(), [["failure", "serve does not listen at port 8411: it uses an older configuration"]]);
  scene.host = { ...scene.host, hasAddress: () => false };
  assertEquals(await serve(), [["failure", "serve cannot listen: this host does not have the address 127.0.0.1"]]);
});

Deno.test("examine() finds the timer of a host with systemd, and skips the timer where there is neither cron job", async () => {
  await using scene = await DoctorScene.set();
  const timer = async () => (await scene.examine()).find(({ check }) => check === "timer");
  scene.hostAnswers.crontab = "0 3 * * * /usr/local/bin/backup\n";
  assertEquals((await timer())?.state, "skipped");
  scene.hostAnswers.timer = "active";
  enableTimer(scene, scene.stateDir);
  assertEquals(await timer(), {
    ...{ check: "timer", state: "ok" },
    message: "matrix-notify-flush.timer delivers queued notifications, also after a restart",
  });
});

Deno.test("examine() reads the space of a disk with one program, also without a limit of inodes", async () => {
  await using scene = await DoctorScene.set();
  const { host } = scene;
  const examineDisk = async (answer: (program: string) => string | undefined) => {
    const programs: string[] = [];
    const ask: typeof host.ask = (program) => Promise.resolve((programs.push(program), answer(program)));
    const found = await Array.fromAsync(diskSpace.look({ ...scene, host: { ...host, ask }, options: scene }));
    return [programs, found];
  };
  // btrfs has no limit of inodes.
  assertEquals(await examineDisk(() => "4096 2500000 250000 0 0\n"), [["stat"], [ok("976 MiB are free")]]);
  const unknown = skipped("the free space is unknown: stat cannot be run (--allow-run may be missing)");
  for (const answer of [undefined, "", "4096 ? ? 0 0", "4096 1 1"]) {
    assertEquals(await examineDisk(() => answer), [["stat"], [unknown]]);
  }
});

Deno.test("examine() skips checks that need a failed one, and names it", async () => {
  await using scene = await DoctorScene.set();
  await scene.homeserver.stop();
  const findings = await scene.examine();
  const room = findings.find(({ check }) => check === "matrix/room");
  assertEquals(room, { check: "matrix/room", state: "skipped", message: "not checked: first fix matrix/account" });
});

Deno.test("examine() checks an ntfy channel with a password, and one with an Apprise URL", async () => {
  await using scene = await DoctorScene.set();
  scene.file("ntfy", "right");
  scene.configure("phone", { tokenFile: undefined, user: "jump", passwordFile: scene.path("ntfy") });
  scene.configure("url", scene.ntfy.url.replace("http://", "ntfy://jump:right@") + "/alerts");
  const findings = await scene.examine();
  assertEquals(
    findings.filter(({ check }) => /^(phone|url)\/topic$/.test(check)).map(({ check, message }) => [check, message]),
    [["phone/topic", "the user may write to the topic alerts"], [
      "url/topic",
      "the user may write to the topic alerts",
    ]],
  );
  assertEquals(scene.ntfy.messages("alerts"), [], "nothing may be published");
});

Deno.test("examine() finds a running deliverer", async () => {
  await using scene = await DoctorScene.set();
  await scene.queue(1);
  using lock = Deno.openSync(scene.path("state/queue/background.lock"), { create: true, write: true });
  lock.lockSync(true);
  const findings = await scene.examine();
  const deliverer = findings.find(({ check }) => check === "deliverer");
  assertEquals(deliverer, { check: "deliverer", state: "ok", message: "a process is delivering the queued entries" });
});

Deno.test("examine() throws the reason of its signal", async () => {
  await using scene = await DoctorScene.set();
  const { runtime, host, stateDir } = scene;
  const options = { configFile: scene.path("config.json"), stateDir, signal: AbortSignal.abort(new Error("enough")) };
  const work = Array.fromAsync(examine({ runtime, host, options }));
  assertEquals(await work.catch((error) => error.message), "enough");
});
