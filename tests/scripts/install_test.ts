/** Tests `install.sh` with a stand-in release folder, with dash and with busybox. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { LAUNCHER, withAddress } from "../../scripts/build/launcher.ts";
import { until } from "../../scripts/synapse.ts";
import { needsRoot } from "../e2e/host.ts";
import { Host, resultOf, SHARE } from "./install_scene.ts";
import { UNPRIVILEGED_ID } from "../fakes/unprivileged_user.ts";

const hasBusybox = Deno.env.get("CI") !== undefined ||
  await new Deno.Command("busybox").output().then(() => true, () => false);

for (const system of ["dash", "busybox"] as const) {
  const options = { ignore: system === "busybox" && !hasBusybox };

  Deno.test(
    `install.sh in ${system} installs, updates and removes the program, and leaves nothing`,
    options,
    async () => {
      await using host = await Host.create(system);
      const first = await host.run();
      assertEquals([first.code, first.err], [0, ""]);
      assertStringIncludes(first.out, `installed matrix-notify 0.1.0 in ${host.prefix}: the binary for `);
      assertEquals(await host.version(), "matrix-notify 0.1.0");
      for (const name of SHARE) assertEquals(await Deno.readTextFile(`${host.prefix}/${name}`), `${name} 0.1.0\n`);
      const old = await Deno.realPath(`${host.prefix}/lib/matrix-notify/current`);
      await host.release("0.2.0", { "share/man/man5/new.5": "new" });
      assertStringIncludes((await host.run()).out, "installed matrix-notify 0.2.0 in");
      assertEquals(await host.version(), "matrix-notify 0.2.0");
      assertEquals(
        await Deno.readTextFile(`${old}/${SHARE[0]}`),
        `${SHARE[0]} 0.1.0\n`,
        "a running program has its files",
      );
      await host.release("0.3.0");
      assertStringIncludes((await host.run()).out, "instead of matrix-notify 0.2.0");
      assertEquals((await host.files()).filter((name) => /VERSION$|^share.*man5\/|\.lock|current\.new/.test(name)), [
        "lib/matrix-notify/VERSION",
        "lib/matrix-notify/VERSION",
      ]);
      const script = `${host.prefix}/lib/matrix-notify/current/install.sh`;
      const removed = await host.run(["--uninstall"], { script });
      assertEquals([removed.code, removed.err], [0, ""]);
      assertEquals(await host.files(`${host.root}/the user's`), []);
      assertStringIncludes((await host.run(["--uninstall"])).out, "nothing is installed in");
    },
  );

  Deno.test(`install.sh in ${system} refuses a wrong checksum, and changes nothing`, options, async () => {
    await using host = await Host.create(system);
    await Deno.writeTextFile(`${host.folder}/${SHARE[1]}`, "changed");
    const fresh = await host.run();
    assertEquals(fresh.code, 65);
    assertMatch(
      fresh.err,
      /Cannot install matrix-notify\.1 from .*: its checksum is not the one in SHA256SUMS\n +hint: /,
    );
    assertEquals(await host.files(`${host.root}/the user's`), []);
    await host.release("0.1.0");
    await host.run();
    const before = await host.files();
    await host.release("0.2.0");
    await Deno.writeTextFile(`${host.folder}/${SHARE[1]}`, "changed");
    assertEquals((await host.run()).code, 65);
    assertEquals([await host.files(), await host.version()], [before, "matrix-notify 0.1.0"]);
  });

  Deno.test(`install.sh in ${system} creates the sendmail link only as it was asked to`, options, async () => {
    await using host = await Host.create(system);
    const sendmail = `${host.root}/sbin/sendmail`;
    assertEquals((await host.run(["--sendmail", sendmail])).code, 0);
    assertEquals(await Deno.readLink(sendmail), `${host.prefix}/bin/matrix-notify`);
    await host.run(["--uninstall"]);
    assertEquals(await host.files(), []);
    await Deno.mkdir(`${host.root}/sbin`);
    await Deno.writeTextFile(sendmail, "postfix");
    const refused = await host.run(["--sendmail", sendmail]);
    assertEquals([refused.code, await host.files()], [73, []]);
    assertStringIncludes(
      refused.err,
      `Cannot create ${sendmail}: another program is there\n  hint: --replace-sendmail`,
    );
    assertEquals((await host.run(["--sendmail", sendmail, "--replace-sendmail"])).code, 0);
    assertEquals(await Deno.readTextFile(`${sendmail}.before-matrix-notify`), "postfix");
    await host.run([]);
    assertEquals((await host.run(["--uninstall"])).code, 0);
    assertEquals([await Deno.readTextFile(sendmail), await host.files(`${host.root}/sbin`)], ["postfix", ["sendmail"]]);
  });
}

Deno.test("install.sh names what is wrong with a host, and changes nothing", async () => {
  const x86 = "case $1 in -m) echo x86_64 ;; *) echo Linux ;; esac";
  const page = (size: number) => `case $1 in PAGESIZE) echo ${size} ;; LONG_BIT) echo 64 ;; *) exit 1 ;; esac`;
  const cases: readonly (readonly [programs: Readonly<Record<string, string>>, message: RegExp])[] = [
    [
      { uname: "case $1 in -m) echo armv7l ;; *) echo Linux ;; esac" },
      /on 32-bit ARM \(armv7l\): there is no Deno for it/,
    ],
    [{ uname: "case $1 in -m) echo riscv64 ;; *) echo Linux ;; esac" }, /on riscv64: there is no Deno for it/],
    [
      { uname: "case $1 in -m) echo amd64 ;; *) echo FreeBSD ;; esac" },
      /on FreeBSD: install\.sh supports Linux and macOS/,
    ],
    [
      { uname: "case $1 in -m) echo aarch64 ;; *) echo Linux ;; esac", getconf: "echo 32" },
      /on 32-bit ARM: the kernel has 64 bits, but the programs have 32/,
    ],
    [
      { uname: x86, ldd: "echo 'musl libc (x86_64)' >&2; exit 1" },
      /on musl \(Alpine, OpenWrt\): there is no Deno for it/,
    ],
    [
      { uname: x86, getconf: page(16384) },
      /memory pages of 16384 bytes: Deno crashes there\n +hint: .*kernel=kernel8\.img/,
    ],
    [{ uname: x86, getconf: page(65536) }, /memory pages of 65536 bytes/],
    [
      { uname: x86, getconf: "case $1 in GNU*) echo glibc 2.26 ;; PAGESIZE) echo 4096 ;; *) echo 64 ;; esac" },
      /with glibc 2\.26: Deno needs glibc 2\.27 or later/,
    ],
  ];
  for (const [programs, message] of cases) {
    await using host = await Host.create();
    for (const [name, script] of Object.entries(programs)) await host.program(name, script);
    const { code, err } = await host.run();
    assertEquals(code, 69);
    assertMatch(err, message);
    assertEquals(await host.files(`${host.root}/the user's`), []);
  }
});

Deno.test("install.sh accepts glibc 2.27 and 3.0, and pages of 4096 bytes", async () => {
  for (const glibc of ["2.27", "2.36", "3.0"]) {
    await using host = await Host.create();
    await host.program("getconf", `case $1 in GNU*) echo glibc ${glibc} ;; PAGESIZE) echo 4096 ;; *) echo 64 ;; esac`);
    assertEquals((await host.run()).code, 0, glibc);
  }
});

Deno.test("install.sh does not replace another program, another library or another man page", async () => {
  await using host = await Host.create();
  await Deno.mkdir(`${host.prefix}/bin`, { recursive: true });
  await Deno.writeTextFile(`${host.prefix}/bin/matrix-notify`, "mine");
  const foreign = await host.run();
  assertEquals([foreign.code, await host.files()], [73, ["bin", "bin/matrix-notify"]]);
  assertMatch(foreign.err, /Cannot install .*\/bin\/matrix-notify: another file is there\n +hint: move it away/);
  await Deno.remove(`${host.prefix}/bin/matrix-notify`);
  await Deno.mkdir(`${host.prefix}/lib/matrix-notify`, { recursive: true });
  await Deno.writeTextFile(`${host.prefix}/lib/matrix-notify/deno`, "the deb");
  assertEquals((await host.run()).code, 73);
  assertEquals((await host.run(["--uninstall"])).code, 73);
  await Deno.remove(`${host.prefix}/lib`, { recursive: true });
  await Deno.mkdir(`${host.prefix}/share/man/man1`, { recursive: true });
  await Deno.writeTextFile(`${host.prefix}/${SHARE[1]}`, "mine");
  const kept = await host.run();
  assertEquals([kept.code, kept.err], [
    0,
    `matrix-notify: kept ${host.prefix}/${SHARE[1]}: install.sh did not create it\n`,
  ]);
  await host.run(["--uninstall"]);
  assertEquals(await host.files(), ["bin", "share", "share/man", "share/man/man1", SHARE[1]]);
});

Deno.test("install.sh explains a full disk, and leaves nothing", needsRoot, async () => {
  await using host = await Host.create();
  await Deno.mkdir(host.prefix);
  // Each size fails at another step.
  for (const size of ["4k", "8k", "12k", "20k", "32k"]) {
    const script = `mount -t tmpfs -o size=${size} none "$1" && cd / && sh "$2" --prefix "$1"; code=$?
      find "$1" -mindepth 1; exit "$code"`;
    const { code, out, err } = await resultOf(
      new Deno.Command("unshare", {
        args: ["-m", "sh", "-c", script, "sh", host.prefix, `${host.folder}/install.sh`],
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
    assertEquals([code, out], [74, ""], `${size}: ${err}`);
    assertMatch(err, /Cannot .*: No space left on device\n +hint: free some space; nothing was changed/);
  }
});

Deno.test(
  "install.sh without root explains a directory that it cannot write, and installs at home",
  needsRoot,
  async () => {
    await using host = await Host.create();
    const refused = await host.run([], { uid: UNPRIVILEGED_ID });
    assertEquals(refused.code, 77);
    assertMatch(
      refused.err,
      /Cannot create .*: Permission denied\n +hint: run install\.sh as root, or choose a directory/,
    );
    await Deno.mkdir(`${host.root}/home`);
    await Deno.chown(`${host.root}/home`, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
    const script =
      `cd / && exec setpriv --reuid=${UNPRIVILEGED_ID} --regid=${UNPRIVILEGED_ID} --clear-groups sh "$1/install.sh"`;
    const { code, out } = await resultOf(
      new Deno.Command("sh", {
        args: ["-c", script, "sh", host.folder],
        clearEnv: true,
        env: { PATH: "/usr/bin:/bin", HOME: `${host.root}/home` },
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
    assertEquals(code, 0);
    assertStringIncludes(out, `installed matrix-notify 0.1.0 in ${host.root}/home/.local`);
    assertStringIncludes(out, `add it to PATH: export PATH='${host.root}/home/.local/bin':$PATH`);
  },
);

/**
 * Programs that install.sh calls when it tries a version, and when it makes a version the current
 * one.
 */
