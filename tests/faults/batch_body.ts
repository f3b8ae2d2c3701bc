/** Parses the bodies of batches. */

import type { ReceivedMessage } from "./oracle.ts";

const BATCH_REGEXP = /^(?<identity>\[[^\]\n]*\]) (?:(?:⚠️|❌|🚨) )?\d+ notifications? since [^\n]*\n\n/;

/** Matches the line breaks before the first line of a notification, which begins with a time. */
const BREAK_REGEXP = /\n+(?=(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d )/;

const HEAD_REGEXP =
  /^(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d (?:(?:⚠️|❌|🚨) )?(?<subject>.*?)(?: \(×(?<count>\d+): .*\))?$/;

/** Whether an event is a batch. */
export function isBatchBody(body: string): boolean {
  return BATCH_REGEXP.test(body);
}

/**
 * Splits a batch into its members, as if each were a message of its own. Other bodies and malformed
 * blocks stay unchanged, so that the oracle reports them.
 */
export function expandBatchBody({ lane, body }: ReceivedMessage): ReceivedMessage[] {
  const { 0: title = "", groups } = BATCH_REGEXP.exec(body) ?? {};
  if (groups === undefined) return [{ lane, body }];
  return body.slice(title.length).split(BREAK_REGEXP).flatMap((block) => {
    const [head, ...message] = block.split("\n");
    const { subject, count = "1" } = HEAD_REGEXP.exec(head)?.groups ?? {};
    const text = [`${groups.identity} ${subject}`, ...message.length === 0 ? [] : ["", ...message]].join("\n");
    return Array<ReceivedMessage>(Number(count)).fill({ lane, body: subject === undefined ? block : text });
  });
}
