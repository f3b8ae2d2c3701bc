import { assert, assertStringIncludes } from "@std/assert";
import { until } from "../../scripts/synapse/until.ts";

const MODULE = new URL("../../src/runtime/runtime.ts", import.meta.url).href;
const PROGRAM = `
  const [module, guard] = Deno.args;
  if (guard === "guarded") (await import(module)).keepInspectorClosed();
  // Without a listener, SIGUSR1 ends a process that has just started.
  Deno.addSignalListener("SIGUSR1", () => {});
  console.log("ready");
  await Deno.stdin.read(new Uint8Array(1));
`;

/** Returns true if a connection to the address is accepted. */
async function isOpen(hostname: string, port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname, port })).close();
    return true;
  } catch {
    return false;
  }
}

/** Sends SIGUSR1 to a program, and returns the address of the inspector that Deno then opens. */
async function openInspector(guard: string) {
  const path = Deno.makeTempFileSync({ suffix: ".ts" });
  Deno.writeTextFileSync(path, PROGRAM);
  const args = ["run", "-A", "--no-config", path, MODULE, guard];
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
  const out = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const err = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  assertStringIncludes((await out.read()).value ?? "", "ready");
  // Deno starts to watch the signal some time after the start of the program.
  const timer = setInterval(() => child.kill("SIGUSR1"), 50);
  let said = "";
  for (let part; !said.includes("\n") && (part = (await err.read()).value) !== undefined;) said += part;
  clearInterval(timer);
  const [, hostname, port] = /ws:\/\/([\d.]+):(\d+)\//.exec(said) ?? [];
  assert(hostname !== undefined, `the inspector did not open: ${said}`);
  return {
    hostname,
    port: Number(port),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await Promise.all([child.status, child.stdin.abort().catch(() => {}), out.cancel(), err.cancel()]);
      Deno.removeSync(path);
    },
  };
}

Deno.test("keepInspectorClosed() closes the inspector that SIGUSR1 opens", async () => {
  {
    await using open = await openInspector("unguarded");
    await until(async () => await isOpen(open.hostname, open.port) || undefined, { what: "the inspector opens" });
  }
  await using closed = await openInspector("guarded");
  await until(async () => await isOpen(closed.hostname, closed.port) ? undefined : true, {
    what: "the inspector closes",
  });
});