const STEPS = { chmod: "755*", mv: "*current.new*" } as const;

Deno.test("install.sh changes nothing if a signal ends it, and continues after SIGKILL", async () => {
  for (const step of ["chmod", "mv"] as const) {
    for (const [signal, isUpdate] of [["SIGTERM", true], ["SIGINT", false], ["SIGKILL", true]] as const) {
      await using host = await Host.create();
      if (isUpdate) await host.run();
      const before = await host.files();
      await host.release("0.2.0");
      const wait = `touch '${host.root}/reached'; exec sleep 60`;
      await host.program(step, `case $* in ${STEPS[step]}) ${wait} ;; esac; exec /bin/${step} "$@"`);
      const child = host.spawn([]);
      const ended = resultOf(child);
      await until(() => Deno.stat(`${host.root}/reached`).then(() => true, () => undefined), { what: step });
      const { stdout } = await new Deno.Command("pgrep", { args: ["-P", `${child.pid}`] }).output();
      child.kill(signal);
      for (const pid of new TextDecoder().decode(stdout).trim().split("\n")) Deno.kill(Number(pid), "SIGKILL");
      const { code, err } = await ended;
      if (signal === "SIGKILL") {
        assertEquals(await host.version(), "matrix-notify 0.1.0");
        await host.program(step, `exec /bin/${step} "$@"`);
        assertEquals((await host.run()).code, 0);
        assertEquals(await host.version(), "matrix-notify 0.2.0");
        assertEquals((await host.files()).filter((name) => name.endsWith("VERSION")).length, 2);
      } else {
        assertEquals([code, await host.files()], [signal === "SIGTERM" ? 143 : 130, before], `${step} ${signal}`);
        assertStringIncludes(err, "matrix-notify: Interrupted: nothing was changed\n");
        if (isUpdate) assertEquals(await host.version(), "matrix-notify 0.1.0");
      }
    }
  }
});

