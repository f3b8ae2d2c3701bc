/** Row 21: the clock jumps. */

import { works } from "../process.ts";
import { notRun, ONE, prefixProblems, problem, sum, type Tally, tallyEach } from "../tally.ts";
import { findFailure, World } from "../world.ts";
import { pairs, type Row, sample } from "./row.ts";

/** The time of a clock; `now` is the real time. */
const CLOCKS = ["now", "1970-01-01 00:10:00", "2038-02-01 00:00:00"] as const;
type Clock = typeof CLOCKS[number];

/** Row 21. */
export const CLOCK_ROW: Row = {
  number: 21,
  fault: "the clock jumps to 1970 or 2038, and back",
  how:
    "faketime: queued entry, sender and deliverer have different clocks, 27 combinations, with and without a lost answer",
  run: async (effort) => {
    if (!works("faketime", "2038-02-01 00:00:00", "true")) return notRun("faketime is not installed");
    const clocks = pairs(pairs(CLOCKS, CLOCKS), CLOCKS).map(([[first, second], third]) =>
      [first, second, third] as const
    );
    return await tallyEach(
      sample(pairs(clocks, [false, true]), effort, 9),
      effort.jobs,
      ([clocks, isLost]) => jumps(clocks, isLost),
    );
  },
};

function through(clock: Clock): readonly string[] {
  return clock === "now" ? [] : ["faketime", clock];
}

/**
 * One process queues an entry during an outage, another one sends, a third one delivers; each has
 * its own clock.
 */
async function jumps([first, second, third]: readonly [Clock, Clock, Clock], isLost: boolean): Promise<Tally> {
  await using world = await World.open();
  const args = ["--no-background"];
  await world.homeserver.stop();
  const waits = await world.send("waits", { args, through: through(first) });
  await world.homeserver.restart();
  if (isLost) world.homeserver.fault("drop-after-persisting", { times: 1 });
  const sends = await world.send("sends", { args, through: through(second) });
  const flush = await world.start(["flush", "--wait", "5s", ...args], { through: through(third) }).ending;
  const problems = [
    ...findFailure("the first", waits),
    ...findFailure("the second", sends),
    ...findFailure("the flush", flush),
  ];
  return prefixProblems(
    [first, second, third, isLost].join(", "),
    sum([ONE, problem(...problems), await world.recover()]),
  );
}
