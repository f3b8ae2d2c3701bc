import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { type ChannelPlace, toAbsolutePath, writeChannel } from "../../../src/cli/setup/config_file.ts";
import { ConfigError, StorageError } from "../../../src/base/errors.ts";
import { requireConfigFile } from "../../../src/config/file.ts";
import { denoFiles, parentDirectory } from "../../../src/runtime/files.ts";
import { FileLock } from "../../../src/runtime/file_lock.ts";

const CHANNEL = { user: "@bot:example.org", room: "!a" };

async function writeTest(body: (place: ChannelPlace, read: () => string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "write-" });
  try {
    const path = `${folder}/config.json`;
    await body({ path, name: "matrix", lockPath: `${folder}/state/setup.lock` }, () => Deno.readTextFileSync(path));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("writeChannel() creates the file, or changes only one channel in an existing file", async () => {
  await writeTest(async (place, read) => {
    await writeChannel(place, { user: "@old:example.org", room: "!b" });
    await writeChannel({ ...place, name: "phone" }, { kind: "ntfy" });
    Deno.writeTextFileSync(place.path, read().replace("{", '{"identity": "jump",'));
    await writeChannel(place, CHANNEL);
    assertEquals(JSON.parse(read()), { identity: "jump", channels: { matrix: CHANNEL, phone: { kind: "ntfy" } } });
    assertEquals(Array.from(Deno.readDirSync(parentDirectory(place.path)), ({ name }) => name).sort(), [
      "config.json",
      "state",
    ]);
  });
});

Deno.test("writeChannel() keeps the group and the mode of an existing file", async () => {
  await writeTest(async (place) => {
    const access = () => {
      const { mode, gid } = Deno.statSync(place.path);
      return [((mode ?? 0) & 0o777).toString(8), gid];
    };
    const { gid } = Deno.statSync(parentDirectory(place.path));
    await writeChannel(place, CHANNEL);
    assertEquals(access(), ["600", gid]);
    const group = Deno.uid() === 0 ? 12_345 : gid;
    Deno.chownSync(place.path, null, group);
    for (const mode of [0o640, 0o444, 0o604]) {
      Deno.chmodSync(place.path, mode);
      await writeChannel({ ...place, name: `m${mode}` }, CHANNEL);
      assertEquals(access(), [mode.toString(8), group]);
    }
  });
});

Deno.test("toAbsolutePath() keeps a link, because its target changes when a certificate is renewed", () => {
  const folder = Deno.makeTempDirSync({ prefix: "links-" });
  try {
    Deno.writeTextFileSync(`${folder}/fullchain3.pem`, "");
    Deno.symlinkSync("fullchain3.pem", `${folder}/fullchain.pem`);
    assertEquals(toAbsolutePath(`${folder}/fullchain.pem`, "--cert-file"), `${folder}/fullchain.pem`);
    assertThrows(() => toAbsolutePath(`${folder}/fullchain4.pem`, "--cert-file"), ConfigError, "there is no such file");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

for (const step of ["open", "rename", "syncDirectory"] as const) {
  Deno.test(`writeChannel() does not damage the file when ${step} fails`, async () => {
    await writeTest(async (place, read) => {
      await writeChannel(place, { user: "@old:example.org", room: "!b" });
      const before = read();
      const broken = () => {
        throw new Error("Input/output error (os error 5)");
      };
      const open: typeof denoFiles.open = (path, mode) => mode === "create" ? broken() : denoFiles.open(path, mode);
      const files = { ...denoFiles, [step]: step === "open" ? open : broken };
      const { hint } = await assertRejects(() => writeChannel(place, CHANNEL, files), StorageError, "Cannot save");
      assertStringIncludes(`${hint}`, "--config");
      if (step !== "syncDirectory") assertEquals(read(), before);
      else assertEquals(JSON.parse(read()).channels.matrix, CHANNEL);
    });
  });
}

Deno.test("writeChannel() does not write if the file is broken or another setup is writing it", async () => {
  await writeTest(async (place, read) => {
    Deno.writeTextFileSync(place.path, "{");
    await assertRejects(() => writeChannel(place, CHANNEL), ConfigError, "is not valid JSON");
    assertEquals(read(), "{");
    Deno.writeTextFileSync(place.path, "{}");
    using _lock = new FileLock(denoFiles, place.lockPath).tryAcquire();
    await assertRejects(() => writeChannel(place, CHANNEL), StorageError, "another setup is writing it");
    assertEquals(read(), "{}");
  });
});

Deno.test("requireConfigFile() accepts a new file in a sticky directory, but in no other that all users can write", async () => {
  await writeTest(async (place, read) => {
    const folder = parentDirectory(place.path);
    Deno.chmodSync(folder, 0o777);
    const { message, hint } = await assertRejects(() => requireConfigFile(place.path), ConfigError);
    assertEquals(
      [message, hint],
      [
        `Cannot use ${folder} for the configuration: other users can write to it (its mode is 0777)`,
        `run: chmod go-w ${folder}; or choose another file with --config`,
      ],
    );
    Deno.chmodSync(folder, 0o1777);
    await writeChannel(place, CHANNEL);
    assertEquals(JSON.parse(read()).channels.matrix, CHANNEL);
  });
});