/** A host with version 0.1.0, whose program runs as `serve`, and the files of version 0.2.0. */
async function withServe() {
  const host = await Host.create();
  await host.run();
  const path = `${host.prefix}/lib/matrix-notify/current/bin/matrix-notify`;
  const child = new Deno.Command("/bin/sh", { args: [path, "serve"], stdin: "piped", stdout: "null" }).spawn();
  await host.release("0.2.0");
  return {
    host,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      await child.stdin.close().catch(() => {});
      await child.status;
      await host[Symbol.asyncDispose]();
    },
  };
}

Deno.test("install.sh restarts the service that runs serve, and says so", async () => {
  await using scene = await withServe();
  const { host, pid } = scene;
  const calls = `${host.root}/calls`;
  await host.program("systemctl", `case $* in *show*) echo ${pid} ;; *) echo "$*" >>'${calls}'; kill ${pid} ;; esac`);
  const { code, out, err } = await host.run();
  assertEquals([code, err], [0, ""]);
  assertStringIncludes(out, "\nrestarted matrix-notify-serve.service\n");
  const manager = Deno.uid() === 0 ? "--system" : "--user";
  assertEquals(await Deno.readTextFile(calls), `${manager} try-restart matrix-notify-serve.service\n`);
});

Deno.test("install.sh reports a service that does not start again, and a serve that systemd does not run", async () => {
  await using scene = await withServe();
  const { host, pid } = scene;
  await host.program("systemctl", `case $* in *show*) echo ${pid} ;; *) echo "Job failed." >&2; exit 1 ;; esac`);
  const failed = await host.run();
  assertEquals(failed.code, 0);
  assertMatch(
    failed.err,
    /^matrix-notify: Cannot restart matrix-notify-serve\.service: Job failed\.\n +hint: run: systemctl --\w+ status /,
  );
  await host.program("systemctl", "case $* in *show*) echo 0 ;; *) exit 1 ;; esac");
  const { code, err } = await host.run();
  assertEquals(code, 0);
  const message = `Cannot restart serve: process ${pid} of user \\w+ still uses the old version`;
  assertMatch(err, new RegExp(`^matrix-notify: ${message}\\n +hint: run: kill ${pid}; then start serve again\\n$`));
});

