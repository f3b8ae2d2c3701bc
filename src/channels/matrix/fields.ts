/** The fields of a Matrix channel. */

import type { Fields } from "../../base/fields.ts";
import { isMention, MENTION_PROBLEM, parseRoom, ROOM_HINT, ROOM_MENTION, ROOM_PROBLEM } from "../../matrix/ids.ts";
import { MAX_MENTIONS } from "../../notification/notification.ts";
import type { ConnectionConfig } from "../fields/connection.ts";
import type { FieldSpecs } from "../fields/field_spec.ts";
import type { InDoubtPolicy } from "./deduplicate.ts";
import { RELATED_POLICIES, type RelatedPolicy } from "./relations.ts";
import { serverFields } from "../fields/server.ts";

/** How a Matrix channel is configured. */
export interface MatrixConfig extends ConnectionConfig {
  /** May be left out where the channel is called `matrix`. */
  readonly kind?: "matrix";
  /** `https://matrix.example.org`, without a path. May be left out beside `user`. */
  readonly homeserver?: string;
  /** An account that `matrix-notify login` logged in with: `@bot:example.org`. This, `accessToken` or `accessTokenFile`. */
  readonly user?: string;
  /** A token that does not expire. */
  readonly accessToken?: string;
  /** A file that holds the token and nothing else, and that other users cannot read. */
  readonly accessTokenFile?: string;
  /**
   * A room id (`!…`), an alias (`#name:example.org`), or a user id (`@name:example.org`) for the direct chat with that person; a list for several. Each room
   * gets each notification, and one that does not is in no other's way.
   */
  readonly room: string | readonly string[];
  /** Whom what is critical is for: user ids (`@name:example.org`), or `@room` for everybody. @default nobody */
  readonly mentions?: string | readonly string[];
  /**
   * How a message with a key relates to the first one with that key, until it is resolved: it answers it (`reply`), stands in its `thread`, or takes its place
   * when it resolves it (`edit`, which makes no push); or not at all (`none`). @default {"reply"}
   */
  readonly related?: "reply" | "edit" | "thread" | "none";
  /** Permits plain http to another host. @default {false} */
  readonly insecureHttp?: boolean;
  /**
   * What matters more when an earlier try may have arrived and the server cannot tell yet. `send`: that the message comes in time, with a small risk of two.
   * `wait`: that there is one, up to five minutes later. Synapse can always tell. @default {"send"}
   */
  readonly inDoubt?: "send" | "wait";
}

const ROOM_REGEXP = "^\\s*[!#@]";
const USER_REGEXP = "^\\s*@[^:\\s\\u0000]*:[A-Za-z0-9.:[\\]-]+\\s*$";
const MENTION_REGEXP = `^\\s*${ROOM_MENTION}\\s*$|${USER_REGEXP}`;

/** The fields, for the schema. */
export const MATRIX_FIELDS: FieldSpecs = {
  ...serverFields("homeserver", "https://matrix.example.org", { unless: "user" }),
  user: {
    schema: {
      type: "string",
      description: "an account that matrix-notify login logged in with; instead of an access token",
      examples: ["@bot:example.org"],
      pattern: USER_REGEXP,
    },
  },
  accessToken: {
    isRequired: true,
    unless: "user",
    excludes: "user",
    isSecret: true,
    hasFile: true,
    schema: {
      type: "string",
      description: "the account's access token, instead of user",
      examples: ["syt_token"],
      pattern: "^[!-~]+$",
    },
  },
  room: {
    isRequired: true,
    schema: {
      type: ["string", "array"],
      description: "a room id, an alias, or a person for the direct chat; a list for several",
      examples: ["#alerts:example.org", "!abc", "@alice:example.org", ["#alerts:example.org", "!abc"]],
      pattern: ROOM_REGEXP,
      items: { type: "string", pattern: ROOM_REGEXP },
      minItems: 1,
      uniqueItems: true,
    },
  },
  mentions: {
    schema: {
      type: ["string", "array"],
      description: "whom what is critical is for: user ids, or @room for everybody",
      examples: [ROOM_MENTION, ["@alice:example.org", "@bob:example.org"]],
      pattern: MENTION_REGEXP,
      items: { type: "string", pattern: MENTION_REGEXP },
      maxItems: MAX_MENTIONS,
      uniqueItems: true,
    },
  },
  related: {
    schema: {
      type: "string",
      description: "how a message with a key relates to the first one with that key",
      examples: ["edit", "thread"],
      default: "reply",
      enum: RELATED_POLICIES,
    },
  },
  inDoubt: {
    schema: {
      type: "string",
      description: "what matters more when nobody can tell whether a try arrived: that it comes in time, or once",
      examples: ["wait", "send"],
      default: "send",
      enum: ["send", "wait"],
    },
  },
};

/** What a Matrix channel does, but for how it speaks with its homeserver. */
export interface MatrixPolicy {
  /** At least one. */
  readonly rooms: readonly string[];
  readonly mentions: readonly string[];
  readonly related: RelatedPolicy;
  readonly inDoubt: InDoubtPolicy;
}

/**
 * Reads `room`.
 *
 * @throws {ConfigError} when it is missing or cannot be used
 */
export function roomsField(fields: Fields): readonly string[] {
  const rooms = fields.texts("room");
  if (rooms.length === 0) fields.requiredText("room");
  if (rooms.every((room) => parseRoom(room) !== undefined)) return rooms;
  throw fields.error("room", ROOM_PROBLEM, ROOM_HINT);
}

/**
 * Reads `room`, `mentions`, `related` and `inDoubt`.
 *
 * @throws {ConfigError} when one of them cannot be used
 */
export function matrixPolicy(fields: Fields): MatrixPolicy {
  const rooms = roomsField(fields);
  const mentions = fields.texts("mentions");
  if (!mentions.every(isMention)) throw fields.error("mentions", MENTION_PROBLEM);
  if (mentions.length > MAX_MENTIONS) {
    throw fields.error("mentions", `it names ${mentions.length} users: the limit is ${MAX_MENTIONS}`);
  }
  const related = RELATED_POLICIES.find((policy) => policy === (fields.text("related") ?? "reply"));
  if (related === undefined) throw fields.error("related", `it must be one of ${RELATED_POLICIES.join(", ")}`);
  const inDoubt = fields.text("inDoubt") ?? "send";
  if (inDoubt !== "send" && inDoubt !== "wait") throw fields.error("inDoubt", 'it must be "send" or "wait"');
  return { rooms, mentions, related, inDoubt };
}
