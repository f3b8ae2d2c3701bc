/**
 * Matrix identifiers (Client-Server API, appendices, "Identifier grammar"). Do not read a domain
 * from a room id: since room version 12, room ids do not contain a domain.
 */

/** The maximum length of an identifier, in UTF-8 bytes. */
const MAX_ID_BYTES = 255;

/** A parsed reference to a room. A user id means the direct chat with this user. */
export type RoomReference =
  | { readonly kind: "id"; readonly roomId: string }
  | { readonly kind: "alias"; readonly alias: string }
  | { readonly kind: "user"; readonly userId: string };

/**
 * Parses a room id (`!…`), a room alias (`#name:domain`) or a user id (`@name:domain`). Returns
 * undefined for any other text.
 */
export function parseRoom(text: string): RoomReference | undefined {
  if (!isIdentifier(text)) return undefined;
  // A link to a room has `?via=` after the room id.
  if (/^!(?!.*\?via=)./.test(text)) return { kind: "id", roomId: text };
  if (/^#[^:]+:[^:].*$/.test(text)) return { kind: "alias", alias: text };
  if (/^@[^:]+:[^:].*$/.test(text)) return { kind: "user", userId: text };
  return undefined;
}

/** A user id and its parts. */
export interface UserId {
  /** The whole user id, such as `@bot:example.org`. */
  readonly userId: string;
  readonly localpart: string;
  /** The part after the first colon: a domain, and a port if there is one. */
  readonly serverName: string;
}

/**
 * Parses a user id (`@name:domain`). Returns undefined for any other text. Old user ids may contain
 * nearly any visible character.
 */
export function parseUserId(text: string): UserId | undefined {
  const [, localpart, serverName] = /^@([^:\s\0]*):([A-Za-z0-9.:[\]-]+)$/.exec(text) ?? [];
  if (serverName === undefined || !isIdentifier(text)) return undefined;
  return { userId: text, localpart, serverName };
}

/**
 * Returns the part of a user id or an alias after the first colon. Returns undefined for a room id,
 * because the domain in a room id has no meaning.
 */
export function parseServerName(id: string): string | undefined {
  return /^[@#][^:]+:(.+)$/.exec(id)?.[1];
}

/**
 * Returns the server name in a text that a person entered to name a homeserver: `example.org`,
 * `example.org:8448` or `@bot:example.org`. Returns undefined for a URL or a text with a path.
 */
export function parseHomeserverName(text: string): string | undefined {
  return parseUserId(text)?.serverName ?? /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d+)?$/.exec(text)?.[0];
}

/**
 * Returns true if a value from a server is a room id. Without this check, a server could send
 * escape sequences to the terminal, the journal and the cache.
 */
export function isRoomId(value: unknown): value is string {
  return typeof value === "string" && parseRoom(value)?.kind === "id";
}

/** Returns true if a value from a server is a room alias. */
export function isAlias(value: unknown): value is string {
  return typeof value === "string" && parseRoom(value)?.kind === "alias";
}

/** Returns true if a value from a server is a user id. */
export function isUserId(value: unknown): value is string {
  return typeof value === "string" && parseUserId(value) !== undefined;
}

/** Returns true if a value from a server is an event id. */
export function isEventId(value: unknown): value is string {
  return typeof value === "string" && /^\$./.test(value) && isIdentifier(value);
}

/** Returns true if a value from a server is a device id. Device ids are opaque. */
export function isDeviceId(value: unknown): value is string {
  // In the path of a URL, `.` and `..` would lead to another endpoint.
  return typeof value === "string" && /^[^\p{C}\p{Zl}\p{Zp}]{1,255}$/u.test(value) && value !== "." && value !== "..";
}

/** The maximum length of a position in a list, in characters; see {@linkcode isPosition}. */
const MAX_POSITION_CHARS = 2048;

/**
 * Returns true if a value from a server is a position in a list. A server returns a position in the
 * field `end` or `next_batch`. The next request sends this position back. Positions are opaque.
 */
export function isPosition(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_POSITION_CHARS && /^[\x20-\x7e]+$/.test(value);
}

function isIdentifier(text: string): boolean {
  // Most identifiers contain only ASCII, so this simple check is sufficient. V8 needs 0.2 ms to
  // compile the expression for Unicode below.
  if (/^[!-~]+$/.test(text)) return text.length <= MAX_ID_BYTES;
  return new TextEncoder().encode(text).length <= MAX_ID_BYTES && /^\P{C}+$/u.test(text) && !/\s/.test(text);
}

/** The end of an error message about a text that does not name a room. */
export const ROOM_PROBLEM =
  "it is neither a room id (!…), nor an alias (#name:example.org), nor a user id (@name:example.org)";

/** The hint of an error about a text that does not name a room. */
export const ROOM_HINT =
  "use the room id, which Element shows in the room settings under Advanced (in a link, the id ends before the " +
  "question mark); in a shell, write the id in single quotes";

/** The text that mentions all members of a room. */
export const ROOM_MENTION = "@room";

/** The end of an error message about a text that is not a mention. */
export const MENTION_PROBLEM = "it is neither a user id (@name:example.org) nor @room";

/** Returns true if a text is a user id or `@room`. */
export function isMention(text: string): boolean {
  return text === ROOM_MENTION || parseUserId(text) !== undefined;
}