Deno.test("install.sh --uninstall names a serve that still runs", async () => {
  await using scene = await withServe();
  const { host, pid } = scene;
  const { code, err } = await host.run(["--uninstall"]);
  assertEquals(code, 0);
  assertEquals(
    err,
    `matrix-notify: Cannot stop serve: process ${pid} still runs without its files\n  hint: run: kill ${pid}\n`,
  );
});

Deno.test("install.sh does not run twice at once", async () => {
  await using host = await Host.create();
  await host.run();
  await Deno.symlink(`${Deno.pid}`, `${host.prefix}/lib/matrix-notify/.lock`);
  const { code, err } = await host.run();
  assertEquals([code, err], [
    75,
    `matrix-notify: Cannot change ${host.prefix}: another install.sh runs (process ${Deno.pid})\n`,
  ]);
});

Deno.test("install.sh downloads from an address with curl or wget, also from a server without folders", async () => {
  for (const [tool, isFlat] of [["curl", false], ["wget", true]] as const) {
    await using host = await Host.create();
    let missing = "";
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      const path = decodeURIComponent(new URL(request.url).pathname).replace("/v1/", "");
      const names = (await host.files(host.folder)).filter((name) =>
        isFlat ? name.endsWith(`/${path}`) : name === path
      );
      const name = isFlat && !path.includes("/") && names.length === 0 ? path : names[0];
      const bytes = await Deno.readFile(`${host.folder}/${name}`).catch(() => undefined);
      return bytes === undefined || path === missing ? new Response("no", { status: 404 }) : new Response(bytes);
    });
    await host.program(tool === "curl" ? "wget" : "curl", "exit 99");
    if (tool === "wget") await Deno.remove(await host.program("curl", ""));
    const path = tool === "wget" ? { PATH: `${host.root}/path` } : undefined;
    if (path !== undefined) await linkAllBut(host, "curl");
    const from = ["--from", `http://127.0.0.1:${server.addr.port}/v1/`];
    const { code, err } = await host.run(from, { env: path });
    assertEquals([code, err], [0, ""], tool);
    assertEquals(await host.version(), "matrix-notify 0.1.0");
    for (const name of SHARE) assertEquals(await Deno.readTextFile(`${host.prefix}/${name}`), `${name} 0.1.0\n`);
    const before = await host.files();
    missing = isFlat ? "matrix-notify.1" : SHARE[1];
    const failed = await host.run(from, { env: path });
    assertEquals([failed.code, await host.files()], [69, before]);
    assertMatch(failed.err, /Cannot download http:.*matrix-notify\.1: /);
    await server.shutdown();
    const down = await host.run(from, { env: path });
    assertEquals([down.code, await host.files()], [69, before]);
    assertMatch(down.err, /Cannot download http:.*SHA256SUMS: /);
  }
});

