/**
 * The world that a swept command finds, and strace, which looks over its shoulder.
 *
 * @module
 */

import { DELIVERER_COMMAND } from "../../src/base/deliverer_command.ts";
import { denoFiles } from "../../src/runtime/files.ts";
import { FileLock } from "../../src/runtime/file_lock.ts";
import { encodeRecord } from "../../src/queue/journal_line.ts";
import type { Ending } from "./process.ts";
import { SUBJECT, type SweptCommand } from "./sweep_commands.ts";
import { type Fault, injection, type Syscall } from "./sweep_faults.ts";
import { messageFor, World } from "./world.ts";

/** Longer than a journal that nobody compacts. */
const LONG_HISTORY_BYTES = 300 * 1024;

/** What became of a command, and what strace wrote. */
export interface TracedEnding extends Ending {
  readonly trace: string;
}

/** Makes the world, with everything that a command wants to find. */
export async function furnish(command: SweptCommand): Promise<World> {
  const { delivered = [], waiting = [], doubtful = [], sideDoor = [], ballast, isOutage, mood } = command;
  const world = await World.open();
  try {
    for (const subject of delivered) await world.say(subject);
    for (const subject of doubtful) {
      world.homeserver.fault("drop-after-persisting", { times: 1 });
      await world.say(subject);
    }
    for (const subject of waiting) await world.say(subject, { waitMs: 0 });
    for (const subject of sideDoor) await saySideways(world, subject);
    if (ballast) Deno.writeFileSync(journalOf(world), BALLAST[ballast](), { append: true });
    if (isOutage) await world.homeserver.stop();
    if (mood) world.homeserver.fault(mood, { times: 1 });
    return world;
  } catch (error) {
    await world[Symbol.asyncDispose]();
    throw error;
  }
}

/** Says something while somebody holds the lock and does not let go. */
async function saySideways(world: World, subject: string): Promise<void> {
  const before = waitingAtTheSideDoor(world).length;
  const lock = new FileLock(denoFiles, `${world.stateDir}/queue/lock`);
  denoFiles.makeDirectory(`${world.stateDir}/queue`);
  lock.tryAcquire();
  // The patience of whoever waits for the lock is over in a few steps.
  world.stepMs = 1000;
  await world.say(subject, { waitMs: 0 });
  world.stepMs = 0;
  lock.release();
  if (waitingAtTheSideDoor(world).length !== before + 1) {
    throw new Error("Cannot prepare a sweep: the side door was not used");
  }
}

/** Runs the swept command under strace, which brings a fault about in the n-th call of a name. */
export async function runTraced(
  world: World,
  command: SweptCommand,
  { fault, syscall, n }: { readonly fault: Fault; readonly syscall: Syscall; readonly n: number },
): Promise<TracedEnding> {
  const output = `${world.directory}/trace`;
  const paths = fault.isAnywhere ? [] : pathsOf(world).flatMap((path) => ["-P", path]);
  const through = ["strace", "-f", "-qq", "-o", output, ...paths, ...injection(fault, syscall, n)];
  // Deno does not tell a directory that cannot be listed from one that is empty: what waits at the
  // side door is not seen.
  const excuses = { mayBeHalfTaken: fault.excusesHalfTaken, mayOvertake: syscall === "getdents" };
  const ending = await run(world, command, { through, ...excuses });
  return { ...ending, trace: Deno.readTextFileSync(output) };
}

async function run(
  world: World,
  { role, args, message = messageFor(SUBJECT), file }: SweptCommand,
  options: Parameters<World["send"]>[1],
): Promise<Ending> {
  if (args === "in the background") {
    const word = JSON.stringify({ stateDir: world.stateDir });
    return await world.start([DELIVERER_COMMAND, word], options).ending;
  }
  if (role === "sender") return await world.send(SUBJECT, { message, args, file, ...options });
  return await world.start(args, options).ending;
}

function journalOf({ stateDir }: World): string {
  return `${stateDir}/queue/queue.jsonl`;
}

function pathsOf(world: World): string[] {
  const { directory, stateDir } = world;
  const names = ["queue.jsonl", "queue.jsonl.new", "reserve.bin", "lock", "deliver.lock", "background.lock"];
  const spool = waitingAtTheSideDoor(world).map((name) => `spool/${name}`);
  const files = [...names, "quarantine", "spool", ...spool];
  return [
    directory,
    stateDir,
    `${stateDir}/attachments`,
    `${stateDir}/queue`,
    ...files.map((name) => `${stateDir}/queue/${name}`),
  ];
}

function waitingAtTheSideDoor({ stateDir }: World): string[] {
  return denoFiles.list(`${stateDir}/queue/spool`);
}

/** What may lie in a journal and is no notification. */
const BALLAST = {
  "torn line": () => new TextEncoder().encode(`{"v":1,"t":"enq","id":"torn","time":17`),
  "long history": () => {
    const line = encodeRecord({ t: "flush", time: Date.now() });
    const history = new Uint8Array(Math.ceil(LONG_HISTORY_BYTES / line.length) * line.length);
    for (let at = 0; at < history.length; at += line.length) history.set(line, at);
    return history;
  },
};
