/** The command that sets everything up. */

import type { Command } from "../command.ts";
import { DELIVERY_OPTIONS, JSON_OPTION, SIGN_IN_OPTIONS } from "./options.ts";

/** The way in. */
export const SETUP_COMMANDS: readonly Command[] = [
  {
    name: "setup",
    summary: "Set up a Matrix channel, from nothing to the first message",
    operands: "",
    operandCount: [0, 0],
    options: [
      { name: "user", value: "USER", summary: "the account that sends: @bot:example.org" },
      ...SIGN_IN_OPTIONS,
      { name: "room", value: "ROOM", summary: "send to this room: an id, an alias, or @user:server" },
      { name: "create-room", value: "NAME", summary: "make a room" },
      { name: "invite", value: "USER", repeats: true, summary: "with --create-room: whom to invite to it" },
      { name: "direct", value: "USER", summary: "send to this person, in a direct chat" },
      { name: "wait", value: "DURATION", summary: "how long to wait for the invite to the room (default 5m)" },
      { name: "channel", value: "NAME", summary: "how the channel is called (default matrix)" },
      { name: "ca-file", value: "FILE", summary: "authorities to trust besides the usual ones (PEM)" },
      { name: "cert-file", value: "FILE", summary: "a client certificate (PEM)" },
      { name: "key-file", value: "FILE", summary: "its key (PEM)" },
      { name: "proxy", value: "URL", summary: "a proxy that wants no password" },
      { name: "proxy-file", value: "FILE", summary: "a file with the address of one that does" },
      { name: "no-test", summary: "send no test message" },
      { name: "yes", summary: "ask nothing: take what is usual, and fail where an option is missing" },
      JSON_OPTION,
      ...DELIVERY_OPTIONS,
    ],
    details: [
      "Asks on a terminal for what no option says; without one nothing is asked. It can be run again: a session and a room that\n" +
      "are there are offered, other channels and keys of the file stay as they are.",
      "Exit 0: the test message is in the room. 75: it waits, or nobody has invited the account yet: run it again. 130: stopped\n" +
      "with Ctrl-C, the configuration is as it was.",
    ],
    examples: [
      "matrix-notify setup",
      "matrix-notify setup --user @bot:example.org --password-file FILE --room '!id' --yes",
      "matrix-notify setup --user @bot:example.org --token-file FILE --create-room Alerts --invite @alice:example.org --yes",
    ],
    load: async () => (await import("../commands/setup.ts")).setup,
  },
];