/** Fills the `PATH` of a host with the programs of this machine, without one. */
async function linkAllBut(host: Host, without: string) {
  for (const directory of ["/usr/bin", "/bin"]) {
    for await (const { name } of Deno.readDir(directory)) {
      if (name !== without) await Deno.symlink(`${directory}/${name}`, `${host.root}/path/${name}`).catch(() => {});
    }
  }
}

Deno.test("install.sh refuses an address that does not protect the files, and a list with other paths", async () => {
  await using host = await Host.create();
  for (
    const [from, message] of [
      ["http://example.org/x", "http does not protect the files"],
      ["ftp://example.org/x", "the address must begin with https://"],
      ["/no/such/folder", "there is no such folder"],
    ]
  ) {
    const { code, err } = await host.run(["--from", from]);
    assert(code === 64 || code === 69);
    assertStringIncludes(err, message);
  }
  const sums = await Deno.readTextFile(`${host.folder}/SHA256SUMS`);
  for (const name of ["share/../../../evil", "share/$(touch evil)", "share/a b"]) {
    await Deno.writeTextFile(`${host.folder}/SHA256SUMS`, `${sums}${"0".repeat(64)}  ${name}\n`);
    const { code, err } = await host.run();
    assertEquals([code, err], [65, `matrix-notify: Cannot read ${host.folder}/SHA256SUMS: a line is damaged\n`]);
  }
  assertEquals(await host.files(`${host.root}/the user's`), []);
});

Deno.test("install.sh without files says that there is no public address yet", async () => {
  await using host = await Host.create();
  await Deno.remove(`${host.folder}/SHA256SUMS`);
  assertEquals(await host.run(), {
    code: 69,
    out: "",
    err:
      "matrix-notify: Cannot install: there are no files beside install.sh, and matrix-notify has no public address yet\n" +
      "  hint: in a checkout, run: deno task build --bundle; otherwise use --from FOLDER or --from URL\n",
  });
});

