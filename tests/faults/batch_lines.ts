/** Parses the bodies of batches. */

import type { ReceivedMessage } from "./oracle.ts";

const BATCH_REGEXP = /^(?<identity>\[[^\]\n]*\]) (?:(?:⚠️|❌|🚨) )?\d+ notifications?\n\n/;
const LINE_REGEXP =
  /^- (?:\d\d-\d\d )?\d\d:\d\d:\d\d \S+ (?<subject>.*?)(?:: (?<excerpt>.*?))?(?: \(×(?<count>\d+), .*\))?$/;

/** Whether an event is a batch. */
export function isBatchBody(body: string): boolean {
  return BATCH_REGEXP.test(body);
}

/**
 * Splits a batch into its members. Other bodies and malformed lines stay unchanged, so that the
 * oracle reports them.
 */
export function expandBatchBody({ lane, body }: ReceivedMessage): ReceivedMessage[] {
  const identity = BATCH_REGEXP.exec(body)?.groups?.identity;
  if (identity === undefined) return [{ lane, body }];
  const [, lines] = body.split("\n\n");
  return lines.split("\n").flatMap((line) => {
    const { subject, excerpt, count = "1" } = LINE_REGEXP.exec(line)?.groups ?? {};
    const one = subject === undefined
      ? { lane, body: line }
      : { lane, body: `${identity} ${subject}${excerpt === undefined ? "" : `\n\n${excerpt}`}`, isExcerpt: true };
    return Array<ReceivedMessage>(Number(count)).fill(one);
  });
}
