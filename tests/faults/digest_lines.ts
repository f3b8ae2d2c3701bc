/** What a room was told by one event: itself, or all that a digest stands for. */

import type { Heard } from "./oracle.ts";

const DIGEST_REGEXP = /^(?<identity>\[[^\]\n]*\]) \d+ notifications?\n\n/;
const LINE_REGEXP =
  /^- (?:\d\d-\d\d )?\d\d:\d\d:\d\d \S+ (?<subject>.*?)(?:: (?<excerpt>.*?))?(?: \(×(?<count>\d+), .*\))?$/;

/** Whether an event stands for others. */
export function isDigestBody(body: string): boolean {
  return DIGEST_REGEXP.test(body);
}

/**
 * Takes a digest apart; what is none stays what it is. A line that nobody can read stays too, so
 * that it is noticed.
 */
export function toldBy({ lane, body }: Heard): Heard[] {
  const identity = DIGEST_REGEXP.exec(body)?.groups?.identity;
  if (identity === undefined) return [{ lane, body }];
  const [, lines] = body.split("\n\n");
  return lines.split("\n").flatMap((line) => {
    const { subject, excerpt, count = "1" } = LINE_REGEXP.exec(line)?.groups ?? {};
    const one = subject === undefined
      ? { lane, body: line }
      : { lane, body: `${identity} ${subject}${excerpt === undefined ? "" : `\n\n${excerpt}`}`, isExcerpt: true };
    return Array<Heard>(Number(count)).fill(one);
  });
}
