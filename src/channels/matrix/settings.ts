/** The settings of a Matrix channel. */

import type { AccountSession } from "../../accounts/session.ts";
import {
  isMention,
  MENTION_PROBLEM,
  parseHomeserverName,
  parseRoom,
  parseUserId,
  ROOM_HINT,
  ROOM_MENTION,
  ROOM_PROBLEM,
} from "../../matrix/ids.ts";
import { MAX_MENTIONS } from "../../notification/repair.ts";
import { insecureHttp, secret, SECRET_FORMS } from "../fields/server.ts";
import { parseHomeserver } from "../../matrix/discovery.ts";
import { choice, list, setting, type SettingsOf } from "../fields/setting.ts";

const ROOM_REGEXP = /^\s*[!#@]/;
const USER_PATTERN = "^\\s*@[^:\\s\\u0000]*:[A-Za-z0-9.:[\\]-]+\\s*$";

/** An account that is logged in on this host. */
export interface LoggedInAccount {
  readonly userId: string;
  readonly session: AccountSession;
}

/** The homeserver of a channel. */
export interface HomeserverAddress {
  /**
   * The address, without a trailing slash. If the settings contain only a server name, this address
   * is a fallback. It is used if the domain has no well-known document (the file in which a domain
   * publishes its homeserver).
   */
  readonly baseUrl: string;
  /** The server name, if the settings do not contain an address. */
  readonly serverName?: string;
}

/** The settings for the account and the homeserver of a channel. */
export const ACCOUNT_SETTINGS = {
  homeserver: setting<HomeserverAddress | undefined>({
    help: "the address of the homeserver, or a domain; for a domain, matrix-notify reads the address from " +
      "`/.well-known/matrix/client` of the domain; can be omitted if `user` is set",
    examples: ["https://matrix.example.org", "example.org", "https://example.org/matrix"],
    unless: "user",
    schema: {
      type: "string",
      pattern:
        `^\\s*([hH][tT][tT][pP][sS]?://)?[^/@?#\\u0000-\\u0020]*[^/@?#:\\u0000-\\u0020](/(?!_matrix)[^/?#]*)*$|${USER_PATTERN}`,
    },
    read(fields, key, context) {
      const text = fields.text(key);
      if (text === undefined) return undefined;
      const insecureHttp = fields.flag("insecureHttp", context.insecureHttp);
      const serverName = parseHomeserverName(text);
      const address = parseHomeserver(serverName ?? text, { insecureHttp });
      if ("problem" in address) throw fields.error(key, address.problem, address.hint);
      return serverName === undefined ? address : { ...address, serverName };
    },
  }),
  insecureHttp: insecureHttp(),
  user: setting<LoggedInAccount | undefined>({
    help: "the user id of an account that is logged in with `matrix-notify login`; set `user` or an access token",
    examples: ["@bot:example.org"],
    optional: true,
    excludes: "accessToken",
    schema: { type: "string", pattern: USER_PATTERN },
    read(fields, key, context) {
      const userId = fields.text(key);
      if (userId === undefined) return undefined;
      if (parseUserId(userId) !== undefined) return { userId, session: context.account(userId) };
      throw fields.error(key, "it is not a user id", "write the complete id, such as @bot:example.org");
    },
  }),
  accessToken: secret({
    help: "the access token of the account; use a token that does not expire",
    examples: ["syt_token"],
    form: SECRET_FORMS.token,
    unless: "user",
  }),
};

/** The table of settings. */
export const MATRIX_SETTINGS = {
  ...ACCOUNT_SETTINGS,
  room: list({
    help: "a room id, an alias, or a user id for the direct chat with that person; use a list for several rooms",
    examples: ["#alerts:example.org", "!abc", "@alice:example.org", ["#alerts:example.org", "!abc"]],
    pattern: ROOM_REGEXP,
    isValid: (room) => parseRoom(room) !== undefined,
    problem: ROOM_PROBLEM,
    hint: ROOM_HINT,
  }),
  mentions: list({
    help: "the users to mention in critical messages: user ids, or `@room` for everyone in the room",
    examples: [ROOM_MENTION, ["@alice:example.org", "@bob:example.org"]],
    pattern: new RegExp(`^\\s*${ROOM_MENTION}\\s*$|${USER_PATTERN}`),
    isValid: isMention,
    problem: MENTION_PROBLEM,
    max: MAX_MENTIONS,
    optional: true,
  }),
  related: choice({
    help:
      "the relation of later messages to the first message with the same key; `reply`: later messages are replies; " +
      "`thread`: later messages are in the thread of the first message; `edit`: later messages are replies, but the message that resolves the incident replaces the first message, without a push; `none`: no relation",
    examples: ["edit", "thread"],
    values: ["reply", "edit", "thread", "none"],
    default: "reply",
  }),
  inDoubt: choice({
    help:
      "the behavior if an earlier attempt may have delivered the message; `send`: sends the message again soon, with a small risk of a duplicate; " +
      "`wait`: sends the message again up to five minutes later, to avoid a duplicate; with Synapse, both values have the same effect",
    examples: ["wait", "send"],
    values: ["send", "wait"],
    default: "send",
  }),
  encryptedRooms: choice({
    help:
      "the behavior if a room is encrypted; matrix-notify cannot encrypt messages; `warn`: sends the message unencrypted, " +
      "and prints a warning; `refuse`: the notifications for this room wait",
    examples: ["refuse", "warn"],
    values: ["warn", "refuse"],
    default: "warn",
  }),
};

/** The parsed settings of an account. */
export type AccountSettings = SettingsOf<typeof ACCOUNT_SETTINGS>;

/** The parsed settings. */
export type MatrixSettings = SettingsOf<typeof MATRIX_SETTINGS>;
