/**
 * What the queue asks of the disk, counted from outside: a sync is what a notification costs where
 * the disk is slow.
 */

import { assertEquals } from "@std/assert";
import { World } from "./world.ts";
import { straceTest } from "./strace.ts";

/**
 * Runs a command, and counts the syncs of all of its threads in the state directory: Deno has
 * caches of its own.
 */
async function syncsOf(world: World, ...args: string[]): Promise<{ fdatasync: number; fsync: number }> {
  const output = `${world.directory}/syncs`;
  const through = ["strace", "-f", "-qq", "--seccomp-bpf", "-y", "-o", output, "-e", "trace=fdatasync,fsync"];
  const { code, text } = await world.start([...args, "--no-background"], { through }).ending;
  assertEquals(code, 0, text);
  const all = Deno.readTextFileSync(output).match(/ f(data)?sync\(\d+<[^>]*/g) ?? [];
  const calls = all.filter((call) => call.includes(`<${world.directory}`));
  const fdatasync = calls.filter((call) => call.includes("data")).length;
  return { fdatasync, fsync: calls.length - fdatasync };
}

straceTest(
  "send costs one fdatasync when it is delivered, and the directory's fsync besides when it is only queued",
  async () => {
    await using world = await World.open();
    // Without a queue yet: its directory, and that of the state, are made durable too.
    assertEquals(await syncsOf(world, "send", "new", "--wait", "0"), { fdatasync: 1, fsync: 3 });
    await world.start(["flush", "--no-background"]).ending;
    assertEquals(await syncsOf(world, "send", "delivered"), { fdatasync: 1, fsync: 0 });
    assertEquals(await syncsOf(world, "send", "queued", "--wait", "0"), { fdatasync: 1, fsync: 1 });
    // A new file in a directory that is there.
    Deno.removeSync(`${world.stateDir}/queue/queue.jsonl`);
    assertEquals(await syncsOf(world, "send", "in a new file", "--wait", "0"), { fdatasync: 1, fsync: 1 });
  },
);

straceTest(
  "send costs an fdatasync more for each file, an fsync for all of them, and a sync of the journal before they are removed",
  async () => {
    await using world = await World.open();
    await world.start(["send", "first", "--no-background"]).ending;
    const paths = ["a", "b"].map((name) => `${world.directory}/${name}`);
    for (const path of paths) Deno.writeTextFileSync(path, "content");
    const attach = paths.flatMap((path) => ["--attach", path]);
    // Their directory is made and made durable too.
    assertEquals(await syncsOf(world, "send", "queued", "--wait", "0", ...attach), { fdatasync: 3, fsync: 3 });
    await world.start(["flush", "--no-background"]).ending;
    assertEquals(await syncsOf(world, "send", "delivered", ...attach), { fdatasync: 4, fsync: 2 });
  },
);
