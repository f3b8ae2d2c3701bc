import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { classify } from "../../../src/delivery/classify.ts";
import { formatIsoTime } from "../../../src/base/time.ts";
import { ConfigError } from "../../../src/base/errors.ts";
import { PASSED_VARIABLES } from "../../../src/base/variables.ts";
import { MAX_OUTPUT_BYTES } from "../../../src/runtime/subprocess.ts";
import { type FakeRuntime, fakeRuntime } from "../../fakes/runtime.ts";
import { type ChannelTest, openChannel, TEST_ID } from "../harness.ts";

interface ExecTest extends ChannelTest {
  readonly runtime: FakeRuntime;
  readonly directory: string;
}

/** Opens a channel whose program is a shell script. In the script, `$0` is a temporary folder. */
async function execTest(script: string, body: (t: ExecTest) => Promise<void>, config: Record<string, unknown> = {}) {
  using runtime = fakeRuntime();
  const directory = Deno.makeTempDirSync();
  try {
    const command = ["/bin/sh", "-c", script, directory, "a b", "$HOME;"];
    await body({ runtime, directory, ...openChannel("exec", { command, ...config }, runtime) });
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

/** Runs a program that ends with this exit code, and returns how the failure is classified. */
async function failureOf(code: number, script = "") {
  let failure = classify(undefined);
  await execTest(`${script}\nexit ${code}`, async ({ send }) => {
    failure = classify(await assertRejects(() => send({ subject: "Up" })));
  });
  return failure;
}

Deno.test("ExecChannel.send() writes the notification as JSON to standard input, and returns the first line as the receipt", async () => {
  const script =
    'cat > "$0/in"; env > "$0/env"; printf "%s|" "$@" > "$0/args"; pwd > "$0/pwd"; echo "id-1 "; echo more';
  await execTest(script, async ({ send, directory }) => {
    const receipt = await send(
      { subject: "Up", message: "<b>b</b>", format: "html", severity: "error", origin: "cron", key: "up" },
      { late: true },
    );
    assertEquals(receipt, { id: "id-1", possibleDuplicate: false });
    const { note, time, expires, ...rest } = JSON.parse(Deno.readTextFileSync(`${directory}/in`));
    assertEquals(rest, {
      id: TEST_ID,
      channel: "exec",
      identity: "jump",
      origin: "cron",
      key: "up",
      title: "[jump] ❌ Up",
      subject: "Up",
      message: "<b>b</b>",
      format: "html",
      silent: false,
      severity: "error",
      text: "b",
      possibleDuplicate: false,
    });
    assertEquals([time, expires].map((text) => text === formatIsoTime(Date.parse(text))), [true, true]);
    assert(/^⏰ Queued since .*, 5 s late$/.test(note));
    assertEquals(Deno.readTextFileSync(`${directory}/args`), "a b|$HOME;|", "a shell has changed the arguments");
    assertEquals(Deno.readTextFileSync(`${directory}/pwd`), "/\n");
    const env = Deno.readTextFileSync(`${directory}/env`);
    for (
      const line of [
        `MATRIX_NOTIFY_ID=${TEST_ID}`,
        "MATRIX_NOTIFY_SEVERITY=error",
        "MATRIX_NOTIFY_SUBJECT=Up",
        "MATRIX_NOTIFY_TITLE=[jump] ❌ Up",
        "MATRIX_NOTIFY_ORIGIN=cron",
        "MATRIX_NOTIFY_KEY=up",
        `MATRIX_NOTIFY_TIME=${time}`,
      ]
    ) {
      assertStringIncludes(env, line);
    }
  });
});

Deno.test("ExecChannel.send() passes only a few environment variables to the program", async () => {
  await execTest('env -0 > "$0/env"', async ({ send, directory }) => {
    await send({ subject: "Up" });
    const names = Deno.readTextFileSync(`${directory}/env`).split("\0").map((line) => line.split("=")[0]).filter(
      Boolean,
    );
    const ofTheShell = ["PWD", "OLDPWD", "SHLVL", "_"];
    const strangers = names.filter((name) =>
      ![...PASSED_VARIABLES, ...ofTheShell].includes(name) && !name.startsWith("MATRIX_NOTIFY_")
    );
    assertEquals(strangers, []);
    assert(names.includes("PATH"));
  });
});

Deno.test("ExecChannel.send() accepts a program that does not read its input or writes too much", async () => {
  const message = "x".repeat(50_000);
  await execTest("exit 0", async ({ send }) => {
    assertEquals((await send({ subject: "Up", message })).id, TEST_ID);
  });
  const { reason } = await failureOf(
    1,
    "yes e | head -c 1000000 >&2; yes o | head -c 1000000; echo; echo last words >&2",
  );
  assert(reason.endsWith("e; last words") && reason.length < MAX_OUTPUT_BYTES, reason);
});

Deno.test("ExecChannel.send() does not wait for the children of a program", async () => {
  await execTest('sleep 300 & echo $! > "$0/pid"', async ({ send, directory }) => {
    await send({ subject: "Up" });
    const pid = Number(Deno.readTextFileSync(`${directory}/pid`));
    // The child still runs, because the program itself ended with exit code 0.
    Deno.kill(pid, "SIGKILL");
  });
});

Deno.test("ExecChannel.send() kills a program that hangs, and its children", async () => {
  await execTest('sleep 300 & echo $! > "$0/pid"; sleep 300', async ({ send, directory, runtime }) => {
    const waiting = assertRejects(() => send({ subject: "Up" }));
    const pid = await pidIn(`${directory}/pid`);
    runtime.expireTimeouts();
    const failure = classify(await waiting);
    const hint = "set timeout in the channel if the program needs more time";
    assertEquals([failure.class, failure.reason], [
      ...["in-doubt", `/bin/sh did not end within 2 s and was killed (${hint})`],
    ]);
    assert(await ends(pid));
  }, { timeout: "2s" });
});

Deno.test("ExecChannel.send() kills the program when the caller aborts, and rejects with the reason of the abort", async () => {
  await execTest('echo $$ > "$0/pid"; sleep 300', async ({ send, directory }) => {
    const controller = new AbortController();
    const reason = new Error("Stopped by SIGTERM");
    const waiting = assertRejects(() => send({ subject: "Up" }, { signal: controller.signal }));
    const pid = await pidIn(`${directory}/pid`);
    controller.abort(reason);
    assertEquals(await waiting, reason);
    assert(await ends(pid));
  });
});

Deno.test("ExecChannel.send() classifies the exit codes of sysexits.h, and tries again after any other code", async () => {
  const cases = [
    [1, "not-sent"],
    [64, "credentials"],
    [65, "rejected"],
    [67, "destination"],
    [69, "not-sent"],
    [75, "not-sent"],
    [77, "credentials"],
    [78, "credentials"],
    [127, "not-sent"],
  ] as const;
  for (const [code, expected] of cases) {
    const failure = await failureOf(code, "echo no luck >&2");
    assertEquals([failure.class, failure.reason], [expected, `/bin/sh ended with exit code ${code}: no luck`]);
    assertEquals(failure.status, code);
  }
  assertEquals((await failureOf(0, "kill -9 $$")).class, "in-doubt");
});

Deno.test("ExecChannel.send() holds the channel if the program cannot be started", async () => {
  using runtime = fakeRuntime();
  const missing = openChannel("exec", { command: ["/no/such/program"] }, runtime);
  const failure = classify(await assertRejects(() => missing.send({ subject: "Up" })));
  assertEquals(failure.class, "credentials");
  assertStringIncludes(
    failure.reason,
    "Cannot run /no/such/program: it does not exist (check the path and the #! line of the program)",
  );
});

Deno.test("exec/kind.ts rejects an invalid command", () => {
  using runtime = fakeRuntime();
  for (const command of [undefined, "/bin/true", [], ["true"], ["/bin/true", 1], ["/bin/true", "a\0b"]]) {
    const error = assertThrows(() => openChannel("exec", { command }, runtime), ConfigError);
    assertStringIncludes(error.message, "channels.exec.command: it must be a JSON array of strings");
  }
  for (const timeout of ["0", "soon", "11m"]) {
    const error = assertThrows(() => openChannel("exec", { command: ["/bin/true"], timeout }, runtime), ConfigError);
    assertStringIncludes(error.message, "channels.exec.timeout: it must be a duration of at most 10 minutes");
  }
});

/** Waits until the program has written its process id to this file, and returns the id. */
async function pidIn(path: string): Promise<number> {
  for (;;) {
    const pid = Number(await Deno.readTextFile(path).catch(() => ""));
    if (pid > 0) return pid;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Returns true when the process has ended. A zombie counts as ended. */
async function ends(pid: number): Promise<boolean> {
  for (let looks = 0; looks < 500; looks++) {
    const { stdout } = await new Deno.Command("ps", { args: ["-o", "stat=", "-p", String(pid)] }).output();
    if (!/^[^Z\s]/.test(new TextDecoder().decode(stdout).trim())) return true;
  }
  return false;
}
