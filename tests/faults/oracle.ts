/**
 * The oracle: what was said, against what the rooms hold. It is the same for every fault, whoever
 * spoke and whatever went wrong.
 *
 * ```text
 * acknowledged      -> there, once
 * refused           -> not there
 * nobody was told   -> there once, or not there
 * in any case       -> nothing that nobody said, no word changed, and nobody before somebody who had ended when it began
 * ```
 *
 * @module
 */

/** What one sender said, and what it heard. */
export interface Said {
  /** The room that it is for. */
  readonly lane: string;
  readonly subject: string;
  readonly message: string;
  /**
   * `unknown` when it was killed before anybody could be told, or the disk would not let it take
   * back what it refused.
   */
  readonly answer: "acknowledged" | "refused" | "unknown";
  /** When it began and when it ended, on a clock that all senders share. */
  readonly began: number;
  readonly ended: number;
  /** Whether it may have gone out ahead of what waits, since no disk would take it. */
  readonly mayOvertake?: boolean;
}

/** One message in a room. */
export interface Heard {
  readonly lane: string;
  readonly body: string;
  /**
   * Whether it is a line of a digest: its message in one line, and perhaps only how that begins.
   */
  readonly isExcerpt?: boolean;
}

/** What should not be, in words. All empty is what should be. */
export interface Verdict {
  readonly losses: readonly string[];
  readonly duplicates: readonly string[];
  /** What was delivered although it had been refused: neither lost nor repeated, but untrue. */
  readonly halfTaken: readonly string[];
  readonly unknown: readonly string[];
  readonly altered: readonly string[];
  readonly disorder: readonly string[];
}

/**
 * What stands before the subject, which is the sender's name, and behind the message when it came
 * late.
 */
const FRAME_REGEXP = /^\[[^\]\n]*\] (?<text>.*?)(?:\n\n⏰ Queued since [^\n]*)?$/s;

/** Judges. The order of `heard` is the order in the rooms. */
export function judge(said: readonly Said[], heard: readonly Heard[]): Verdict {
  const known = new Map(said.map((one) => [nameOf(one.lane, one.subject), one]));
  const copies = Map.groupBy(heard, ({ lane, body }) => nameOf(lane, subjectOf(body)));
  const isThere = ({ lane, subject }: Said) => copies.has(nameOf(lane, subject));
  const names = (these: Iterable<Said>) => Array.from(these, ({ subject }) => subject);
  return {
    losses: names(said.filter((one) => one.answer === "acknowledged" && !isThere(one))),
    duplicates: [...copies.values()].flatMap((bodies) => bodies.slice(1).map(({ body }) => subjectOf(body))),
    halfTaken: names(said.filter((one) => one.answer === "refused" && isThere(one))),
    unknown: [...copies].flatMap(([name, [{ body }]]) => known.has(name) ? [] : subjectOf(body)),
    altered: heard.filter((one) => isAltered(known.get(nameOf(one.lane, subjectOf(one.body))), one))
      .map(({ body }) => subjectOf(body)),
    disorder: [...Map.groupBy(heard, ({ lane }) => lane)].flatMap(([lane, bodies]) =>
      disorderOf(bodies.flatMap(({ body }) => known.get(nameOf(lane, subjectOf(body))) ?? []))
    ),
  };
}

/** Everything that is wrong, one sentence each; losses come last, since they can be very many. */
export function sentences(verdict: Verdict): string[] {
  const { losses, duplicates, halfTaken, unknown, altered, disorder } = verdict;
  return [
    ...duplicates.map((each) => `once more: ${each}`),
    ...halfTaken.map((each) => `refused, and delivered: ${each}`),
    ...unknown.map((each) => `nobody said: ${each}`),
    ...altered.map((each) => `not what was said: ${each}`),
    ...disorder.map((each) => `out of order: ${each}`),
    ...losses.map((each) => `lost: ${each}`),
  ];
}

/** The subject of a message in a room. */
export function subjectOf(body: string): string {
  return textOf(body).split("\n")[0];
}

function textOf(body: string): string {
  return FRAME_REGEXP.exec(body)?.groups?.text ?? body;
}

function nameOf(lane: string, subject: string): string {
  return JSON.stringify([lane, subject]);
}

function isAltered(said: Said | undefined, { body, isExcerpt }: Heard): boolean {
  if (said === undefined) return false;
  if (isExcerpt) return textOf(body) !== said.subject && !isExcerptOf(textOf(body), said);
  return textOf(body) !== (said.message === "" ? said.subject : `${said.subject}\n\n${said.message}`);
}

function isExcerptOf(text: string, { subject, message }: Said): boolean {
  const whole = `${subject}\n\n${inOneLine(message)}`;
  return text === whole || (text.endsWith("…") && whole.startsWith(text.slice(0, -1)));
}

function inOneLine(message: string): string {
  return message.split("\n").map((line) => line.trim()).filter((line) => line !== "").join(" / ");
}

/**
 * Each message that comes behind one that began only when it had ended; a copy counts where it
 * first came.
 */
function disorderOf(lane: readonly Said[]): string[] {
  const wrong: string[] = [];
  let latest: Said | undefined;
  for (const one of new Set(lane.filter(({ mayOvertake }) => !mayOvertake))) {
    if (latest !== undefined && one.ended < latest.began) wrong.push(`${one.subject} behind ${latest.subject}`);
    if (latest === undefined || one.began > latest.began) latest = one;
  }
  return wrong;
}
