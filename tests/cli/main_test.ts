import { assert, assertEquals } from "@std/assert";
import { inheritedConfig } from "../../scripts/std/argv.ts";
import { COMMANDS } from "../../src/cli/commands.ts";

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
