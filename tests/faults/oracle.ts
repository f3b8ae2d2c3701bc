/**
 * The oracle compares the messages that were sent with the messages in the rooms. It is the same
 * for every fault.
 *
 * ```text
 * acknowledged  -> arrived, once
 * rejected      -> did not arrive
 * unknown       -> arrived at most once
 * always        -> no unknown message and no changed text; if one sender ended before another
 *                  began, their messages arrived in this order
 * ```
 *
 * @module
 */

/** A message and the answer that its sender got. */
export interface SentMessage {
  /** The room. */
  readonly lane: string;
  readonly subject: string;
  readonly message: string;
  /**
   * `unknown` if the sender was killed before its answer, or could not undo a message that it
   * rejected.
   */
  readonly answer: "acknowledged" | "rejected" | "unknown";
  /** When the sender began and ended, by the logical clock of all senders. */
  readonly began: number;
  readonly ended: number;
  /** Whether it may overtake queued messages, because it was sent without the queue. */
  readonly mayOvertake?: boolean;
}

/** A message in a room. */
export interface ReceivedMessage {
  readonly lane: string;
  readonly body: string;
}

/** The subjects of wrong messages by kind. All lists are empty if all is well. */
export interface Verdict {
  readonly losses: readonly string[];
  readonly duplicates: readonly string[];
  /** Messages that were delivered although they were rejected. */
  readonly deliveredRejects: readonly string[];
  readonly unknown: readonly string[];
  readonly altered: readonly string[];
  readonly disorder: readonly string[];
}

/** The frame of a message: the origin before the subject, and a note at the end if it is late. */
const FRAME_REGEXP = /^\[[^\]\n]*\] (?:(?:⚠️|❌|🚨) )?(?<text>.*?)(?:\n\n⏰ (?:Queued since|Late:) [^\n]*)?$/s;

/** Compares sent and received messages, which must be in the order of the rooms. */
export function judge(sent: readonly SentMessage[], received: readonly ReceivedMessage[]): Verdict {
  const known = new Map(sent.map((one) => [toKey(one.lane, one.subject), one]));
  const copies = Map.groupBy(received, ({ lane, body }) => toKey(lane, findSubject(body)));
  const isThere = ({ lane, subject }: SentMessage) => copies.has(toKey(lane, subject));
  const names = (these: Iterable<SentMessage>) => Array.from(these, ({ subject }) => subject);
  return {
    losses: names(sent.filter((one) => one.answer === "acknowledged" && !isThere(one))),
    duplicates: [...copies.values()].flatMap((bodies) => bodies.slice(1).map(({ body }) => findSubject(body))),
    deliveredRejects: names(sent.filter((one) => one.answer === "rejected" && isThere(one))),
    unknown: [...copies].flatMap(([name, [{ body }]]) => known.has(name) ? [] : findSubject(body)),
    altered: received.filter((one) => isAltered(known.get(toKey(one.lane, findSubject(one.body))), one))
      .map(({ body }) => findSubject(body)),
    disorder: [...Map.groupBy(received, ({ lane }) => lane)].flatMap(([lane, bodies]) =>
      findDisorder(bodies.flatMap(({ body }) => known.get(toKey(lane, findSubject(body))) ?? []))
    ),
  };
}

/** Formats a verdict, one line per message. Losses come last, because there can be many. */
export function formatVerdict(verdict: Verdict): string[] {
  const { losses, duplicates, deliveredRejects, unknown, altered, disorder } = verdict;
  return [
    ...duplicates.map((each) => `duplicate: ${each}`),
    ...deliveredRejects.map((each) => `rejected, but delivered: ${each}`),
    ...unknown.map((each) => `never sent: ${each}`),
    ...altered.map((each) => `changed: ${each}`),
    ...disorder.map((each) => `out of order: ${each}`),
    ...losses.map((each) => `lost: ${each}`),
  ];
}

/** Returns the subject of a message in a room. */
export function findSubject(body: string): string {
  return unframe(body).split("\n")[0];
}

function unframe(body: string): string {
  return FRAME_REGEXP.exec(body)?.groups?.text ?? body;
}

function toKey(lane: string, subject: string): string {
  return JSON.stringify([lane, subject]);
}

function isAltered(sent: SentMessage | undefined, { body }: ReceivedMessage): boolean {
  if (sent === undefined) return false;
  return unframe(body) !== (sent.message === "" ? sent.subject : `${sent.subject}\n\n${sent.message}`);
}

/**
 * Finds messages after one that began only when they had ended. Of copies only the first counts.
 */
function findDisorder(lane: readonly SentMessage[]): string[] {
  const wrong: string[] = [];
  let latest: SentMessage | undefined;
  for (const one of new Set(lane.filter(({ mayOvertake }) => !mayOvertake))) {
    if (latest !== undefined && one.ended < latest.began) wrong.push(`${one.subject} after ${latest.subject}`);
    if (latest === undefined || one.began > latest.began) latest = one;
  }
  return wrong;
}
