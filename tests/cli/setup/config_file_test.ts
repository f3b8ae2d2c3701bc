import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type ChannelPlace, writeChannel } from "../../../src/cli/setup/config_file.ts";
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
    const lock = new FileLock(denoFiles, place.lockPath);
    lock.tryAcquire();
    await assertRejects(() => writeChannel(place, CHANNEL), StorageError, "another setup is writing it");
    lock.release();
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
