/**
 * Matrix identifiers (Client-Server API, appendices, "Identifier grammar"). They are opaque: since room version 12 a room id has no
 * domain, and nothing is read out of one.
 */

/** Identifiers are at most this long, in UTF-8 bytes. */
const MAX_ID_BYTES = 255;

/** What a room can be named by: a user stands for the direct chat with that user. */
export type RoomReference =
  | { readonly kind: "id"; readonly roomId: string }
  | { readonly kind: "alias"; readonly alias: string }
  | { readonly kind: "user"; readonly userId: string };

/** Reads a room id (`!…`), a room alias (`#name:domain`) or a user id (`@name:domain`); undefined when it is none of them. */
export function parseRoom(text: string): RoomReference | undefined {
  if (!isIdentifier(text)) return undefined;
  if (/^!./.test(text)) return { kind: "id", roomId: text };
  if (/^#[^:]+:[^:].*$/.test(text)) return { kind: "alias", alias: text };
  if (/^@[^:]+:[^:].*$/.test(text)) return { kind: "user", userId: text };
  return undefined;
}

/** A user id, whole and in its parts. */
export interface UserId {
  /** `@bot:example.org` */
  readonly userId: string;
  readonly localpart: string;
  /** What stands behind the first colon: a domain, perhaps with a port. */
  readonly serverName: string;
}

/** Reads a user id (`@name:domain`); undefined when it is none. Historical ones may hold nearly any character. */
export function parseUserId(text: string): UserId | undefined {
  const [, localpart, serverName] = /^@([^:\s\0]*):([A-Za-z0-9.:[\]-]+)$/.exec(text) ?? [];
  if (serverName === undefined || new TextEncoder().encode(text).length > MAX_ID_BYTES) return undefined;
  return { userId: text, localpart, serverName };
}

/** The server part of a user id or an alias: what follows the first colon. Undefined for a room id, whose domain says nothing. */
export function serverNameOf(id: string): string | undefined {
  return /^[@#][^:]+:(.+)$/.exec(id)?.[1];
}

function isIdentifier(text: string): boolean {
  return new TextEncoder().encode(text).length <= MAX_ID_BYTES && /^\P{C}+$/u.test(text) && !/\s/.test(text);
}

/** What is wrong with a text that names no room. */
export const ROOM_PROBLEM =
  "it is neither a room id (!…), nor an alias (#name:example.org), nor a user id (@name:example.org)";

/** Where people find what is right. */
export const ROOM_HINT = "in Element: room settings, Advanced, Internal room ID; in a shell, put it in single quotes";

/** The mention of everybody in a room. */
export const ROOM_MENTION = "@room";

/** Why a text is no mention. */
export const MENTION_PROBLEM = "it is neither a user id (@name:example.org) nor @room";

/** True if a text is a user id or `@room`. */
export function isMention(text: string): boolean {
  return text === ROOM_MENTION || parseUserId(text) !== undefined;
}
