import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { until } from "../../scripts/synapse/until.ts";
import { DELIVERER_COMMAND } from "../../src/base/deliverer_command.ts";
import { UNPRIVILEGED_ID } from "../fakes/unprivileged_user.ts";

const MODULE = new URL("../../src/runtime/runtime.ts", import.meta.url).href;
const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;

const ANY_END = /Debugger listening|Failed to start inspector server/;

const VICTIM = `
  const [module, guard] = Deno.args;
  if (guard === "guarded") (await import(module)).keepInspectorClosed();
  // Without a listener, SIGUSR1 ends a process that has just started.
  Deno.addSignalListener("SIGUSR1", () => {});
  await Deno.stdin.read(new Uint8Array(1));
`;

/**
 * The program of another user. It asks the inspector for its secret address all the time, and
 * prints the title of the process that gave its address away.
 */
const ATTACKER = `
  console.log("ready");
  for (;;) {
    try {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port: 9229 });
      const limit = AbortSignal.timeout(300);
      limit.addEventListener("abort", () => connection.close());
      await connection.write(new TextEncoder().encode("GET /json/list HTTP/1.1\\r\\nHost: 127.0.0.1:9229\\r\\n\\r\\n"));
      const answer = new Uint8Array(4096);
      const size = await connection.read(answer);
      console.log(new TextDecoder().decode(answer.subarray(0, size ?? 0)).replaceAll("\\n", " "));
      await new Promise((resolve) => setTimeout(resolve, 5));
    } catch { /* closed */ }
  }
`;

/** Sends SIGUSR1 until Deno has reported what became of the inspector. Returns the report. */
async function signalUntilReport(child: Deno.ChildProcess): Promise<string> {
  // Deno starts to watch the signal half a second after the start of the program.
  const timer = setInterval(() => child.kill("SIGUSR1"), 50);
  let said = "";
  for await (const part of child.stderr.pipeThrough(new TextDecoderStream())) {
    said += part;
    if (ANY_END.test(said)) break;
  }
  clearInterval(timer);
  return said;
}

/** Waits until a process has a listener for SIGUSR1, which would end the process otherwise. */
async function listensToUsr1({ pid }: Deno.ChildProcess): Promise<void> {
  await until(async () => {
    // Deno lets only a program with all permissions read /proc.
    const { stdout } = await new Deno.Command("grep", { args: ["^SigCgt:", `/proc/${pid}/status`] }).output();
    const [mask] = new TextDecoder().decode(stdout).match(/[0-9a-f]{16}/) ?? ["0"];
    return (BigInt(`0x${mask}`) >> 9n) % 2n === 1n || undefined;
  }, { what: "the listener for SIGUSR1" });
}

/**
 * Plays the attack against a process. Returns the answers of the inspector that the attacker got.
 */
async function attack(guard: "guarded" | "unguarded"): Promise<{ readonly report: string; readonly stolen: string }> {
  const folder = Deno.makeTempDirSync();
  Deno.writeTextFileSync(`${folder}/victim.ts`, VICTIM);
  Deno.mkdirSync(`${folder}/cache`);
  Deno.chmodSync(folder, 0o755);
  Deno.chmodSync(`${folder}/cache`, 0o777);
  const attacker = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", ATTACKER],
    env: { DENO_DIR: `${folder}/cache`, HOME: folder },
    cwd: "/",
    ...(Deno.uid() === 0 ? { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID } : {}),
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const victim = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-config", `${folder}/victim.ts`, MODULE, guard],
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  try {
    const reader = attacker.stdout.pipeThrough(new TextDecoderStream()).getReader();
    assertStringIncludes((await reader.read()).value ?? "", "ready");
    const stolen = collect(reader);
    await listensToUsr1(victim);
    const report = await signalUntilReport(victim);
    if (guard === "unguarded") await stolen.first;
    attacker.kill("SIGKILL");
    const text = await stolen.all;
    // Other Deno processes of the host can have an inspector too.
    return { report, stolen: text.split("HTTP/1.1").filter((each) => each.includes(folder)).join() };
  } finally {
    victim.kill("SIGKILL");
    await Promise.all([victim.status, victim.stdin.abort().catch(() => {}), attacker.status]);
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Reads all text. `first` resolves with the first part. */
function collect(reader: ReadableStreamDefaultReader<string>) {
  const { promise: first, resolve } = Promise.withResolvers<void>();
  const all = (async () => {
    let text = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text += part.value;
      resolve();
    }
    resolve();
    return text;
  })();
  return { first, all };
}

const ignore = Deno.build.os !== "linux";

Deno.test({
  name: "SIGUSR1 gives the inspector of a Deno process to another user if keepInspectorClosed() is not called",
  ignore,
  async fn() {
    const { report, stolen } = await attack("unguarded");
    assertMatch(report, /Debugger listening/);
    assertMatch(stolen, /webSocketDebuggerUrl/);
  },
});

Deno.test({
  name: "keepInspectorClosed() leaves another user no moment in which the inspector answers",
  ignore,
  async fn() {
    const { report, stolen } = await attack("guarded");
    assertMatch(report, /Failed to start inspector server/);
    assertEquals(stolen, "");
  },
});

/** Commands that run for longer than half a second, after which Deno watches SIGUSR1. */
const LONG_LIVED: readonly (readonly [name: string, args: (stateDir: string) => readonly string[]])[] = [
  ["run", () => ["run", "--no-background", "--", "sh", "-c", "trap '' USR1; read line"]],
  ["send --wait", () => ["send", "--no-background", "--wait", "60s", "Subject"]],
  ["demo", () => ["demo"]],
  ["the background deliverer", (stateDir) => [DELIVERER_COMMAND, JSON.stringify({ stateDir })]],
];

for (const [name, args] of LONG_LIVED) {
  Deno.test({
    name: `${name} keeps the inspector closed`,
    ignore,
    async fn() {
      const folder = Deno.makeTempDirSync();
      const start = (words: readonly string[]) =>
        new Deno.Command(Deno.execPath(), {
          args: ["run", "-A", "--no-prompt", MAIN, ...words],
          env: {
            // No server listens on this port.
            MATRIX_HOMESERVER: "http://127.0.0.1:9",
            MATRIX_ACCESS_TOKEN: "token",
            MATRIX_ROOM: "!room:example.org",
            MATRIX_NOTIFY_STATE_DIR: folder,
            MATRIX_NOTIFY_CONFIG: "",
          },
          stdin: "piped",
          stdout: "null",
          stderr: "piped",
        }).spawn();
      const queued = start(["send", "--no-background", "--wait", "0s", "Subject"]);
      await Promise.all([queued.stderr.cancel(), queued.stdin.close(), queued.status]);
      const child = start(args(folder));
      try {
        await listensToUsr1(child);
        const report = await signalUntilReport(child);
        assertMatch(report, /Failed to start inspector server/);
        assert(!report.includes("Debugger listening"), report);
      } finally {
        // The demo removes its directory and its background process when it ends.
        if (name !== "demo") child.kill("SIGKILL");
        await Promise.all([child.status, child.stdin.abort().catch(() => {})]);
        Deno.removeSync(folder, { recursive: true });
      }
    },
  });
}
