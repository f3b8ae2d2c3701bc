/** What a place was told, as its readers see it: subjects carry numbers, files names. */

import { isDigestBody } from "../faults/digest_lines.ts";
import type { SeamsWorld } from "./seams_world.ts";

/** Something that was told. */
export interface Told {
  /** `12`; of a file `12/1`. */
  readonly name: string;
  /** The event or message that told it. */
  readonly id: string;
  /** Whether it is a line of a digest. */
  readonly isLine: boolean;
  /** The event that it answers. */
  readonly answers?: string;
  /** When, milliseconds since 1970. */
  readonly time: number;
}

/** What stands before the subject, by which it is known. */
export function subjectFor(number: number): string {
  return `<${number}> disk`;
}

/** Whose subject it is, or that of a file of it. */
export function numberIn(subject: string): number | undefined {
  const { number, file } = /<(?<number>\d+)> disk|file (?<file>\d+)_/.exec(subject)?.groups ?? {};
  return number === undefined && file === undefined ? undefined : Number(number ?? file);
}

/** What a file of a notification is called. */
export function fileNameFor(number: number, part: number): string {
  return `file ${number}_${part}.txt`;
}

/** What a room was told, in its order. */
export function heardInRoom({ homeserver }: SeamsWorld, room: string): Told[] {
  return homeserver.events(room).flatMap(({ event_id: id, origin_server_ts: time, content }) => {
    const { "m.in_reply_to": reply } = (content["m.relates_to"] ?? {}) as { "m.in_reply_to"?: { event_id: string } };
    return namesIn(String(content.body)).map((told) => ({ ...told, id, time, answers: reply?.event_id }));
  });
}

/** What the phone was told, in its order. */
export function heardByPhone({ ntfy }: SeamsWorld): Told[] {
  return ntfy.messages("alerts").flatMap(({ id, title, message, attachment, time }) =>
    namesIn(attachment?.name ?? `${title}\n\n${message}`).map((told) => ({ ...told, id, time: time * 1000 }))
  );
}

function namesIn(body: string): Pick<Told, "name" | "isLine">[] {
  const file = /^file (\d+)_(\d+)\.txt$/.exec(body);
  if (file) return [{ name: `${file[1]}/${file[2]}`, isLine: false }];
  const isLine = isDigestBody(body);
  const lines = isLine ? body.split("\n").filter((line) => line.startsWith("- ")) : [body];
  return lines.filter((line) => !/notifications? expired/.test(line)).flatMap((line) => {
    const number = /<(\d+)> disk/.exec(line)?.[1];
    return number === undefined ? [] : [{ name: number, isLine }];
  });
}
