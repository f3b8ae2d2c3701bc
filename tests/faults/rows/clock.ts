/** Row 21: the clock jumps. */

import { works } from "../process.ts";
import { notRun, ONE, placed, problem, sum, type Tally, tallyEach } from "../tally.ts";
import { complaint, World } from "../world.ts";
import { pairs, type Row, sample } from "./row.ts";

/** What the clock shows; `now` is right. */
const CLOCKS = ["now", "1970-01-01 00:10:00", "2038-02-01 00:00:00"] as const;
type Clock = typeof CLOCKS[number];

/** Row 21. */
export const CLOCK_ROW: Row = {
  number: 21,
  fault: "the clock jumps to 1970 and to 2038, and back",
  how:
    "faketime: what waits, the sender and the deliverer each have a clock of their own, 27 combinations, in and after an outage",
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

/** Something is queued by one clock in an outage, something is sent by another, and a third one delivers. */
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
    ...complaint("the first", waits),
    ...complaint("the second", sends),
    ...complaint("the flush", flush),
  ];
  return placed([first, second, third, isLost].join(", "), sum([ONE, problem(...problems), await world.aftermath()]));
}
