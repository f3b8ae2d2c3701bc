/**
 * Runs the scripts that `setup router` prints for OpenWrt and OPNsense, with busybox and dash,
 * against a real `serve`. If this host has uclient-fetch, the test uses it. Otherwise, a stand-in
 * with curl sends the same bytes.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { findProgram } from "../fakes/find_program.ts";
import { installOrStub } from "../fakes/installed_suite.ts";
import { type RouterStage, setRouterStage } from "./stage.ts";

/**
 * uclient-fetch of OpenWrt sends its data in chunks. It exits with 4 if it cannot connect, and with
 * 8 for any status but 200, 204 and 206 (uclient-fetch.c).
 */
const UCLIENT_FETCH = `#!/bin/sh
data= url=
while [ $# -gt 0 ]; do
  case $1 in
    -q) ;;
    -T | -O) shift ;;
    --ca-certificate=* | --timeout=*) ;;
    --post-data=*) data=\${1#*=} ;;
    -*) echo "unrecognized option '$1'" >&2; exit 1 ;;
    *) url=$1 ;;
  esac
  shift
done
status=$(CURL -s -m 10 -o /dev/null -w '%{http_code}' -A uclient-fetch -H 'Accept:' -H 'Transfer-Encoding: chunked' \\
  --data-binary "$data" "$url") || exit 4
case $status in 200 | 204) ;; *) echo "HTTP error $status" >&2; exit 8 ;; esac
`;

/** A router whose files are in a directory of the test. */
interface ShellRouter {
  /** Runs commands in the shell of the router. */
  sh(commands: string, env?: Readonly<Record<string, string>>): Promise<{ code: number; output: string }>;
  /** Waits until the queue is empty. */
  waitForQueue(): Promise<void>;
}

const BUSYBOX = [
  "cat",
  "hexdump",
  "kill",
  "ln",
  "mkdir",
  "mv",
  "chmod",
  "printf",
  "readlink",
  "rm",
  "sed",
  "sh",
  "seq",
  "grep",
  "head",
];
const BUSYBOX_MORE = ["sleep", "tr", "uname", "wc", "logger", "od", "ls"];

async function createOpenWrt(
  { directory, script }: RouterStage,
  client: "curl" | "uclient-fetch",
): Promise<ShellRouter> {
  const [busybox, curl] = [await findProgram("busybox"), await findProgram("curl")];
  const programs = `${directory}/programs`;
  await Deno.mkdir(`${directory}/etc`, { recursive: true });
  await Deno.mkdir(programs);
  for (const name of [...BUSYBOX, ...BUSYBOX_MORE]) await Deno.symlink(busybox, `${programs}/${name}`);
  if (client === "curl") await Deno.symlink(curl, `${programs}/curl`);
  else {
    const real = await findProgram("uclient-fetch").catch(() => undefined);
    if (real !== undefined) await Deno.symlink(real, `${programs}/uclient-fetch`);
    else {
      const text = UCLIENT_FETCH.replace("CURL", curl).replace("/bin/sh", `${programs}/sh`);
      await Deno.writeTextFile(`${programs}/uclient-fetch`, text, { mode: 0o700 });
    }
  }
  // A service of OpenWrt begins with the line `#!/bin/sh /etc/rc.common`.
  await Deno.writeTextFile(
    `${directory}/etc/rc.common`,
    '. "$1"; case $2 in enable) echo enabled ;; boot) boot ;; esac\n',
  );
  const here = (text: string) =>
    text.replace(/(?<![\w.])\/(?:etc|usr\/bin)\b/g, `${directory}$&`).replaceAll("#!/bin/sh", `#!${programs}/sh`);
  const env = { PATH: `${directory}/usr/bin:${programs}`, MATRIX_NOTIFY_QUEUE: `${directory}/queue` };
  const router: ShellRouter = {
    sh: (commands, more = {}) => run([busybox, "sh", "-c", here(commands)], { ...env, ...more }),
    async waitForQueue() {
      const isWaiting = '[ -L "$MATRIX_NOTIFY_QUEUE/lock" ] || ls "$MATRIX_NOTIFY_QUEUE"/[0-9]* >/dev/null 2>&1';
      assertEquals(
        (await router.sh(`for i in $(seq 300); do { ${isWaiting}; } || exit 0; sleep 0.1; done; exit 1`)).code,
        0,
      );
    },
  };
  const pasted = await router.sh(script);
  assertEquals([pasted.code, pasted.output], [0, "enabled\n"]);
  return router;
}