Deno.test("withAddress() fills the address into install.sh, which then downloads from there", async () => {
  await using host = await Host.create();
  const path = `${host.folder}/install.sh`;
  const text = await Deno.readTextFile(path);
  assertEquals(withAddress(text, ""), text);
  const filled = withAddress(text, "http://localhost:1/me/it");
  await Deno.writeTextFile(path, filled);
  await Deno.remove(`${host.folder}/SHA256SUMS`);
  const { code, err } = await host.run();
  assertEquals(code, 69);
  assertStringIncludes(err, "Cannot download http://localhost:1/me/it/releases/latest/download/SHA256SUMS");
});

/** A stand-in for Deno that prints its arguments. */
const DENO = (version: string) =>
  `case "$1 $*" in --version*) echo "deno ${version} (stable)" ;; *--version) echo matrix-notify 0.1.0 ;;
  *) for word do printf '%s\\n' "$word"; done ;; esac`;

Deno.test("install.sh starts the bundle with a Deno that is new enough", async () => {
  await using host = await Host.create();
  await host.releaseBundle(LAUNCHER);
  await linkAllBut(host, "deno");
  const env = { PATH: `${host.root}/path` };
  const missing = await host.run([], { env });
  assertEquals(missing.code, 69);
  assertMatch(missing.err, /no binary for .*, and Deno is missing\n +hint: install Deno 2\.9 or later/);
  for (const version of ["1.46.3", "2.8.9", "unknown"]) {
    await host.program("deno", DENO(version));
    const { code, err } = await host.run([], { env });
    assertEquals(code, 69, version);
    assertMatch(err, /Cannot use .*\/deno: its version is .*, and matrix-notify needs Deno 2\.9 or later/);
  }
  assertEquals(await host.files(`${host.root}/the user's`), []);
  for (const version of ["2.9.0", "2.10.1", "3.0.0"]) {
    await host.program("deno", DENO(version));
    assertEquals((await host.run([], { env })).code, 0, version);
  }
});

Deno.test("install.sh lets Deno parse the bundle once, and needs no success of that", async () => {
  await using host = await Host.create();
  await host.releaseBundle(LAUNCHER);
  const calls = `${host.root}/calls`;
  const deno = await host.program("deno", `case $1 in cache) echo "$*" >>${calls}; exit 1 ;; esac\n${DENO("2.9.6")}`);
  assertEquals((await host.run(["--deno", deno])).code, 0);
  const version = await Deno.readLink(`${host.prefix}/lib/matrix-notify/current`);
  assertEquals(await Deno.readTextFile(calls), `cache -q --no-config ${version}/matrix-notify/url.js\n`);
});

Deno.test("the launcher passes every byte of the arguments, and works through a link named sendmail", async () => {
  for (const shell of ["dash", ...hasBusybox ? ["busybox"] as const : []] as const) {
    await using host = await Host.create(shell);
    await host.releaseBundle(LAUNCHER);
    const deno = await host.program("deno", DENO("2.9.6"));
    const sendmail = `${host.root}/sendmail`;
    const { code, err } = await host.run(["--deno", deno, "--sendmail", sendmail]);
    assertEquals([code, err], [0, ""]);
    const bytes = Array.from({ length: 255 }, (_, index) => `\\${(index + 1).toString(8)}`).join("");
    const script = `argument=$(printf '${bytes}x'); "$1" "$argument" '' ' a  b ' '$HOME' '*' -n | od -An -v -tx1`;
    const run = async (path: string) =>
      (await resultOf(
        new Deno.Command("sh", { args: ["-c", script, "sh", path], stdout: "piped", stderr: "piped" }).spawn(),
      ))
        .out.replace(/\s+/g, "");
    const hex = (text: string) => new TextEncoder().encode(text).toHex();
    const all = Array.from({ length: 255 }, (_, index) => (index + 1).toString(16).padStart(2, "0")).join("");
    const rest = all + hex("x\n\n a  b \n$HOME\n*\n-n\n");
    const module = hex("/matrix-notify.js\n");
    assertStringIncludes(await run(`${host.prefix}/bin/matrix-notify`), module + rest);
    assertStringIncludes(await run(sendmail), module + hex("sendmail\n") + rest);
  }
});

