/**
 * Judges a random run: compares the results that senders got with what arrived.
 *
 * ```text
 * delivered                              arrived, once
 * superseded, dropped, cancelled, dead   did not arrive, unless an attempt was in doubt
 * attachment                             arrives after its text
 * fallback                               arrives after its timeout, or because its primary is dead
 * order in a room                        as sent, except critical and forced notifications
 * notification with a key                replies to the first event of its incident
 * ```
 *
 * @module
 */

import type { Outcome } from "../../src/notifier/outcomes.ts";
import { type Received, receivedByPhone, receivedInRoom } from "./received.ts";
import type { FeaturesWorld, SentNotification } from "./world.ts";

type FinalState = "delivered" | "dead" | "dropped" | "superseded" | "cancelled" | "lost";

/** Finds all problems, one sentence each. The queue must be empty except for dead letters. */
export function judgeRun(world: FeaturesWorld): string[] {
  const received = new Map([
    ...world.rooms.map((room) => [`matrix ${room}`, receivedInRoom(world.homeserver, room)] as const),
    ["phone alerts", receivedByPhone(world.ntfy)],
  ]);
  const receivedIn = (lane: string) => received.get(lane) ?? [];
  const repeats = findRepeats(receivedIn("phone alerts"));
  return [
    ...world.sent.flatMap((one) => [
      ...judgeOutcomes(world, one, received),
      ...findTextsWithoutAttachments(world, one),
    ]),
    ...repeats.length > world.possiblePhoneRepeats ? [`the phone got these again: ${repeats}`] : [],
    ...world.rooms.flatMap((room) => {
      const inRoom = receivedIn(`matrix ${room}`);
      return [
        ...findDuplicates(inRoom).filter((name) => !wasRetriedInDoubt(world, name)).map((name) =>
          `${name} is twice in ${room}`
        ),
        ...findDisorder(world, inRoom).map((text) => `in ${room}: ${text}`),
        ...findWrongReplies(world, inRoom, room).map((text) => `in ${room}: ${text}`),
      ];
    }),
    ...[...received].flatMap(([lane, some]) => findEarlyAttachments(world, some).map((text) => `in ${lane}: ${text}`)),
    ...findEarlyFallbacks(world, receivedIn("phone alerts")),
  ];
}

function judgeOutcomes(
  world: FeaturesWorld,
  one: SentNotification,
  received: ReadonlyMap<string, readonly Received[]>,
): string[] {
  return (one.outcomes ?? []).flatMap((outcome) => {
    if (outcome.state === "muted") return [];
    const lane = `${outcome.channel} ${outcome.destination}`;
    const names = findNames(world, one, outcome);
    const isThere = (received.get(lane) ?? []).some(({ name }) => names.includes(name));
    const finalState = findFinalState(world, outcome);
    const what = `${names} (${outcome.id.slice(0, 8)}) for ${lane}, outcome "${outcome.state}"`;
    if (finalState === "lost") return [`${what}: has no final state`];
    if (finalState === "delivered") return isThere ? [] : [`${what}: counts as delivered, but did not arrive`];
    const wasSentAgain = names.length > 2 && world.dropped.has(outcome.id);
    if (!isThere || mayHaveArrived(world, outcome) || wasSentAgain) return [];
    return [`${what}: ${finalState}, but arrived`];
  });
}

/**
 * The names under which it may arrive. A repeated idempotency key returns the outcome of the first
 * notification.
 */
function findNames(
  { sent }: FeaturesWorld,
  { number, options: { id } }: SentNotification,
  { file }: Outcome,
): string[] {
  const part = file === undefined ? undefined : /_(\d+)\.txt$/.exec(file)?.[1];
  const duplicates = sent.filter(({ options }) => id !== undefined && options.id === id).map((one) => one.number);
  return [number, ...duplicates].map((one) => part === undefined ? String(one) : `${one}/${part}`);
}

function findFinalState({ observer, dropped }: FeaturesWorld, { id, state }: Outcome): FinalState {
  if (state === "delivered") return "delivered";
  const entry = observer.state.entry(id);
  if (entry?.dead) return "dead";
  const finalState = observer.state.finalState(id)?.state;
  if (finalState === "dead") return entry === undefined && dropped.has(id) ? "dropped" : "lost";
  if (finalState !== undefined) return finalState;
  return state === "superseded" || (state === "dropped" && dropped.has(id)) ? "superseded" : "lost";
}

/** True if an attempt lost its answer before the entry expired or was dropped. */
function mayHaveArrived({ inDoubt }: FeaturesWorld, { id }: Outcome): boolean {
  return inDoubt.has(id);
}