async function run(words: readonly string[], env: Readonly<Record<string, string>>) {
  const { code, stdout, stderr } = await new Deno.Command(words[0], {
    args: words.slice(1),
    clearEnv: true,
    env: { ...env },
    stdin: "null",
  }).output();
  return { code, output: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

const stub = await installOrStub("busybox and curl", () => Promise.all(["busybox", "curl"].map(findProgram)));

function shellTest(name: string, body: () => Promise<void>): void {
  if (stub === undefined) Deno.test(name, body);
  else stub(name);
}

function lines(texts: readonly string[]): readonly string[] {
  return texts.map((text) => text.replace(/^\[jump\] (\S* )?\[[^\]]*\] /, "$1"));
}

for (const client of ["curl", "uclient-fetch"] as const) {
  shellTest(`OpenWrt sends any text with ${client}, and reports the interface wan`, async () => {
    await using stage = await setRouterStage("openwrt");
    await stage.start();
    const router = await createOpenWrt(stage, client);
    await router.waitForQueue();
    for (const [action, name] of [["ifdown", "lan"], ["ifdown", "wan"], ["ifup", "wan"]]) {
      const hotplug = await router.sh(". /etc/hotplug.d/iface/90-matrix-notify", { ACTION: action, INTERFACE: name });
      assertEquals(hotplug, { code: 0, output: "" });
      await router.waitForQueue();
      await stage.settle();
    }
    const hard = "ä & b=c + %41 \"q\" 'q' \\n $x `y` <b>\tend\nnext";
    await router.sh('matrix-notify-send "$TEXT" severity=error "message=$TEXT" origin=cron', { TEXT: hard });
    await router.waitForQueue();
    await router.sh("/etc/init.d/matrix-notify boot");
    await router.waitForQueue();
    const texts = lines(await stage.texts());
    assertEquals(texts.length, 5, texts.join("\n---\n"));
    assertEquals(texts[0], "Test message\n\nThis router sends through matrix-notify.");
    assertEquals(texts[1], "❌ wan is down");
    assertStringIncludes(texts[2], "✅ Resolved");
    assertStringIncludes(texts[2], "wan is up");
    assertStringIncludes(texts[3], hard);
    assertEquals(texts[4], "Router started");
  });

  shellTest(`OpenWrt keeps notifications in their order while the host is away, with ${client}`, async () => {
    await using stage = await setRouterStage("openwrt");
    const router = await createOpenWrt(stage, client);
    for (const subject of ["a", "b", "c"]) await router.sh(`matrix-notify-send ${subject}`);
    // A deliverer that was killed leaves its lock.
    await router.sh('kill -9 "$(readlink "$MATRIX_NOTIFY_QUEUE/lock")"');
    await stage.start();
    assertEquals(await router.sh("matrix-notify-send d"), { code: 0, output: "" });
    await router.waitForQueue();
    assertEquals(lines(await stage.texts()).map((text) => text.split("\n")[0]), ["Test message", "a", "b", "c", "d"]);
  });
}

shellTest("OpenWrt says how many notifications it lost when its queue was full", async () => {
  await using stage = await setRouterStage("openwrt");
  const router = await createOpenWrt(stage, "curl");
  await router.sh("sed -i s/^max=.*/max=3/ /usr/bin/matrix-notify-send");
  for (const subject of ["a", "b", "c", "d"]) await router.sh(`matrix-notify-send ${subject}`);
  await stage.start();
  await router.waitForQueue();
  assertEquals(lines(await stage.texts()).map((text) => text.split("\n")[0]), [
    ...["Test message", "a", "b", "❌ The queue was full, lost notifications: 2"],
  ]);
});

shellTest("OpenWrt explains its command, and refuses to run without a subject", async () => {
  await using stage = await setRouterStage("openwrt");
  const router = await createOpenWrt(stage, "curl");
  assertEquals(await router.sh("matrix-notify-send"), {
    code: 64,
    output: "usage: matrix-notify-send SUBJECT [FIELD=VALUE...]\n",
  });
});

for (const shell of ["dash", "busybox"]) {
  shellTest(`OPNsense sends what Monit reports, and ends the alert, with ${shell}`, async () => {
    await using stage = await setRouterStage("opnsense");
    await stage.start();
    const path = `${stage.directory}/matrix-notify-alert`;
    const sh = [await findProgram(shell), ...shell === "busybox" ? ["sh"] : []];
    const script = stage.script.replaceAll("/usr/local/bin/matrix-notify-alert", path).replace(
      /^matrix-notify-alert /m,
      `${path} `,
    );
    const env = { PATH: "/usr/bin:/bin" };
    assertEquals(await run([...sh, "-c", script], env), { code: 0, output: "" });
    const hard = `'/' space "usage" 91.2% & more = $x\nsecond line`;
    for (const event of ["Resource limit matched", "Resource limit succeeded"]) {
      const monit = { MONIT_SERVICE: "RootFs", MONIT_EVENT: event, MONIT_DESCRIPTION: hard };
      assertEquals(await run([...sh, path], { ...env, ...monit }), { code: 0, output: "" });
      await stage.settle();
    }
    const texts = lines(await stage.texts());
    assertEquals(texts.length, 3, texts.join("\n---\n"));
    assertEquals(texts[0], "Test message\n\nThis router sends through matrix-notify.");
    assertEquals(texts[1], `❌ RootFs: Resource limit matched\n\n${hard}`);
    assertStringIncludes(texts[2], "✅ Resolved");
  });
}

shellTest("OPNsense repeats a request until the host is there", async () => {
  await using stage = await setRouterStage("opnsense");
  const path = `${stage.directory}/matrix-notify-alert`;
  const script = stage.script.replaceAll("/usr/local/bin/matrix-notify-alert", path).replace(
    /^matrix-notify-alert .*/m,
    "",
  );
  await run([await findProgram("sh"), "-c", script], { PATH: "/usr/bin:/bin" });
  const sent = run([path, "Late", ""], { PATH: "/usr/bin:/bin" });
  await stage.start();
  assertEquals((await sent).code, 0);
  assertEquals(lines(await stage.texts()), ["Late"]);
});