Deno.test("the launcher sends from a directory that was deleted, but does not run a command elsewhere", async () => {
  for (const shell of ["dash", "bash"]) {
    await using host = await Host.create();
    await Deno.mkdir(`${host.root}/gone`);
    const program = `${host.root}/matrix-notify`;
    await Deno.writeTextFile(`${host.root}/deno`, "#!/bin/sh\n/bin/pwd 2>/dev/null || echo gone\n", { mode: 0o755 });
    await Deno.writeTextFile(program, `deno='${host.root}/deno'\nprogram=x\n${LAUNCHER}`);
    const script = `cd "$1" && rmdir "$1" && for c in "send x" "sendmail" "run rm"; do ${shell} "$2" $c; done`;
    const args = ["-c", script, "sh", `${host.root}/gone`, program];
    const child = new Deno.Command("sh", { args, stdout: "piped", stderr: "piped" }).spawn();
    assertEquals((await resultOf(child)).out, "/\n/\ngone\n", shell);
  }
});

Deno.test(
  "install.sh as root refuses a Deno that another user owns or that others cannot open",
  needsRoot,
  async () => {
    await using host = await Host.create();
    await host.releaseBundle(LAUNCHER);
    const deno = await host.program("deno", DENO("2.9.6"));
    await Deno.mkdir(`${host.root}/private`, { mode: 0o700 });
    await Deno.copyFile(deno, `${host.root}/private/deno`);
    await Deno.chmod(`${host.root}/private/deno`, 0o755);
    const closed = await host.run(["--deno", `${host.root}/private/deno`]);
    assertEquals(closed.code, 77);
    assertStringIncludes(
      closed.err,
      `for all users: other users cannot open ${host.root}/private\n  hint: run: install `,
    );
    await Deno.chmod(`${host.root}/private`, 0o777);
    assertStringIncludes(
      (await host.run(["--deno", `${host.root}/private/deno`])).err,
      `other users can change ${host.root}/private`,
    );
    await Deno.chown(deno, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
    assertStringIncludes((await host.run(["--deno", deno])).err, `user ${UNPRIVILEGED_ID} owns ${host.root}/path/deno`);
    assertEquals(await host.files(`${host.root}/the user's`), []);
  },
);

Deno.test(
  "install.sh --uninstall keeps configuration and queue, and removes them with --purge",
  needsRoot,
  async () => {
    await using host = await Host.create();
    const [config, state] = [`${host.root}/home/.config/matrix-notify`, `${host.root}/home/.local/state/matrix-notify`];
    for (const directory of [config, state]) await Deno.mkdir(directory, { recursive: true });
    await Deno.chmod(`${host.root}/the user's`, 0o777);
    await new Deno.Command("chown", { args: ["-R", `${UNPRIVILEGED_ID}:${UNPRIVILEGED_ID}`, `${host.root}/home`] })
      .output();
    const options = { uid: UNPRIVILEGED_ID };
    await host.run([], options);
    assertStringIncludes((await host.run(["--uninstall"], options)).out, `kept ${config}\nkept ${state}\n`);
    assertStringIncludes(
      (await host.run(["--uninstall", "--purge"], options)).out,
      `removed ${config}\nremoved ${state}\n`,
    );
    assertEquals(await host.files(`${host.root}/home`), [".config", ".local", ".local/state"]);
  },
);

Deno.test("install.sh rejects unknown options and missing values", async () => {
  await using host = await Host.create();
  for (const args of [["--frm"], ["--from"], ["--sendmail", ""], ["--purge"], ["--sendmail", "/x/mail"]]) {
    assertEquals((await host.run(args)).code, 64, args.join(" "));
  }
  assertMatch((await host.run(["--help"])).out, /^Usage: \.\/install\.sh/);
});

Deno.test("install.sh has no finding of shellcheck", async () => {
  const path = fromFileUrl(new URL("../../install.sh", import.meta.url));
  const found = await new Deno.Command("shellcheck", { args: ["-s", "sh", "-e", "SC2015", path] }).output()
    .catch(() => undefined);
  if (found === undefined) return;
  assertEquals(new TextDecoder().decode(found.stdout), "");
});
