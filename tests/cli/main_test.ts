import { assert, assertEquals, assertMatch } from "@std/assert";
import { inheritedConfig } from "../../scripts/std/argv.ts";
import { VERSION } from "../../src/base/version.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { main } from "../../src/cli/main.ts";
import { fakeRuntime } from "../fakes/runtime.ts";
import { setScene } from "../fakes/scene.ts";
import { runShell, sceneEnv } from "../fakes/shell.ts";

const ROOT = new URL("../../", import.meta.url);

/** Runs the program and returns the modules of `src/` that it loaded. */
async function evaluatedModules(...args: string[]): Promise<string[]> {
  const directory = await Deno.makeTempDir({ prefix: "coverage-" });
  const program = ["-A", "-q", `--coverage=${directory}`, new URL("src/main.ts", ROOT).href];
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", ...inheritedConfig(), ...program, ...args],
    stdout: "null",
  }).output();
  assert(success);
  const urls = Array.from(Deno.readDirSync(directory), ({ name }): string => {
    return JSON.parse(Deno.readTextFileSync(`${directory}/${name}`)).url;
  });
  await Deno.remove(directory, { recursive: true });
  return urls.filter((url) => url.startsWith(`${ROOT}src/`)).map((url) => url.slice(`${ROOT}src/`.length)).sort();
}

for (const option of ["--version", "--help"]) {
  Deno.test(`main() does not load commands, queue, channels or configuration for ${option}`, async () => {
    const modules = await evaluatedModules(option);
    assertEquals(modules.filter((path) => /^(queue|channels|config|cli\/commands)\//.test(path)), []);
    assert(modules.includes("cli/main.ts"));
  });
}

Deno.test("main() loads only the file of one command for the help of this command", async () => {
  for (const name of ["send", "setup", "queue list", "doctor", "config show", "room create"]) {
    const modules = await evaluatedModules(...name.split(" "), "--help");
    assertEquals(
      modules.filter((path) => /^(queue|channels|config|doctor|testing|cli\/setup)\/(?!options)/.test(path)),
      [],
      name,
    );
    assertEquals(modules.filter((path) => path.startsWith("cli/commands/")), [`cli/commands/${name.split(" ")[0]}.ts`]);
  }
});

Deno.test("main() does not load other kinds, doctor, Apprise or setup for a send with a Matrix channel", async () => {
  const directory = await Deno.makeTempDir();
  const matrix = { homeserver: "https://matrix.example.org", accessToken: "x", room: "!abc" };
  const configFile = `${directory}/config.json`;
  await Deno.writeTextFile(configFile, JSON.stringify({ channels: { matrix } }), { mode: 0o600 });
  const modules = await evaluatedModules(
    "send",
    "Hello",
    "--dry-run",
    "--config",
    configFile,
    "--state-dir",
    directory,
  );
  await Deno.remove(directory, { recursive: true });
  assert(modules.includes("channels/matrix/channel.ts"));
  const others = /^(doctor|cli\/setup)\/|checks\.ts$|apprise|^channels\/(?!matrix|fields)\w+\//;
  assertEquals(modules.filter((path) => others.test(path)), []);
});

Deno.test("COMMANDS has a command for each name", async () => {
  for (const { name, load } of COMMANDS) assert(typeof (await load()).run === "function", name);
});

Deno.test("main() ignores a variable that is not UTF-8, with a warning", async () => {
  await using scene = await setScene();
  const script = "MATRIX_NOTIFY_CONFIG=$(printf '/\\344') matrix-notify send --no-background Hello ''";
  const { MATRIX_NOTIFY_CONFIG: _, ...env } = sceneEnv(scene);
  const { code, err } = await runShell(script, env);
  assertEquals([code, err], [
    0,
    "matrix-notify: cannot read the environment variable MATRIX_NOTIFY_CONFIG: it is not UTF-8, and counts as not set\n",
  ]);
  assertEquals(scene.subjects().length, 1);
});

for (const option of ["--version", "--version=1", "-V", "-v", "version"]) {
  Deno.test(`main() prints the version for ${option}`, async () => {
    using runtime = fakeRuntime();
    assertEquals([await main([option], runtime), runtime.out()], [0, `matrix-notify ${VERSION}\n`]);
  });
}

for (const words of [["--help=1"], ["--help=no"], ["help"]]) {
  Deno.test(`main() prints the help for ${words.join(" ")}`, async () => {
    using runtime = fakeRuntime();
    assertEquals(await main(words, runtime), 0);
    assertMatch(runtime.out(), /^matrix-notify sends notifications .*\nusage: matrix-notify COMMAND/s);
  });
}
