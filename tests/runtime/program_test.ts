import { assertEquals, assertMatch } from "@std/assert";
import { inheritedConfig } from "../../scripts/std/argv.ts";
import { withPermissions } from "../../src/runtime/program.ts";

const MODULE = new URL("../../src/runtime/program.ts", import.meta.url).href;

Deno.test("readProgram() returns Deno's command line with absolute paths, and a script that runs it", async () => {
  const home = await Deno.realPath(await Deno.makeTempDir());
  try {
    await Deno.mkdir(`${home}/bin`);
    // A directory with the name of the subcommand is not a path in the command.
    await Deno.mkdir(`${home}/run`);
    await Deno.writeTextFile(
      `${home}/main.ts`,
      `import { readProgram } from ${JSON.stringify(MODULE)};
       console.log(JSON.stringify(await readProgram((name) => Deno.env.get(name))));`,
    );
    const run = async () => {
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", ...inheritedConfig(), "main.ts", "flush", "--config", "c.json"],
        cwd: home,
        env: { PATH: `${home}/bin:${Deno.env.get("PATH")}` },
      }).output();
      assertEquals(new TextDecoder().decode(stderr), "");
      return JSON.parse(new TextDecoder().decode(stdout));
    };
    const options = ["-A", "--quiet", ...inheritedConfig(), "--cached-only"];
    const words = [Deno.execPath(), "run", ...options, `${home}/main.ts`];
    assertEquals(await run(), { words, shortWords: words });
    const script = `#!/bin/sh\nexec ${Deno.execPath()} run -A --quiet ${home}/main.ts "$@"\n`;
    await Deno.writeTextFile(`${home}/bin/matrix-notify`, script, { mode: 0o755 });
    assertEquals(await run(), { words, shortWords: [`${home}/bin/matrix-notify`] });
    await Deno.chmod(`${home}/bin/matrix-notify`, 0o775);
    assertEquals((await run()).shortWords, words, "a script that other users can change does not count");
    await Deno.remove(`${home}/bin/matrix-notify`);
    await new Deno.Command("mkfifo", { args: [`${home}/bin/matrix-notify`] }).output();
    assertEquals((await run()).shortWords, words, "a pipe does not hang");
    await Deno.remove(`${home}/bin/matrix-notify`);
    await Deno.writeTextFile(`${home}/bin/matrix-notify`, script.replace("main.ts", "other.ts"), { mode: 0o755 });
    assertMatch((await run()).shortWords.join(" "), / run -A /, "a script that runs another module does not count");
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("readProgram() returns paths that stay when install.sh replaces the directory of this version", async () => {
  const prefix = await Deno.realPath(await Deno.makeTempDir());
  try {
    const [version, current] = [`${prefix}/lib/matrix-notify/20261129T120000-1`, `${prefix}/lib/matrix-notify/current`];
    for (const folder of ["bin", `lib/matrix-notify/${version.split("/").at(-1)}/bin`]) {
      await Deno.mkdir(`${prefix}/${folder}`, { recursive: true });
    }
    await Deno.symlink(version, current);
    await Deno.symlink(`${current}/bin/matrix-notify`, `${prefix}/bin/matrix-notify`);
    await Deno.writeTextFile(`${version}/bin/matrix-notify`, `#!/bin/sh\nexec deno run ${version}/matrix-notify.js\n`, {
      mode: 0o755,
    });
    await Deno.writeTextFile(
      `${version}/matrix-notify.js`,
      `import { readProgram, withPermissions } from ${JSON.stringify(MODULE)};
       const { words, shortWords } = await readProgram(() => "/usr/bin");
       console.log(JSON.stringify([withPermissions(words, ["--allow-read=${version}/matrix-notify"]), shortWords]));`,
    );
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "-q", "--cached-only", ...inheritedConfig(), `${version}/matrix-notify.js`],
    }).output();
    assertEquals(new TextDecoder().decode(stderr), "");
    const options = ["--no-prompt", `--allow-read=${current}/matrix-notify`, "-q", "--cached-only"];
    assertEquals(JSON.parse(new TextDecoder().decode(stdout)), [
      [Deno.execPath(), "run", ...options, ...inheritedConfig(), `${current}/matrix-notify.js`],
      [`${prefix}/bin/matrix-notify`],
    ]);
  } finally {
    await Deno.remove(prefix, { recursive: true });
  }
});

Deno.test("withPermissions() replaces every permission of Deno, and keeps the other options", () => {
  const words = [
    "/bin/deno",
    "run",
    "-A",
    "-q",
    "--allow-net=x",
    "-R=/y",
    "--config",
    "/c.json",
    "--no-prompt",
    "/m.ts",
  ];
  assertEquals(withPermissions(words, ["--allow-net"]), [
    ...["/bin/deno", "run", "--no-prompt", "--allow-net", "-q", "--config", "/c.json", "/m.ts"],
  ]);
});
