/**
 * Reads rooms and the phone topic back. Notifications are found by the number in their subject or
 * file name.
 */

import { expandBatchBody, isBatchBody } from "../faults/batch_body.ts";
import type { LoopbackHomeserver, LoopbackNtfy } from "../../src/testing/mod.ts";

/** A notification or an attachment that arrived. */
export interface Received {
  /** `12` for notification 12, `12/1` for its first attachment. */
  readonly name: string;
  /** The id of the Matrix event or ntfy message that contains it. */
  readonly id: string;
  /** True for a member of a batch. */
  readonly isMember: boolean;
  /** The id of the event that it replies to. */
  readonly replyTo?: string;
  /** When it arrived, in milliseconds since 1970. */
  readonly time: number;
}

export function createSubject(number: number): string {
  return `<${number}> disk`;
}

/** Finds the number of the notification in a subject or in the subject of an attachment. */
export function parseNumber(subject: string): number | undefined {
  const { number, file } = /<(?<number>\d+)> disk|file (?<file>\d+)_/.exec(subject)?.groups ?? {};
  return number === undefined && file === undefined ? undefined : Number(number ?? file);
}

export function createFileName(number: number, part: number): string {
  return `file ${number}_${part}.txt`;
}

/** All that arrived in a room, in order. */
export function receivedInRoom(homeserver: LoopbackHomeserver, room: string): Received[] {
  return homeserver.events(room).flatMap(({ event_id: id, origin_server_ts: time, content }) => {
    const { "m.in_reply_to": reply } = (content["m.relates_to"] ?? {}) as { "m.in_reply_to"?: { event_id: string } };
    return parseNames(String(content.body)).map((received) => ({ ...received, id, time, replyTo: reply?.event_id }));
  });
}

/** All that arrived on the phone, in order. */
export function receivedByPhone(ntfy: LoopbackNtfy): Received[] {
  return ntfy.messages("alerts").flatMap(({ id, title, message, attachment, time }) =>
    parseNames(attachment?.name ?? `${title}\n\n${message}`).map((received) => ({ ...received, id, time: time * 1000 }))
  );
}

function parseNames(body: string): Pick<Received, "name" | "isMember">[] {
  const file = /^file (\d+)_(\d+)\.txt$/.exec(body);
  if (file) return [{ name: `${file[1]}/${file[2]}`, isMember: false }];
  const isMember = isBatchBody(body);
  const bodies = expandBatchBody({ lane: "", body }).map((each) => each.body);
  return bodies.filter((body) => !/notifications? expired/.test(body)).flatMap((body) => {
    const number = /<(\d+)> disk/.exec(body)?.[1];
    return number === undefined ? [] : [{ name: number, isMember }];
  });
}
