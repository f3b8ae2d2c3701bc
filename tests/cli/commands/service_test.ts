import { assertEquals } from "@std/assert";
import { main } from "../../../src/cli/main.ts";
import { LoopbackHomeserver } from "../../../src/testing/mod.ts";
import { fakeRuntime, type FakeRuntimeOptions } from "../../fakes/runtime.ts";

/** Runs commands on a host with systemd, whose calls are recorded. */
async function onSystemd(
  body: (t: {
    home: string;
    calls: string[];
    run(command: string, options?: FakeRuntimeOptions): Promise<{ code: number; out: string; err: string }>;
  }) => Promise<void>,
) {
  const home = await Deno.makeTempDir();
  const calls: string[] = [];
  try {
    await body({
      home,
      calls,
      async run(command, options = {}) {
        using runtime = fakeRuntime({
          hasSystemd: true,
          run({ path, args }) {
            calls.push([path, ...args].join(" "));
            return Promise.resolve({ code: 0, stdout: "", stderr: "" });
          },
          ...options,
          env: { HOME: home, USER: "alice", ...options.env },
        });
        return { code: await main(command.split(" "), runtime), out: runtime.out(), err: runtime.err() };
      },
    });
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

Deno.test("service install writes the units once, enables the timer, and service uninstall removes everything", async () => {
  await onSystemd(async ({ home, calls, run }) => {
    const folder = `${home}/.config/systemd/user`;
    const active =
      `matrix-notify-flush.timer is active: it delivers queued notifications every 45 s, also after a restart\n`;
    const first = await run("service install");
    const files = ["matrix-notify-flush.service", "matrix-notify-flush.timer", "matrix-notify@.service"];
    assertEquals(first.out, files.map((name) => `wrote ${folder}/${name}\n`).join("") + active);
    assertEquals(first.err.includes("  sudo loginctl enable-linger alice\n"), true, first.err);
    const enabling = [
      "systemctl --user daemon-reload",
      "systemctl --user enable --quiet matrix-notify-flush.timer",
      "systemctl --user restart matrix-notify-flush.timer",
    ];
    assertEquals(calls.splice(0), enabling);
    const second = await run("service install", { ask: () => Promise.resolve("yes\n") });
    assertEquals(second.out, files.map((name) => `unchanged ${folder}/${name}\n`).join("") + active);
    assertEquals(second.err.includes("linger"), false, "the user lingers already");
    assertEquals(calls.splice(0), enabling);
    assertEquals((await run("service uninstall")).out, files.map((name) => `removed ${folder}/${name}\n`).join(""));
    assertEquals(calls, [
      "systemctl --user disable --now --quiet matrix-notify-flush.timer",
      "systemctl --user daemon-reload",
    ]);
    assertEquals(Array.from(Deno.readDirSync(folder)), []);
  });
});

Deno.test("service install replaces links and pipes, and refuses a directory that others can change", async () => {
  await onSystemd(async ({ home, calls, run }) => {
    const folder = `${home}/.config/systemd/user`;
    Deno.mkdirSync(folder, { recursive: true });
    Deno.writeTextFileSync(`${home}/precious`, "precious", { mode: 0o600 });
    Deno.symlinkSync(`${home}/precious`, `${folder}/matrix-notify-flush.service`);
    new Deno.Command("mkfifo", { args: [`${folder}/matrix-notify-flush.timer`] }).outputSync();
    assertEquals((await run("service install")).code, 0);
    assertEquals(Deno.readTextFileSync(`${home}/precious`), "precious");
    assertEquals((Deno.statSync(`${home}/precious`).mode ?? 0) & 0o777, 0o600);
    for (const { name, isFile } of Deno.readDirSync(folder)) {
      assertEquals([isFile, (Deno.statSync(`${folder}/${name}`).mode ?? 0) & 0o777], [true, 0o644], name);
    }
    Deno.chmodSync(folder, 0o777);
    calls.length = 0;
    const { code, err } = await run("service install");
    assertEquals([code, calls, err.split("\n").slice(0, 2)], [77, [], [
      `matrix-notify: cannot write units to ${folder}: other users can write to it (its mode is 0777)`,
      `  hint: run: chmod go-w ${folder}`,
    ]]);
  });
});

Deno.test("service install --dry-run prints the files and changes nothing", async () => {
  await onSystemd(async ({ home, calls, run }) => {
    const { code, out } = await run("service install --dry-run --state-dir /srv/50%");
    assertEquals([code, calls, Array.from(Deno.readDirSync(home))], [0, [], []]);
    assertEquals(
      out.split("\n\n# ")[0],
      `# ${home}/.config/systemd/user/matrix-notify-flush.service
# Written by \`matrix-notify service install\`, which replaces this file.
[Unit]
Description=Deliver queued notifications of matrix-notify

[Service]
Type=oneshot
TimeoutStartSec=15min
ExecStart=/usr/local/bin/matrix-notify flush --timer --state-dir "/srv/50%%"
UMask=0077
SuccessExitStatus=75
SyslogLevel=notice
LogLevelMax=notice`,
    );
  });
});

Deno.test("service install names the variables that the units do not get, and passes Deno's cache", async () => {
  await onSystemd(async ({ home, run }) => {
    const { err } = await run("service install", {
      program: { words: ["/usr/bin/deno", "run", "/opt/main.ts"], shortWords: [] },
      env: { MATRIX_ACCESS_TOKEN: "x", HTTPS_PROXY: "http://me:secret@proxy:3128", HTTP_PROXY: "http://proxy:3128" },
    });
    assertEquals(err.split("\n").slice(0, 2), [
      "matrix-notify: the systemd units do not get the variables MATRIX_ACCESS_TOKEN, HTTPS_PROXY",
      `  hint: write these settings to ${home}/.config/matrix-notify/config.json`,
    ]);
    const text = await Deno.readTextFile(`${home}/.config/systemd/user/matrix-notify-flush.service`);
    assertEquals(text.replaceAll(/ --(no-prompt|allow-\S+)/g, "").match(/^(ExecStart|Environment)=.*$/gm), [
      `ExecStart=/usr/bin/deno run /opt/main.ts flush --timer --state-dir ${home}/.local/state/matrix-notify`,
      `Environment=DENO_DIR=${home}/.cache/deno`,
      "Environment=HTTP_PROXY=http://proxy:3128",
    ]);
  });
});

Deno.test("service install explains a systemd of the user that cannot be reached", async () => {
  await onSystemd(async ({ run }) => {
    const stderr = "Failed to connect to bus: No medium found\n";
    const { code, err } = await run("service install", { run: () => Promise.resolve({ code: 1, stdout: "", stderr }) });
    assertEquals([code, err], [
      69,
      "matrix-notify: cannot run systemctl daemon-reload: Failed to connect to bus: No medium found\n" +
      "  hint: log in as this user, not with su or sudo; or run as root: loginctl enable-linger USER, then try again\n",
    ]);
  });
});

Deno.test("service status reports a stopped timer, a failed run and a changed program", async () => {
  await onSystemd(async ({ home, run }) => {
    await run("service install");
    const status = async (timer: string, service: string, program?: string) => {
      const ask: FakeRuntimeOptions["ask"] = (_, args) =>
        Promise.resolve(args.includes("matrix-notify-flush.timer") ? timer : service);
      const words = [program ?? "/usr/local/bin/matrix-notify"];
      const { code, err } = await run("service status", { ask, program: { words, shortWords: words } });
      return [code, err.split("\n")[0]];
    };
    const active = "ActiveState=active\nUnitFileState=enabled\nLastTriggerUSec=now\n";
    const success = "Result=success\nExecMainStatus=0\n";
    assertEquals(await status(active, success), [0, ""]);
    assertEquals(await status("ActiveState=inactive\nUnitFileState=enabled\n", success), [
      69,
      "matrix-notify: the timer is not active",
    ]);
    assertEquals(await status(active, "Result=exit-code\nExecMainStatus=78\n"), [
      0,
      "matrix-notify: the last run failed with exit code 78",
    ]);
    assertEquals(await status(active, success, "/opt/matrix-notify"), [
      0,
      `matrix-notify: the program has changed since ${home}/.config/systemd/user/matrix-notify-flush.service was written`,
    ]);
  });
});

Deno.test("service alert sends the result of the unit and its last lines in the journal", async () => {
  await using homeserver = await LoopbackHomeserver.start();
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  await onSystemd(async ({ run }) => {
    const asked: string[] = [];
    const { code, err } = await run("service alert backup.service", {
      env: { MATRIX_HOMESERVER: homeserver.url, MATRIX_ACCESS_TOKEN: accessToken, MATRIX_ROOM: room },
      ask(path, args) {
        asked.push([path, ...args].join(" "));
        return Promise.resolve(
          path === "journalctl"
            ? "rsync: no space left on device\nbackup.service: Failed with result 'exit-code'.\n"
            : "Description=Nightly backup\nResult=exit-code\nExecMainCode=1\nExecMainStatus=11\n" +
              "InactiveExitTimestamp=Sun 2026-11-22 20:00:00 UTC\n",
        );
      },
    });
    assertEquals([code, err], [0, ""]);
    assertEquals(
      asked[1].slice(asked[1].indexOf("--lines")),
      "--lines=20 --since=Sun 2026-11-22 20:00:00 UTC --user-unit=backup.service",
    );
  });
  assertEquals(
    homeserver.events(room).map(({ content }) => content.body),
    [
      "[jump] ❌ backup.service failed\n\nNightly backup\nexit-code, exit code 11\n\nrsync: no space left on device\n" +
      "backup.service: Failed with result 'exit-code'.",
    ],
  );
});