/** Ids of messages in which everything has arrived before. */
function findRepeats(received: readonly Received[]): string[] {
  const known = new Set<string>();
  return [...Map.groupBy(received, ({ id }) => id)].flatMap(([id, some]) => {
    const isNew = some.some(({ name }) => !known.has(name));
    for (const { name } of some) known.add(name);
    return isNew ? [] : [id];
  });
}

function findDuplicates(received: readonly Received[]): string[] {
  return [...Map.groupBy(received, ({ name }) => name)].filter(([, copies]) => copies.length > 1).map(([name]) => name);
}

/** True if it expired while in doubt, and was retried by hand. */
function wasRetriedInDoubt({ sent, inDoubt, everDead }: FeaturesWorld, name: string): boolean {
  const { outcomes = [], wasForced } = sent[Number.parseInt(name)];
  return wasForced === true && outcomes.some(({ id }) => inDoubt.has(id) && everDead.has(id));
}

function findDisorder(world: FeaturesWorld, received: readonly Received[]): string[] {
  const toRank = ({ name }: Received) => {
    const [number, part = 0] = name.split("/").map(Number);
    return 100 * number + part;
  };
  const isExcused = ({ name }: Received) => {
    const one = world.sent[Number.parseInt(name)];
    return one.input.severity === "critical" || one.wasForced === true;
  };
  const inOrder = received.filter((one) => !isExcused(one));
  return inOrder.flatMap((one, at) =>
    at > 0 && toRank(one) < toRank(inOrder[at - 1]) ? [`${one.name} arrived after ${inOrder[at - 1].name}`] : []
  );
}

/** Notifications that reply to the wrong event, or to none. */
function findWrongReplies(world: FeaturesWorld, received: readonly Received[], room: string): string[] {
  const open = new Map<string, string>();
  const unsure = new Set(
    world.sent.filter(({ outcomes }) =>
      outcomes?.some((outcome) =>
        outcome.destination === room && mayHaveArrived(world, outcome) &&
        (world.everDead.has(outcome.id) || findFinalState(world, outcome) !== "delivered")
      )
    ).map(({ input }) => input.key),
  );
  return received.flatMap(({ name, id, isMember, replyTo }) => {
    const { input: { key, resolves }, wasForced } = world.sent[Number.parseInt(name)];
    if (name.includes("/") || key === undefined) {
      return replyTo === undefined ? [] : [`${name} replies to an event`];
    }
    const first = open.get(key);
    if (resolves) open.delete(key);
    else if (first === undefined) open.set(key, id);
    // A dead letter that was retried by hand arrives late: the incident may be younger.
    if (isMember || wasForced || unsure.has(key) || replyTo === first) return [];
    return [`${name} with key ${key} replies to ${replyTo} instead of ${first}`];
  });
}

/**
 * Attachments that arrived before their text. A text that was rejected may be retried long after
 * its attachments.
 */
function findEarlyAttachments({ everDead, sent }: FeaturesWorld, received: readonly Received[]): string[] {
  const names = received.map(({ name }) => name);
  const wasDead = (number: number) =>
    sent[number].wasForced || sent[number].outcomes?.some(({ id }) => everDead.has(id));
  return names.filter((name, at) => name.includes("/") && names.indexOf(name.split("/")[0]) > at)
    .filter((name) => !wasDead(Number.parseInt(name)))
    .map((name) => `${name} arrived before its text`);
}

/** Attachments that were superseded although their text was not. */
function findTextsWithoutAttachments(world: FeaturesWorld, { number, outcomes = [] }: SentNotification): string[] {
  return outcomes.filter((file) => file.file !== undefined && findFinalState(world, file) === "superseded").flatMap(
    (file) => {
      const text = outcomes.find((one) =>
        one.file === undefined && one.channel === file.channel && one.destination === file.destination
      );
      if (
        text === undefined || findFinalState(world, text) === "superseded" || findFinalState(world, text) === "dropped"
      ) return [];
      return [`${file.file} of ${number} was superseded, but its text is ${findFinalState(world, text)}`];
    },
  );
}

/**
 * Fallbacks that arrived before their timeout. With a key, the timeout of a superseded notification
 * counts.
 */
function findEarlyFallbacks(world: FeaturesWorld, received: readonly Received[]): string[] {
  return received.flatMap(({ name, time }) => {
    const { input, time: sentAt, outcomes, wasForced } = world.sent[Number.parseInt(name)];
    const isDirect = input.origin === "everywhere" || wasForced || input.key !== undefined;
    if (isDirect || outcomes === undefined) return [];
    const primaries = outcomes.filter(({ channel }) => channel === "matrix");
    if (primaries.some((outcome) => world.everDead.has(outcome.id) || outcome.state === "dead")) return [];
    const afterMs = input.severity === "critical" ? 2 * 60_000 : 10 * 60_000;
    return time >= Math.floor((sentAt + afterMs) / 1000) * 1000 ? [] : [`${name} arrived on the phone too early`];
  });
}
