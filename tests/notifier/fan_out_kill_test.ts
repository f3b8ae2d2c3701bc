/**
 * Tests sending to six channels with kill -9: a process is killed at each of its writes to the
 * journal, and another process continues.
 */

import { assert, assertEquals } from "@std/assert";
import { type FanOut, fanOutTest, NAMES } from "./fan_out_scene.ts";
import { hasStrace } from "../faults/sweep.ts";
import { smtpSuite } from "../fakes/smtp_server.ts";

const smtpTest = hasStrace() ? await smtpSuite() : undefined;
const isCi = !["", "0", "false", undefined].includes(Deno.env.get("CI"));

/**
 * The numbers of the writes at which a process is killed. A sender makes seven writes if other
 * processes do not deliver.
 */
const WRITES = [1, 2, 3, 4, 5, 6, 7, 8];

/** Only with Matrix can matrix-notify check which messages have arrived. */
const READ_BACK = NAMES.indexOf("matrix");

/**
 * Runs a command for each write, each time with a new state directory, and kills the command at
 * this write.
 *
 * @returns the number of killed commands
 */
async function killEach(t: FanOut, command: (n: number) => readonly string[]): Promise<number> {
  const ends = await Promise.all(WRITES.map((n) => {
    const journal = `${t.stateDir(`${n}`)}/queue/queue.jsonl`;
    const inject = ["-e", "trace=write", "-e", `inject=write:signal=SIGKILL:when=${n}`];
    const wrapper = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", journal, ...inject];
    return t.run([...command(n), "--no-background"], { stateName: `${n}`, wrapper });
  }));
  return ends.filter(({ signal }) => signal === "SIGKILL").length;
}

function killTest(name: string, body: (t: FanOut) => Promise<void>): void {
  if (smtpTest !== undefined) return smtpTest(name, () => fanOutTest(body));
  Deno.test({
    name,
    ignore: !isCi,
    fn: () => assert(hasStrace(), "strace is not installed, or is not permitted to trace"),
  });
}

killTest(
  "send and flush, killed at any write, lose nothing and repeat at most the entries in flight",
  async (t) => {
    const createSubject = (n: number) => `Link ${n} down`;
    await t.homeserver.stop();
    await t.telegram.stop();
    const senders = await killEach(t, (n) => ["send", createSubject(n), "ether1"]);
    await t.homeserver.restart();
    await t.telegram.restart();
    const deliverers = await killEach(t, () => ["flush"]);
    assert(senders >= 5 && deliverers >= 2, `killed: ${senders}, ${deliverers}`);
    const flushes = await Promise.all(WRITES.map((n) => t.run(["flush", "--no-background"], { stateName: `${n}` })));
    assertEquals(flushes.map(({ code }) => code), WRITES.map(() => 0));
    for (const n of WRITES) {
      const counts = await t.counts(createSubject(n));
      // The first sender was killed before its notification was on disk, and did not report
      // success.
      if (n === 1 && counts.every((count) => count === 0)) continue;
      const { possibleDuplicates } = JSON.parse((await t.run(["status"], { stateName: `${n}` })).stdout);
      const repeated = counts.filter((count) => count > 1).length;
      const text = `write ${n}: ${counts}, ${possibleDuplicates} possible duplicates`;
      assert(counts.every((count) => count >= 1), text);
      assertEquals(counts[READ_BACK], 1, text);
      assert(repeated <= possibleDuplicates, text);
    }
  },
);
