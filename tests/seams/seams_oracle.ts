/**
 * The oracle where all features meet: what everybody was told, against what the places hold.
 *
 * ```text
 * acknowledged, delivered              there, once, under the receipt that was given
 * superseded, dropped, spared, dead    not there, unless a try of it may have arrived
 * a file                               behind its text
 * a fallback                           not before its time, unless what it stands in for is dead
 * in a room                            in the order in which it was said, but for what is critical and what somebody asked for
 * what has a key                       answers the first event that told of it
 * ```
 *
 * @module
 */

import type { Outcome } from "../../src/notifier/outcomes.ts";
import { heardByPhone, heardInRoom, type Told } from "./seams_heard.ts";
import type { SeamsWorld, Utterance } from "./seams_world.ts";

/** How an entry ended. */
type End = "delivered" | "dead" | "dropped" | "superseded" | "cancelled" | "lost";

/** Everything that is wrong, a sentence each. The queue must be empty but for its dead. */
export function judgeSeams(world: SeamsWorld): string[] {
  const heard = new Map([
    ...world.rooms.map((room) => [`matrix ${room}`, heardInRoom(world, room)] as const),
    ["phone alerts", heardByPhone(world)],
  ]);
  const nothingTold = (lane: string) => heard.get(lane) ?? [];
  const repeats = repeatsOf(nothingTold("phone alerts"));
  return [
    ...world.said.flatMap((one) => [...judgeOutcomes(world, one, heard), ...tornApart(world, one)]),
    ...repeats.length > world.unheard ? [`the phone was told again: ${repeats}`] : [],
    ...world.rooms.flatMap((room) => {
      const told = nothingTold(`matrix ${room}`);
      return [
        ...twice(told).filter((name) => !wasRetriedInDoubt(world, name)).map((name) => `${name} is twice in ${room}`),
        ...disorder(world, told).map((text) => `in ${room}: ${text}`),
        ...strangers(world, told, room).map((text) => `in ${room}: ${text}`),
      ];
    }),
    ...[...heard].flatMap(([lane, told]) => earlyFiles(world, told).map((text) => `in ${lane}: ${text}`)),
    ...earlyFallbacks(world, nothingTold("phone alerts")),
  ];
}

function judgeOutcomes(world: SeamsWorld, one: Utterance, heard: ReadonlyMap<string, readonly Told[]>): string[] {
  return (one.outcomes ?? []).flatMap((outcome) => {
    if (outcome.state === "muted") return [];
    const lane = `${outcome.channel} ${outcome.destination}`;
    const names = namesOf(world, one, outcome);
    const told = (heard.get(lane) ?? []).filter(({ name }) => names.includes(name));
    const end = endOf(world, outcome);
    const what = `${names} (${outcome.id.slice(0, 8)}) for ${lane}, told "${outcome.state}"`;
    if (end === "lost") return [`${what}: nobody knows what became of it`];
    if (end === "delivered") return told.length > 0 ? [] : [`${what}: said to be delivered, and is not there`];
    const wasSaidAgain = names.length > 2 && world.dropped.has(outcome.id);
    if (told.length === 0 || mayHaveArrived(world, outcome) || wasSaidAgain) return [];
    return [`${what}: ${end}, and is there all the same`];
  });
}

/** What it may be called where it is told: who says it again by the same name was told of the first. */
function namesOf({ said }: SeamsWorld, { number, options: { id } }: Utterance, { file }: Outcome): string[] {
  const part = file === undefined ? undefined : /_(\d+)\.txt$/.exec(file)?.[1];
  const twins = said.filter(({ options }) => id !== undefined && options.id === id).map((one) => one.number);
  return [number, ...twins].map((one) => part === undefined ? String(one) : `${one}/${part}`);
}

function endOf({ witness, dropped }: SeamsWorld, { id, state }: Outcome): End {
  if (state === "delivered") return "delivered";
  const entry = witness.state.entry(id);
  if (entry?.dead) return "dead";
  const settlement = witness.state.finalState(id)?.state;
  if (settlement === "dead") return entry === undefined && dropped.has(id) ? "dropped" : "lost";
  if (settlement !== undefined) return settlement;
  return state === "superseded" || (state === "dead" && dropped.has(id)) ? "superseded" : "lost";
}

/** A try whose answer was lost, before it expired, or was dropped. */
function mayHaveArrived({ doubtful }: SeamsWorld, { id }: Outcome): boolean {
  return doubtful.has(id);
}

