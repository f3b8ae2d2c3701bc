/** Counts the syncs of a command. On a slow disk they are the cost of a notification. */

import { assertEquals, assertLessOrEqual } from "@std/assert";
import { load } from "./load.ts";
import { World } from "./world.ts";
import { straceTest } from "./strace.ts";

/**
 * Runs a command and counts the syncs of its threads in the state directory. Deno syncs caches
 * elsewhere.
 */
async function countSyncs(world: World, ...args: string[]): Promise<{ fdatasync: number; fsync: number }> {
  const { code, text } = await world.start([...args, "--no-background"], { through: strace(world) }).ending;
  assertEquals(code, 0, text);
  return readSyncs(world);
}

function strace({ directory }: World): string[] {
  const output = ["-o", `${directory}/syncs`];
  return ["strace", "-D", "-f", "-qq", "--seccomp-bpf", "-y", ...output, "-e", "trace=fdatasync,fsync"];
}

function readSyncs({ directory }: World): { fdatasync: number; fsync: number } {
  const all = Deno.readTextFileSync(`${directory}/syncs`).match(/ f(data)?sync\(\d+<[^>]*/g) ?? [];
  const calls = all.filter((call) => call.includes(`<${directory}`));
  const fdatasync = calls.filter((call) => call.includes("data")).length;
  return { fdatasync, fsync: calls.length - fdatasync };
}

straceTest(
  "send makes one fdatasync when it delivers, and also an fsync of the directory when it only queues",
  async () => {
    await using world = await World.open();
    // The first send also syncs the new directories of the queue and the state.
    assertEquals(await countSyncs(world, "send", "new", "--wait", "0"), { fdatasync: 1, fsync: 3 });
    await world.start(["flush", "--no-background"]).ending;
    assertEquals(await countSyncs(world, "send", "delivered"), { fdatasync: 1, fsync: 0 });
    assertEquals(await countSyncs(world, "send", "queued", "--wait", "0"), { fdatasync: 1, fsync: 1 });
    // A new file in an existing directory.
    Deno.removeSync(`${world.stateDir}/queue/queue.jsonl`);
    assertEquals(await countSyncs(world, "send", "in a new file", "--wait", "0"), { fdatasync: 1, fsync: 1 });
  },
);

straceTest(
  "send makes one more fdatasync for each attachment, one fsync for all, and a sync of the journal before it removes them",
  async () => {
    await using world = await World.open();
    await world.start(["send", "first", "--no-background"]).ending;
    const paths = ["a", "b"].map((name) => `${world.directory}/${name}`);
    for (const path of paths) Deno.writeTextFileSync(path, "content");
    const attach = paths.flatMap((path) => ["--attach", path]);
    // The new directory of attachments is synced too.
    assertEquals(await countSyncs(world, "send", "queued", "--wait", "0", ...attach), { fdatasync: 3, fsync: 3 });
    await world.start(["flush", "--no-background"]).ending;
    // The journal is now longer than 4 KiB. Its compaction adds one sync of each kind.
    assertEquals(await countSyncs(world, "send", "delivered", ...attach), { fdatasync: 5, fsync: 3 });
  },
);

straceTest("serve makes at most one fdatasync for five notifications when 50 clients post", async () => {
  const posts = 1000;
  let fdatasync = 0;
  const { problems } = await load({
    ...{ posts, clients: 50, fault: "refuse", incidents: [], seed: 3, through: strace },
    onEnd: (world) => fdatasync = readSyncs(world).fdatasync,
  });
  assertEquals(problems, []);
  assertLessOrEqual(fdatasync, posts / 5);
});
