/** Row 4: a damaged journal. Row 23: records of a later version. */

import { StorageError } from "../../../src/base/errors.ts";
import { crc32 } from "../../../src/base/crc32.ts";
import { fuzz } from "../journal_fuzz.ts";
import { NOTHING, ONE, prefixProblems, problem, sum, type Tally, tallyEach } from "../tally.ts";
import { World } from "../world.ts";
import { type Row, sample } from "./row.ts";

const ROUNDS = 3000;
const HUGE_BYTES = 100_000_000;

/** Row 4. */
export const DAMAGE_ROW: Row = {
  number: 4,
  fault: "a damaged journal: torn tail, zeros, garbage, flipped bits, CRLF, a byte order mark, a line of 100 MB",
  how: "a fuzzer damages the journal, with fixed seeds",
  run: async (effort) => {
    const rounds = sample(Array.from({ length: ROUNDS }, (_, at) => at + 1), effort, 10);
    const fuzzed = await tallyEach(rounds, 1, async (round) => {
      await fuzz(round);
      return ONE;
    });
    return sum([fuzzed, await withForeignLines([() => new Uint8Array(HUGE_BYTES).fill(0x78)])]);
  },
};

/** Row 23. */
export const VERSION_ROW: Row = {
  number: 23,
  fault: "records of a later version and of unknown types",
  how: "lines with correct checksums before, between and after the entries; they are still there at the end",
  run: async () => {
    const bodies = [
      '{"v":2,"t":"enq","id":"later"',
      '{"v":1,"t":"telepathy","id":1',
      '{"v":99,"t":"ack"',
      '{"v":1,"t":"hdr2"',
    ];
    return await tallyEach(bodies, 1, async (body) => {
      const line = `${body},"c":"${crc32(new TextEncoder().encode(body))}"}\n`;
      return prefixProblems(body, await withForeignLines([() => new TextEncoder().encode(line)], line));
    });
  },
};

function expectStorageError(error: unknown): void {
  if (!(error instanceof StorageError)) throw error;
}

/** Appends foreign lines between queued entries. */
async function withForeignLines(lines: readonly (() => Uint8Array)[], mustStay?: string): Promise<Tally> {
  const cases = lines.flatMap((line) => [0, 1, 3].map((before) => ({ line, before })));
  return await tallyEach(cases, 1, async ({ line, before }) => {
    await using world = await World.open();
    const journal = `${world.stateDir}/queue/queue.jsonl`;
    for (let at = 0; at < 3; at++) {
      if (at === before) foreign();
      // If a line of 100 MB fills the queue, a sender that does not deliver may reject the message.
      await world.notify(`waiting ${at}`, { waitMs: 0 }).catch(expectStorageError);
    }
    if (before === 3) foreign();
    const tally = await world.recover();
    const isKept = mustStay === undefined || Deno.readTextFileSync(journal).includes(mustStay);
    return sum([{ ...NOTHING, injections: 1 }, tally, isKept ? NOTHING : problem("a later version's line is gone")]);

    function foreign(): void {
      Deno.mkdirSync(`${world.stateDir}/queue`, { recursive: true, mode: 0o700 });
      const file = Deno.openSync(journal, { append: true, create: true, mode: 0o600 });
      const bytes = line();
      for (let at = 0; at < bytes.length; at += file.writeSync(bytes.subarray(at)));
      // Lines of a later version end with a line feed too.
      if (bytes.at(-1) !== 0x0a) file.writeSync(Uint8Array.of(0x0a));
      file.close();
    }
  });
}
