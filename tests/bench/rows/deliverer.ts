/** The row for the background deliverer that waits: a server has asked for a pause of one hour. */

import { Notifier } from "../../../mod.ts";
import { ROOM, waiting } from "../journals.ts";
import { median, spread } from "../measure.ts";
import type { Line, Row } from "../row.ts";
import { ACCESS_TOKEN, type BenchWorld, deliverer, SHIPPED } from "../world.ts";

const WHAT = `the waiting deliverer, ${SHIPPED}`;

export const deliverRows: Row = {
  name: "deliverer",
  async run(world, { isQuick }) {
    const stateDir = world.newState(waiting(0));
    const configFile = `${world.directory}/config.json`;
    Deno.writeTextFileSync(configFile, JSON.stringify({ channels: channels(world) }), { mode: 0o600 });
    await using notifier = await Notifier.open({ stateDir, channels: channels(world) });
    const enqueue = (channel: string) =>
      notifier.notify({ subject: "Host 192.0.2.7 is down" }, { channels: [channel], waitMs: 0 });
    await enqueue("limited");
    await stop(await start(world, deliverer(stateDir, configFile)));
    const process = await start(world, deliverer(stateDir, configFile));
    try {
      const idle = await watchIdle(process.pid, isQuick ? 10_000 : 30_000);
      const waitingMib = readPeakMib(process.pid);
      const delays: number[] = [];
      for (let round = 0; round < (isQuick ? 3 : 15); round++) {
        delays.push(await notice(world, () => enqueue("matrix")));
      }
      return [line(idle, delays, { waitingMib, peakMib: readPeakMib(process.pid) })];
    } finally {
      await stop(process);
    }
  },
};

/**
 * Starts a deliverer with the variables of `spawn.ts`, and waits until it waits. Its cache of
 * compiled code is the one of the other rows. The first process fills this cache.
 */
async function start({ directory }: BenchWorld, [path, ...args]: readonly string[]): Promise<Deno.ChildProcess> {
  const env = { DENO_DIR: `${directory}/deno`, MALLOC_ARENA_MAX: "1" };
  const process = new Deno.Command(path, { args, env, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  await sleep(3_000);
  return process;
}

async function stop(process: Deno.ChildProcess): Promise<void> {
  process.kill("SIGTERM");
  await process.status;
}

function readPeakMib(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readProc(pid, "status"))?.[1]) / 1024;
}

interface Memory {
  /** The peak until the deliverer has waited for a while. */
  readonly waitingMib: number;
  /** The peak after all deliveries. */
  readonly peakMib: number;
}

function line({ wakeUps, cpuPercent }: Idle, delays: readonly number[], { waitingMib, peakMib }: Memory): Line {
  return {
    what: WHAT,
    goal: "≤ 1 wake-up a second, new entry within 100 ms, ≤ 45 MiB",
    wall: `**${wakeUps.toFixed(2)} wake-ups a second**; a new entry arrives after **${
      median(delays).toFixed(0)
    } ms** (${spread(delays, 0)})`,
    cpu: `${cpuPercent.toFixed(2)} % of a core`,
    memory: `**${waitingMib.toFixed(1)} MiB** while it waits, ${peakMib.toFixed(1)} after ${delays.length} deliveries`,
  };
}

function channels({ plain }: BenchWorld) {
  const account = { kind: "matrix", homeserver: plain.url, accessToken: ACCESS_TOKEN } as const;
  return { matrix: { ...account, room: ROOM }, limited: { ...account, room: "!limited:matrix.example.org" } };
}

/** Enqueues an entry; returns the time until its event is on the server, in milliseconds. */
async function notice({ plain }: BenchWorld, enqueue: () => Promise<unknown>): Promise<number> {
  const { events } = await plain.counts();
  await enqueue();
  const start = Date.now();
  for (;;) {
    const counts = await plain.counts();
    if (counts.events > events) return counts.lastTime - start;
    if (Date.now() - start > 30_000) throw new Error("The deliverer does not notice a new entry");
    await sleep(20);
  }
}

interface Idle {
  /** The times per second that the main thread continued after it had waited. */
  readonly wakeUps: number;
  readonly cpuPercent: number;
}

async function watchIdle(pid: number, ms: number): Promise<Idle> {
  const [wakeUps, cpuMs] = [countWakeUps(pid), readCpuMs(pid)];
  await sleep(ms);
  return { wakeUps: (countWakeUps(pid) - wakeUps) / (ms / 1000), cpuPercent: 100 * (readCpuMs(pid) - cpuMs) / ms };
}

/** Counts the voluntary context switches of the main thread: each wait that ended. */
function countWakeUps(pid: number): number {
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readProc(pid, `task/${pid}/status`))?.[1]);
}

/** Returns the CPU time of a process. The kernel counts in ticks of 10 ms. */
function readCpuMs(pid: number): number {
  const fields = readProc(pid, "stat").split(") ")[1].split(" ");
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

function readProc(pid: number, name: string): string {
  return Deno.readTextFileSync(`/proc/${pid}/${name}`);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
