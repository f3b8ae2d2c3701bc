/** Prepares the state for a swept command, and runs the command under strace. */

import { DELIVERER_COMMAND } from "../../src/base/deliverer_command.ts";
import { denoFiles } from "../../src/runtime/files.ts";
import { FileLock } from "../../src/runtime/file_lock.ts";
import { encodeRecord } from "../../src/queue/journal_line.ts";
import type { Ending } from "./process.ts";
import { SUBJECT, type SweptCommand } from "./sweep_commands.ts";
import { type Fault, injection, type Syscall } from "./sweep_faults.ts";
import { createMessage, World } from "./world.ts";

/** Enough history for a compaction. */
const LONG_HISTORY_BYTES = 300 * 1024;

/** The end of a command, with the output of strace. */
export interface TracedEnding extends Ending {
  readonly trace: string;
}

/** Prepares the state that a command needs. */
export async function prepareWorld(command: SweptCommand): Promise<World> {
  const { delivered = [], waiting = [], inDoubt = [], spooled = [], ballast, isOutage, fault } = command;
  const world = await World.open();
  try {
    for (const subject of delivered) await world.notify(subject);
    for (const subject of inDoubt) {
      world.homeserver.fault("drop-after-persisting", { times: 1 });
      await world.notify(subject);
    }
    for (const subject of waiting) await world.notify(subject, { waitMs: 0 });
    for (const subject of spooled) await spoolMessage(world, subject);
    if (ballast) Deno.writeFileSync(journalPath(world), BALLAST[ballast](), { append: true });
    if (isOutage) await world.homeserver.stop();
    if (fault) world.homeserver.fault(fault, { times: 1 });
    return world;
  } catch (error) {
    await world[Symbol.asyncDispose]();
    throw error;
  }
}

/** Sends a message while the lock is held, so that it goes to the spool. */
async function spoolMessage(world: World, subject: string): Promise<void> {
  const before = listSpool(world).length;
  denoFiles.makeDirectory(`${world.stateDir}/queue`);
  using _lock = new FileLock(denoFiles, `${world.stateDir}/queue/lock`).tryAcquire();
  // Reaches the time limit of the lock in a few steps.
  world.stepMs = 1000;
  await world.notify(subject, { waitMs: 0 });
  world.stepMs = 0;
  if (listSpool(world).length !== before + 1) {
    throw new Error("Cannot prepare a sweep: the spool was not used");
  }
}

/** Runs a command. strace injects the fault into the n-th call of a name. */
export async function runTraced(
  world: World,
  command: SweptCommand,
  { fault, syscall, n }: { readonly fault: Fault; readonly syscall: Syscall; readonly n: number },
): Promise<TracedEnding> {
  const output = `${world.directory}/trace`;
  const paths = fault.isAnywhere ? [] : tracedPaths(world).flatMap((path) => ["-P", path]);
  const through = ["strace", "-f", "-qq", "-o", output, ...paths, ...injection(fault, syscall, n)];
  // Deno does not distinguish a directory that cannot be listed from an empty one, so the spool may
  // be missed.
  const excuses = { mayBeDelivered: fault.allowsDeliveredReject, mayOvertake: syscall === "getdents" };
  const ending = await run(world, command, { through, ...excuses });
  return { ...ending, trace: Deno.readTextFileSync(output) };
}

async function run(
  world: World,
  { role, args, message = createMessage(SUBJECT), file }: SweptCommand,
  options: Parameters<World["send"]>[1],
): Promise<Ending> {
  if (args === "in the background") {
    const word = JSON.stringify({ stateDir: world.stateDir });
    return await world.start([DELIVERER_COMMAND, word], options).ending;
  }
  if (role === "sender") return await world.send(SUBJECT, { message, args, file, ...options });
  return await world.start(args, options).ending;
}

function journalPath({ stateDir }: World): string {
  return `${stateDir}/queue/queue.jsonl`;
}

function tracedPaths(world: World): string[] {
  const { directory, stateDir } = world;
  const names = ["queue.jsonl", "queue.jsonl.new", "reserve.bin", "lock", "deliver.lock", "background.lock"];
  const spool = listSpool(world).map((name) => `spool/${name}`);
  const files = [...names, "quarantine", "spool", ...spool];
  return [
    directory,
    stateDir,
    `${stateDir}/attachments`,
    `${stateDir}/queue`,
    ...files.map((name) => `${stateDir}/queue/${name}`),
  ];
}

function listSpool({ stateDir }: World): string[] {
  return denoFiles.list(`${stateDir}/queue/spool`);
}

/** Bytes in a journal that are not a notification. */
const BALLAST = {
  "torn line": () => new TextEncoder().encode(`{"v":1,"t":"enq","id":"torn","time":17`),
  "long history": () => {
    const line = encodeRecord({ t: "flush", time: Date.now() });
    const history = new Uint8Array(Math.ceil(LONG_HISTORY_BYTES / line.length) * line.length);
    for (let at = 0; at < history.length; at += line.length) history.set(line, at);
    return history;
  },
};
