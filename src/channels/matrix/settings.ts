/** The settings of a Matrix channel. */

import type { AccountSession } from "../../accounts/session.ts";
import {
  isMention,
  MENTION_PROBLEM,
  parseRoom,
  parseUserId,
  ROOM_HINT,
  ROOM_MENTION,
  ROOM_PROBLEM,
} from "../../matrix/ids.ts";
import { MAX_MENTIONS } from "../../notification/notification.ts";
import { insecureHttp, secret, SECRET_FORMS, server } from "../fields/server.ts";
import { choice, list, setting, type SettingsOf } from "../fields/setting.ts";

const ROOM_REGEXP = /^\s*[!#@]/;
const USER_PATTERN = "^\\s*@[^:\\s\\u0000]*:[A-Za-z0-9.:[\\]-]+\\s*$";

/** An account that is logged in on this host. */
export interface LoggedInAccount {
  readonly userId: string;
  readonly session: AccountSession;
}

/** The settings that say which account a channel uses, and on which homeserver. */
export const ACCOUNT_SETTINGS = {
  homeserver: server({
    help: "the address of the homeserver, without a path; beside `user` it may be left out",
    examples: ["https://matrix.example.org"],
    unless: "user",
  }),
  insecureHttp: insecureHttp(),
  user: setting<LoggedInAccount | undefined>({
    help: "an account that `matrix-notify login` logged in; instead of an access token",
    examples: ["@bot:example.org"],
    optional: true,
    excludes: "accessToken",
    schema: { type: "string", pattern: USER_PATTERN },
    read(fields, key, context) {
      const userId = fields.text(key);
      if (userId === undefined) return undefined;
      if (parseUserId(userId) !== undefined) return { userId, session: context.account(userId) };
      throw fields.error(key, "it is not a user id", "write it whole, as @bot:example.org");
    },
  }),
  accessToken: secret({
    help: "the access token of the account; one that does not expire",
    examples: ["syt_token"],
    form: SECRET_FORMS.token,
    unless: "user",
  }),
};

/** Its settings. */
export const MATRIX_SETTINGS = {
  ...ACCOUNT_SETTINGS,
  room: list({
    help: "a room id, an alias, or a user id for the direct chat with that person; a list for several",
    examples: ["#alerts:example.org", "!abc", "@alice:example.org", ["#alerts:example.org", "!abc"]],
    pattern: ROOM_REGEXP,
    isValid: (room) => parseRoom(room) !== undefined,
    problem: ROOM_PROBLEM,
    hint: ROOM_HINT,
  }),
  mentions: list({
    help: "who is mentioned in critical messages: user ids, or `@room` for everyone in the room",
    examples: [ROOM_MENTION, ["@alice:example.org", "@bob:example.org"]],
    pattern: new RegExp(`^\\s*${ROOM_MENTION}\\s*$|${USER_PATTERN}`),
    isValid: isMention,
    problem: MENTION_PROBLEM,
    max: MAX_MENTIONS,
    optional: true,
  }),
  related: choice({
    help:
      "how a message with a key relates to the first message with that key, until it is resolved: it replies to it (`reply`), " +
      "is in its `thread`, replaces it when it resolves it (`edit`, without a push), or is unrelated (`none`)",
    examples: ["edit", "thread"],
    values: ["reply", "edit", "thread", "none"],
    default: "reply",
  }),
  inDoubt: choice({
    help:
      "what matters more if an earlier try may have arrived and the server cannot tell yet: that the message comes in time, with a " +
      "small risk of a duplicate (`send`), or that it comes once, up to five minutes later (`wait`); Synapse can always tell",
    examples: ["wait", "send"],
    values: ["send", "wait"],
    default: "send",
  }),
};

/** The parsed settings of an account. */
export type AccountSettings = SettingsOf<typeof ACCOUNT_SETTINGS>;

/** The parsed settings. */
export type MatrixSettings = SettingsOf<typeof MATRIX_SETTINGS>;
