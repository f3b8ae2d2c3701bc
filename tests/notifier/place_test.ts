import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { StorageError } from "../../src/base/errors.ts";
import { NotifierCore } from "../../src/notifier/core.ts";
import { LoopbackNtfy } from "../../src/testing/mod.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

/** Runs a test with an ntfy server and a directory. */
async function placeTest(
  body: (t: {
    readonly ntfy: LoopbackNtfy;
    readonly folder: string;
    readonly warnings: readonly string[];
    /** Opens a notifier with the channel in the environment, as the command line does. */
    open(stateDir: string | undefined, env?: Readonly<Record<string, string>>): Promise<NotifierCore>;
  }) => Promise<void>,
): Promise<void> {
  await using ntfy = await LoopbackNtfy.start();
  const folder = Deno.makeTempDirSync();
  const warnings: string[] = [];
  const channel = { NTFY_SERVER: ntfy.url, NTFY_TOPIC: "alerts" };
  const open = (stateDir: string | undefined, env: Readonly<Record<string, string>> = {}) => {
    const runtime = fakeRuntime({ realIds: true, env: { ...channel, ...env } });
    return NotifierCore.open({ stateDir, runtime, onWarning: (text) => warnings.push(text) });
  };
  try {
    await body({ ntfy, folder, warnings, open });
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** States of a directory that are no place for a queue, each with the beginning of the warning. */
const NO_PLACES: readonly {
  readonly name: string;
  readonly onlyRoot?: boolean;
  readonly make: (path: string) => void;
  readonly warning: string;
}[] = [
  {
    name: "a file is in its place",
    make: (path) => Deno.writeTextFileSync(path, ""),
    warning: "Cannot read the queue PATH/queue/queue.jsonl: a part of the path is not a directory",
  },
  {
    name: "a directory is in the place of the journal",
    make: (path) => Deno.mkdirSync(`${path}/queue/queue.jsonl`, { recursive: true, mode: 0o700 }),
    warning: "Cannot read the queue PATH/queue/queue.jsonl: is a directory",
  },
  {
    name: "other users can write to it",
    make: (path) => {
      Deno.mkdirSync(path);
      Deno.chmodSync(path, 0o777);
    },
    warning: "Cannot use the state directory PATH: other users can write to it (its mode is 0777)",
  },
  {
    name: "it belongs to another user",
    onlyRoot: true,
    make: (path) => {
      Deno.mkdirSync(path, { mode: 0o700 });
      Deno.chownSync(path, 4242, 4242);
    },
    warning: "Cannot use the state directory PATH: it belongs to another user (uid 4242)",
  },
  {
    name: "a pipe is in its place",
    make: (path) => new Deno.Command("mkfifo", { args: [path] }).outputSync(),
    warning: "Cannot use the state directory PATH: it is a pipe, a socket or a device, not a file",
  },
  {
    name: "it is a link to itself",
    make: (path) => Deno.symlinkSync(path, path),
    warning: "Cannot use the state directory PATH: it has too many symbolic links",
  },
];

for (const { name, onlyRoot = false, make, warning } of NO_PLACES) {
  Deno.test({
    name: `NotifierCore.notify() makes one attempt without the queue when ${name}`,
    ignore: onlyRoot && Deno.uid() !== 0,
    fn: () =>
      placeTest(async ({ ntfy, folder, warnings, open }) => {
        const path = `${folder}/state`;
        make(path);
        await using notifier = await open(path);
        const [outcome] = await notifier.notify({ subject: "Up" }, { id: "with-a-key" });
        assertEquals([outcome.state, ntfy.messages("alerts").length], ["delivered", 1]);
        assertStringIncludes(warnings[0], warning.replace("PATH", path));
        assertStringIncludes(warnings[0], "; the notification was sent without the queue (");
        assertThrows(() => notifier.status(), StorageError);
        await assertRejects(() => notifier.flush(), StorageError);
        await ntfy.stop();
        await assertRejects(() => notifier.notify({ subject: "Down" }), StorageError, "one attempt without the queue");
      }),
  });
}

Deno.test("NotifierCore.notify() makes one attempt without the queue when HOME is not set", async () => {
  await placeTest(async ({ ntfy, warnings, open }) => {
    await using notifier = await open(undefined);
    const bytes = new TextEncoder().encode("all lines");
    const attachments = [{ bytes, name: "report.txt" }];
    assertEquals((await notifier.notify({ subject: "Up", attachments })).map(({ state }) => state), ["delivered"]);
    const reason = "Cannot find a place for the queue: HOME and XDG_STATE_HOME are not set";
    assertStringIncludes(`${ntfy.messages("alerts")[0].message}`, `Cannot attach report.txt: ${reason}`);
    assertEquals(warnings, [
      `Cannot attach report.txt: ${reason}`,
      `${reason}; the notification was sent without the queue (set --state-dir or MATRIX_NOTIFY_STATE_DIR)`,
    ]);
    assertEquals(assertThrows(() => notifier.status(), StorageError, reason).code, "no-place");
  });
});

Deno.test("NotifierCore.notify() refuses the part for a channel with a mistake when there is no queue", async () => {
  await placeTest(async ({ ntfy, folder, open }) => {
    const config = `${folder}/config.json`;
    const pager = { kind: "ntfy", server: ntfy.url, topc: "pager" };
    Deno.writeTextFileSync(config, JSON.stringify({ channels: { pager } }), { mode: 0o600 });
    await using notifier = await open(undefined, { MATRIX_NOTIFY_CONFIG: config });
    const outcomes = await notifier.notify({ subject: "Up" });
    assertEquals(outcomes.map(({ channel, state }) => [channel, state]), [["ntfy", "delivered"], ["pager", "refused"]]);
  });
});