function countsOf(told: readonly Told[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { name } of told) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

/** Messages that tell nothing that was not told before. */
function repeatsOf(told: readonly Told[]): string[] {
  const known = new Set<string>();
  return [...Map.groupBy(told, ({ id }) => id)].flatMap(([id, some]) => {
    const isNew = some.some(({ name }) => !known.has(name));
    for (const { name } of some) known.add(name);
    return isNew ? [] : [id];
  });
}

function twice(told: readonly Told[]): string[] {
  return [...countsOf(told)].filter(([, count]) => count > 1).map(([name]) => name);
}

/** Whether it expired when a digest may have told it already, and somebody asked for it all the same. */
function wasRetriedInDoubt({ said, doubtful, everDead }: SeamsWorld, name: string): boolean {
  const { outcomes = [], wasAsked } = said[Number.parseInt(name)];
  return wasAsked === true && outcomes.some(({ id }) => doubtful.has(id) && everDead.has(id));
}

function disorder(world: SeamsWorld, told: readonly Told[]): string[] {
  const rankOf = ({ name }: Told) => {
    const [number, part = 0] = name.split("/").map(Number);
    return 100 * number + part;
  };
  const isExcused = ({ name }: Told) => {
    const one = world.said[Number.parseInt(name)];
    return one.input.severity === "critical" || one.wasAsked === true;
  };
  const inOrder = told.filter((one) => !isExcused(one));
  return inOrder.flatMap((one, at) =>
    at > 0 && rankOf(one) < rankOf(inOrder[at - 1]) ? [`${one.name} stands behind ${inOrder[at - 1].name}`] : []
  );
}

/** Those that do not relate to what they should. */
function strangers(world: SeamsWorld, told: readonly Told[], room: string): string[] {
  const open = new Map<string, string>();
  const unsure = new Set(
    world.said.filter(({ outcomes }) =>
      outcomes?.some((outcome) =>
        outcome.destination === room && mayHaveArrived(world, outcome) &&
        (world.everDead.has(outcome.id) || endOf(world, outcome) !== "delivered")
      )
    ).map(({ input }) => input.key),
  );
  return told.flatMap(({ name, id, isLine, answers }) => {
    const { input: { key, resolves } } = world.said[Number.parseInt(name)];
    if (name.includes("/") || key === undefined) {
      return answers === undefined ? [] : [`${name} answers something`];
    }
    const first = open.get(key);
    if (resolves) open.delete(key);
    else if (first === undefined) open.set(key, id);
    if (isLine || unsure.has(key) || answers === first) return [];
    return [`${name} of ${key} answers ${answers} instead of ${first}`];
  });
}

/** Files that stand before their texts. One that was refused for good may be sent once more, when its files are long there. */
function earlyFiles({ everDead, said }: SeamsWorld, told: readonly Told[]): string[] {
  const names = told.map(({ name }) => name);
  const wasDead = (number: number) =>
    said[number].wasAsked || said[number].outcomes?.some(({ id }) => everDead.has(id));
  return names.filter((name, at) => name.includes("/") && names.indexOf(name.split("/")[0]) > at)
    .filter((name) => !wasDead(Number.parseInt(name)))
    .map((name) => `${name} stands before its text`);
}

/** Files whose place something took although their text stayed. */
function tornApart(world: SeamsWorld, { number, outcomes = [] }: Utterance): string[] {
  return outcomes.filter((file) => file.file !== undefined && endOf(world, file) === "superseded").flatMap((file) => {
    const text = outcomes.find((one) =>
      one.file === undefined && one.channel === file.channel && one.destination === file.destination
    );
    if (text === undefined || endOf(world, text) === "superseded" || endOf(world, text) === "dropped") return [];
    return [`${file.file} of ${number} was superseded, and its text ${endOf(world, text)}`];
  });
}

/** What the phone heard too early, or without need. Where there are keys, one waits no longer than what it took the place of. */
function earlyFallbacks(world: SeamsWorld, told: readonly Told[]): string[] {
  return told.flatMap(({ name, time }) => {
    const { input, time: said, outcomes, wasAsked } = world.said[Number.parseInt(name)];
    const isDirect = input.origin === "everywhere" || wasAsked || input.key !== undefined;
    if (isDirect || outcomes === undefined) return [];
    const primaries = outcomes.filter(({ channel }) => channel === "matrix");
    if (primaries.some((outcome) => world.everDead.has(outcome.id) || outcome.state === "dead")) return [];
    const afterMs = input.severity === "critical" ? 2 * 60_000 : 10 * 60_000;
    return time >= Math.floor((said + afterMs) / 1000) * 1000 ? [] : [`${name} came to the phone too early`];
  });
}
