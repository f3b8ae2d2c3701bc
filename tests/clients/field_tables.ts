/**
 * Reads the tables of `docs/serve.md`: what becomes of each field of a protocol.
 *
 * @module
 */

import type { RoomEvent } from "../../src/testing/mod.ts";

/** The messages of one request in the room. */
export interface Seen {
  readonly content: RoomEvent["content"];
  /** The names of all files in the room. */
  readonly files: readonly string[];
}

/** The places of the second column. Each returns true if the room shows a value there. */
const PLACES = {
  "subject": ({ content }: Seen, value: string) => lines(content)[0].includes(value),
  "message": ({ content }: Seen, value: string) => lines(content).slice(1).join("\n").includes(value),
  "shown": ({ content }: Seen, value: string) => String(content.body).includes(value),
  "note": ({ content }: Seen, value: string) => lines(content).some((line) => /^✂/.test(line) && line.includes(value)),
  "link": ({ content }: Seen, value: string) => lines(content).includes(`🔗 ${value}`),
  "origin": ({ content }: Seen, value: string) => content["dev.matrix-notify.origin"] === value,
  "key": ({ content }: Seen, value: string) => String(content["dev.matrix-notify.key"]).endsWith(value),
  "severity": ({ content }: Seen, value: string) => content["dev.matrix-notify.severity"] === value,
  "silent": ({ content }: Seen) => content.msgtype === "m.notice",
  "format": ({ content }: Seen) => String(content.formatted_body).includes("<strong>bold</strong>"),
  "mentions": ({ content }: Seen, value: string) => JSON.stringify(content["m.mentions"]).includes(value),
  "attachment": ({ files }: Seen, value: string) => files.includes(value),
  "end of the incident": ({ content }: Seen) => lines(content)[0].includes("✅ Resolved"),
  "expiry": ({ content }: Seen, value: string) => !JSON.stringify(content).includes(value),
  "idempotency key": ({ content }: Seen, value: string) => !JSON.stringify(content).includes(value),
  "left out": ({ content, files }: Seen, value: string) => !JSON.stringify([content, files]).includes(value),
} as const;

/** A place in the notification. */
export type Place = keyof typeof PLACES;

/** Returns true if the room shows a value in a place. */
export function isAt(place: Place, seen: Seen, value: string): boolean {
  return PLACES[place](seen, value);
}

function lines(content: RoomEvent["content"]): readonly string[] {
  return String(content.body).split("\n");
}

/** The places of each field, by its name. */
export type FieldTable = ReadonlyMap<string, readonly Place[]>;

/**
 * Reads the table whose first column has a title, below a heading. Words without backticks are a
 * name, too: `every other field`.
 *
 * @throws {Error} if there is no such table, or a place is unknown
 */
export function readFieldTable(heading: string, column: string): FieldTable {
  const page = Deno.readTextFileSync(new URL("../../docs/serve.md", import.meta.url));
  const section = page.slice(page.indexOf(`\n${heading}\n`));
  const table = new RegExp(`^\\| ${column} +\\| becomes .*\\n\\|.*\\n((?:\\|.*\\n)+)`, "m").exec(section)?.[1];
  if (table === undefined) throw new Error(`Cannot find the table below ${heading} in docs/serve.md`);
  return new Map(
    table.trim().split("\n").flatMap((line) => {
      const [, left, middle] = line.split("|").map((cell) => cell.trim());
      const places = middle.split(", ").map((place) => {
        if (!isPlace(place)) throw new Error(`Cannot read the table below ${heading}: there is no place ${place}`);
        return place;
      });
      return left.split(", ").map((name): [string, readonly Place[]] => [name.replaceAll("`", ""), places]);
    }),
  );
}

function isPlace(word: string): word is Place {
  return Object.hasOwn(PLACES, word);
}
