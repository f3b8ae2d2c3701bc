import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import manifest from "../../deno.json" with { type: "json" };
import { sha256 } from "../../scripts/build/checksums.ts";
import { debArchitecture, packDeb, sourceEpoch } from "../../scripts/build/deb.ts";
import { copyrightFile, debianChangelog } from "../../scripts/build/deb_texts.ts";
import { PROGRAM_FLAGS } from "../../src/base/permission_table.ts";
import { checkConfig } from "../../src/config/check.ts";
import { packForTest } from "../fakes/debian_package.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

/** A small program for this machine, in place of Deno. */
const SMALL = "/bin/true";

const EPOCH = 1_790_000_000;

const hasProgram = (name: string) =>
  !new Deno.Command("sh", { args: ["-c", `! command -v ${name}`] }).outputSync().success;

async function inDirectory(body: (directory: string) => Promise<void>) {
  const directory = await Deno.makeTempDir();
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function run(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

const needsDpkg = { ignore: !hasProgram("dpkg-deb") };

Deno.test("packDeb() makes the same bytes from the same program", needsDpkg, async () => {
  await inDirectory(async (directory) => {
    const hashes = await Promise.all(["one", "two"].map(async (name) => {
      await packForTest(`${directory}/${name}`, SMALL, EPOCH);
      return await sha256(await Deno.readFile(`${directory}/${name}`));
    }));
    assertEquals(hashes[0], hashes[1]);
  });
});

Deno.test(
  "packDeb() packs program, launcher, units and documents with owner, mode, version and processor",
  needsDpkg,
  async () => {
    await inDirectory(async (directory) => {
      const deb = `${directory}/package.deb`;
      await packForTest(deb, SMALL, EPOCH);
      const list = await run("dpkg-deb", "--contents", deb);
      for (
        const line of [
          "-rwxr-xr-x root/root .* ./usr/bin/matrix-notify\n",
          "-rwxr-xr-x root/root .* ./usr/lib/matrix-notify/deno\n",
          "-rw-r--r-- root/root .* ./usr/lib/matrix-notify/matrix-notify.js\n",
          "-rw-r--r-- root/root .* ./usr/lib/matrix-notify/matrix-notify/send.js\n",
          "-rw-r--r-- root/root .* ./usr/lib/systemd/system/matrix-notify@.service\n",
          "drwxr-xr-x root/root .* ./usr/share/doc/matrix-notify/\n",
          "-rw-r--r-- root/root .* ./usr/share/doc/matrix-notify/examples/config.json\n",
          "-rw-r--r-- root/root .* ./usr/share/man/man1/matrix-notify-send.1.gz\n",
          "-rw-r--r-- root/root .* ./usr/share/bash-completion/completions/matrix-notify\n",
          "-rw-r--r-- root/root .* ./usr/share/zsh/vendor-completions/_matrix-notify\n",
        ]
      ) assertMatch(list, new RegExp(line));
      assertEquals(list.includes("./etc/"), false, "the package has no conffile: setup writes the configuration");
      const field = async (name: string) => (await run("dpkg-deb", "--field", deb, name)).trim();
      assertEquals(await field("Version"), manifest.version);
      assertEquals(await field("Architecture"), await debArchitecture(SMALL));
      assertMatch(await field("Depends"), /^libc6 \(>= 2\.27\), /);
      await run("dpkg-deb", "--extract", deb, `${directory}/tree`);
      const read = (path: string) => Deno.readTextFile(`${directory}/tree/${path}`);
      assertStringIncludes(await read("usr/bin/matrix-notify"), PROGRAM_FLAGS.join(" "));
      assertMatch(
        await read("usr/lib/systemd/system/matrix-notify-flush.service"),
        /\nExecStart=\/usr\/bin\/matrix-notify flush --timer --state-dir \/var\/lib\/matrix-notify\n/,
      );
      const configFile = `${directory}/tree/usr/share/doc/matrix-notify/examples/config.json`;
      using runtime = fakeRuntime();
      const { problems } = await checkConfig(runtime, { configFile });
      assertEquals(problems.map(({ message }) => message.replace(/^.*: /, "")), [
        "there is no such file",
      ]);
    });
  },
);

Deno.test("packDeb() packs a binary with a link in place of the launcher", needsDpkg, async () => {
  await inDirectory(async (directory) => {
    await packForTest(`${directory}/other`, SMALL, EPOCH);
    const name = await packDeb({ out: directory, program: { binary: SMALL }, epoch: EPOCH, compression: "quick" });
    const list = await run("dpkg-deb", "--contents", `${directory}/${name}`);
    assertMatch(list, /\.\/usr\/bin\/matrix-notify -> \.\.\/lib\/matrix-notify\/matrix-notify\n/);
    assertEquals(/\/deno\n|\.js\n/.test(list), false);
  });
});

Deno.test("packDeb() makes a package in which lintian finds no error", {
  ignore: !hasProgram("lintian") || !hasProgram("dpkg-deb"),
}, async () => {
  await inDirectory(async (directory) => {
    const deb = `${directory}/package.deb`;
    await packForTest(deb, SMALL, EPOCH);
    const found = await run("env", `TMPDIR=${directory}`, "lintian", "--allow-root", "--fail-on", "none", deb);
    assertEquals(found.split("\n").filter((line) => line.startsWith("E:")), []);
  });
});

Deno.test("debArchitecture() refuses what is no Linux program", async () => {
  await assertRejects(() => debArchitecture("/etc/passwd"), Error, "it is not a Linux program for amd64 or arm64");
});

Deno.test("sourceEpoch() returns the time of the last commit or SOURCE_DATE_EPOCH", async () => {
  assertEquals(await sourceEpoch() > 1_700_000_000, true);
});

Deno.test("debianChangelog() has one entry with the version and all items, in short lines", async () => {
  const text = await debianChangelog(EPOCH);
  assertMatch(text, new RegExp(`^matrix-notify \\(${manifest.version}\\) unstable; urgency=medium\n\n  \\* `));
  assertMatch(text, /\n\n -- .* <.*@.*> {2}Mon, 21 Sep 2026 14:13:20 \+0000\n$/);
  const items = text.split("\n").filter((line) => line.startsWith("  "));
  assertEquals(items.filter((line) => line.length > 78), []);
});

Deno.test("copyrightFile() contains the licence of every package of the program", needsDpkg, async () => {
  await inDirectory((directory) => packForTest(`${directory}/package.deb`, SMALL, EPOCH));
  const text = await copyrightFile(SMALL);
  for (
    const holder of [
      "matrix-notify authors",
      "Felix B",
      "Christopher Jeffrey",
      "Andris Reinman",
      "Ivan Nikulin",
      "Deno authors",
    ]
  ) {
    assertStringIncludes(text, holder);
  }
});
