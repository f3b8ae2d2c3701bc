/** `GET /sync`, as far as rooms and invites go: without receipts, typing, presence and what devices say to each other. */

import { type Answer, jsonAnswer, matrixError } from "./answer.ts";
import { type Room, stateOf, type TimelineEvent } from "./rooms.ts";
import { parseSyncFilter, passesFilter, type SyncFilter } from "./sync_filter.ts";
import type { TokenAsk, World } from "./world.ts";

/** What somebody who is invited is told about the room. */
const STRIPPED = ["m.room.create", "m.room.join_rules", "m.room.canonical_alias", "m.room.name", "m.room.encryption"];

/** So long Synapse answers the same first question with the same answer. */
const FIRST_SYNC_MS = 2 * 60_000;

/** Answers at once where there is anything to tell, and else when something happens or time is up. */
export async function sync(world: World, { query, token, pause }: TokenAsk): Promise<Answer> {
  const timeout = query.get("timeout") ?? "0";
  if (!/^\d+$/.test(timeout)) return matrixError(400, "M_INVALID_PARAM", "Query parameter timeout must be an integer");
  const since = query.get("since");
  if (since !== null && !/^s\d+$/.test(since)) return matrixError(400, "M_UNKNOWN", "Invalid stream token");
  const filter = parseSyncFilter(query.get("filter"));
  if ("status" in filter) return filter;
  const asked = { userId: token.userId, since: since === null ? undefined : Number(since.slice(1)), filter };
  if (since === null) {
    const question = JSON.stringify([token.userId, token.deviceId, timeout, query.get("filter")]);
    return firstSync(world, question, () => jsonAnswer(200, look(world, asked).answer));
  }
  const end = world.now() + Number(timeout);
  let news = look(world, asked);
  while (news.isEmpty && world.now() < end) {
    const { position } = world.rooms;
    await pause(end - world.now(), world.rooms.change);
    news = look(world, asked);
    // Time is up, or nobody waits any more.
    if (world.rooms.position === position) break;
  }
  return jsonAnswer(200, news.answer);
}

function firstSync({ software, firstSyncs, now }: World, question: string, ask: () => Answer): Answer {
  const before = firstSyncs.get(question);
  if (software === "Synapse" && before !== undefined && now() - before.at < FIRST_SYNC_MS) return before.answer;
  const answer = ask();
  firstSyncs.set(question, { at: now(), answer });
  return answer;
}

interface Asked {
  readonly userId: string;
  /** Where the last answer ended; undefined for everything. */
  readonly since: number | undefined;
  readonly filter: SyncFilter;
}

function look({ rooms, accountData }: World, asked: Asked): { readonly answer: object; readonly isEmpty: boolean } {
  const { userId, since, filter } = asked;
  const join: Record<string, object> = {}, invite: Record<string, object> = {};
  for (const room of rooms.all()) {
    const isNew = (index: number) => since === undefined || (room.positions[index] ?? 0) > since;
    const own = room.timeline.findLastIndex((event) => event.type === "m.room.member" && event.state_key === userId);
    if (own < 0) continue;
    if (room.members.has(userId)) {
      const part = joined(room, isNew(own) ? undefined : since, filter);
      if (part !== undefined) join[room.roomId] = part;
    } else if (room.invited.has(userId) && isNew(own)) invite[room.roomId] = invited(room, userId);
  }
  const data = since === undefined
    ? [...accountData.get(userId) ?? []].map(([type, content]) => ({ type, content })).filter((event) =>
      passesFilter({ sender: userId, ...event }, filter.account_data)
    )
    : [];
  const parts = {
    ...(Object.keys(join).length > 0 ? { join } : {}),
    ...(Object.keys(invite).length > 0 ? { invite } : {}),
  };
  const isEmpty = Object.keys(parts).length === 0;
  const answer = {
    next_batch: `s${rooms.position}`,
    ...(data.length > 0 ? { account_data: { events: data } } : {}),
    ...(isEmpty ? {} : { rooms: parts }),
  };
  return { answer, isEmpty };
}

/** The newest events, and the state before them. */
function joined(room: Room, since: number | undefined, filter: SyncFilter): object | undefined {
  const fresh = room.timeline
    .map((event, index) => ({ event, index }))
    .filter(({ event, index }) =>
      (room.positions[index] ?? 0) > (since ?? 0) && passesFilter(event, filter.room?.timeline)
    );
  const limit = filter.room?.timeline?.limit ?? 10;
  const shown = limit === 0 ? [] : fresh.slice(-limit);
  const start = shown[0]?.index ?? room.timeline.length;
  const state = stateBefore(room, start).filter(({ event, index }) =>
    (room.positions[index] ?? 0) > (since ?? 0) && passesFilter(event, filter.room?.state)
  );
  if (shown.length + state.length === 0) return undefined;
  return {
    timeline: { events: shown.map(({ event }) => visible(event)), limited: fresh.length > shown.length },
    state: { events: state.map(({ event }) => visible(event)) },
    account_data: { events: [] },
    ephemeral: { events: [] },
  };
}

function stateBefore({ timeline }: Room, end: number): { readonly event: TimelineEvent; readonly index: number }[] {
  const state = new Map<string, { event: TimelineEvent; index: number }>();
  for (const [index, event] of timeline.slice(0, end).entries()) {
    if (event.state_key !== undefined) state.set(JSON.stringify([event.type, event.state_key]), { event, index });
  }
  return [...state.values()];
}

function invited({ timeline }: Room, userId: string): object {
  const own = stateOf(timeline, "m.room.member", userId);
  const events = [
    ...STRIPPED.map((type) => stateOf(timeline, type)),
    own && stateOf(timeline, "m.room.member", own.sender),
    own,
  ].filter((event) => event !== undefined);
  return {
    invite_state: {
      events: events.map(({ type, sender, content, state_key }) => ({ type, sender, content, state_key })),
    },
  };
}

function visible({ sent: _sent, ...event }: TimelineEvent): object {
  return event;
}
