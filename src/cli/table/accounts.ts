/** The commands that work on Matrix accounts and rooms. */

import type { Command } from "../command.ts";
import { ACCOUNT_OPTIONS, DELIVERY_OPTIONS, JSON_OPTION, SIGN_IN_OPTIONS } from "./options.ts";

/** In the order of the help. */
export const ACCOUNTS_COMMANDS: readonly Command[] = [
  {
    name: "login",
    summary: "Log in to a Matrix account, for channels that name it as user",
    operands: "USER",
    operandCount: [1, 1],
    options: [
      ...SIGN_IN_OPTIONS,
      JSON_OPTION,
      ...DELIVERY_OPTIONS,
    ],
    details: [
      "Without an option the server's first way is taken: a password, asked for on a terminal, else read from standard input;\n" +
      "then a code for a browser, then single sign-on. Its tokens are kept in the state directory, and renewed by themselves.",
      "A password file is used again when the server ends the session softly and gave no refresh token. Every login from here\n" +
      "is on the same device.",
    ],
    examples: [
      "matrix-notify login @bot:example.org",
      "matrix-notify login @bot:example.org --password-file /etc/matrix-notify/password",
    ],
    load: async () => (await import("../commands/login.ts")).login,
  },
  {
    name: "logout",
    summary: "End a session on the server, and forget it here",
    operands: "[USER]",
    operandCount: [0, 1],
    options: [],
    load: async () => (await import("../commands/logout.ts")).logout,
  },
  {
    name: "whoami",
    summary: "Tell who is logged in, and whether the server agrees",
    operands: "[USER]",
    operandCount: [0, 1],
    options: [JSON_OPTION],
    details: ["Without USER it tells of all accounts, and of the channels that have an access token of their own."],
    load: async () => (await import("../commands/whoami.ts")).whoami,
  },
  {
    name: "join",
    summary: "Enter a Matrix room that is open, or that invited the account",
    operands: "ROOM",
    operandCount: [1, 1],
    options: [
      { name: "via", value: "SERVER", repeats: true, summary: "a server that is in the room, where it has only an id" },
      ...ACCOUNT_OPTIONS,
    ],
    examples: ["matrix-notify join '#alerts:example.org'", "matrix-notify join '!abc…' --via example.org"],
    load: async () => (await import("../commands/join.ts")).join,
  },
  {
    name: "room create",
    summary: "Make a Matrix room and invite people",
    operands: "NAME",
    operandCount: [1, 1],
    options: [
      { name: "invite", value: "USER", repeats: true, summary: "invite @name:example.org" },
      { name: "direct", summary: "make it the direct chat with the one who is invited" },
      { name: "alias", value: "NAME", summary: "an address: alerts for #alerts:example.org" },
      ...ACCOUNT_OPTIONS,
    ],
    details: [
      "Only who is invited can enter, and it is not encrypted. To send to a person no room need be made: give\n" +
      "@name:example.org as the room of the channel, or to send --room, and the direct chat is found, or made once.",
    ],
    examples: [
      "matrix-notify room create Alerts --invite @alice:example.org --alias alerts",
      "matrix-notify room create Alerts --direct --invite @alice:example.org",
    ],
    load: async () => (await import("../commands/room.ts")).create,
  },
  {
    name: "room list",
    summary: "List the Matrix rooms that the account is in, and its invites",
    operands: "",
    operandCount: [0, 0],
    options: ACCOUNT_OPTIONS,
    load: async () => (await import("../commands/room.ts")).list,
  },
];
