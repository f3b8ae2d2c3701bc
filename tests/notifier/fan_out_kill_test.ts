/** Fan-out under kill -9: whoever sends or delivers by six channels is killed at any of its writes to the journal, and somebody else goes on. */

import { assert, assertEquals } from "@std/assert";
import { type FanOut, fanOutTest, NAMES } from "./fan_out_scene.ts";
import { hasStrace } from "../faults/sweep.ts";
import { smtpSuite } from "../fakes/smtp_server.ts";

const smtpTest = hasStrace() ? await smtpSuite() : undefined;
const isCi = !["", "0", "false", undefined].includes(Deno.env.get("CI"));

/** A sender makes seven writes where nobody is in its way. */
const WRITES = [1, 2, 3, 4, 5, 6, 7, 8];

/** Only Matrix can be asked whether it has a message. */
const ASKED = NAMES.indexOf("matrix");

/** Runs a command at once in a place for each write, where it is killed at that one. @returns how many were */
async function killEach(t: FanOut, command: (n: number) => readonly string[]): Promise<number> {
  const ends = await Promise.all(WRITES.map((n) => {
    const journal = `${t.stateDir(`${n}`)}/queue/queue.jsonl`;
    const inject = ["-e", "trace=write", "-e", `inject=write:signal=SIGKILL:when=${n}`];
    const through = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", journal, ...inject];
    return t.run([...command(n), "--no-background"], { place: `${n}`, through });
  }));
  return ends.filter(({ signal }) => signal === "SIGKILL").length;
}

function killTest(name: string, body: (t: FanOut) => Promise<void>): void {
  if (smtpTest !== undefined) return smtpTest(name, () => fanOutTest(body));
  Deno.test({ name, ignore: !isCi, fn: () => assert(hasStrace(), "strace is not installed, or may not trace") });
}

killTest(
  "a sender and a deliverer that are killed at any write lose nothing, and repeat at most what they had in hand",
  async (t) => {
    const subjectOf = (n: number) => `Link ${n} down`;
    await t.homeserver.stop();
    await t.telegram.stop();
    const senders = await killEach(t, (n) => ["send", subjectOf(n), "ether1"]);
    await t.homeserver.restart();
    await t.telegram.restart();
    const deliverers = await killEach(t, () => ["flush"]);
    assert(senders >= 5 && deliverers >= 2, `killed: ${senders}, ${deliverers}`);
    const flushes = await Promise.all(WRITES.map((n) => t.run(["flush", "--no-background"], { place: `${n}` })));
    assertEquals(flushes.map(({ code }) => code), WRITES.map(() => 0));
    for (const n of WRITES) {
      const counts = await t.counts(subjectOf(n));
      // The first sender was killed before anything was on disk, and had told nobody that it is.
      if (n === 1 && counts.every((count) => count === 0)) continue;
      const { possibleDuplicates } = JSON.parse((await t.run(["status"], { place: `${n}` })).stdout);
      const repeated = counts.filter((count) => count > 1).length;
      const text = `write ${n}: ${counts}, ${possibleDuplicates} possible duplicates`;
      assert(counts.every((count) => count >= 1), text);
      assertEquals(counts[ASKED], 1, text);
      assert(repeated <= possibleDuplicates, text);
    }
  },
);
