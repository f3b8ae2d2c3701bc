/** `setup`: sets up a Matrix channel. The steps are in `setup/`. */

import { type Command, defineCommand } from "../command.ts";
import { DELIVERY_OPTIONS, JSON_OPTION, SIGN_IN_OPTIONS } from "../options.ts";

export const setup: Command = defineCommand({
  operands: "",
  options: [
    { name: "user", value: "USER", summary: "account that sends: @bot:example.org" },
    ...SIGN_IN_OPTIONS,
    { name: "room", short: "r", value: "ROOM", summary: "send to this room: id, alias or @user:server" },
    { name: "create-room", value: "NAME", summary: "create a room" },
    { name: "invite", value: "USER", repeats: true, summary: "with --create-room: invite this person" },
    { name: "direct", value: "USER", summary: "send to this person in a direct chat" },
    { name: "wait", value: "DURATION", summary: "wait this long for the invite to the room (default 5m)" },
    { name: "channel", short: "c", value: "NAME", summary: "name of the channel (default matrix)" },
    { name: "ca-file", value: "FILE", summary: "more certificate authorities to trust (PEM)" },
    { name: "cert-file", value: "FILE", summary: "client certificate (PEM)" },
    { name: "key-file", value: "FILE", summary: "key of the client certificate (PEM)" },
    { name: "proxy", value: "URL", summary: "proxy without a password" },
    { name: "proxy-file", value: "FILE", summary: "file with the URL of a proxy with a password" },
    { name: "no-test", summary: "send no test message" },
    { name: "yes", short: "y", summary: "ask nothing; use defaults, and fail if an option is missing" },
    JSON_OPTION,
    ...DELIVERY_OPTIONS,
  ],
  details: [
    "On a terminal, setup asks for what the options do not say. You can run it again: it offers the login and the room " +
    "that exist. Other channels and keys of the configuration file stay.",
    "Exit 0: the test message is in the room. Exit 75: the message is queued, or the account has no invite yet; run " +
    "setup again. Exit 130: stopped with Ctrl-C; the configuration is unchanged.",
  ],
  examples: [
    "matrix-notify setup",
    "matrix-notify setup --user @bot:example.org --password-file FILE -r '!id' -y",
    "matrix-notify setup --user @bot:example.org --token-file FILE \\\n" +
    "  --create-room Alerts --invite @alice:example.org --yes",
  ],
  async run(context) {
    const { runWizard } = await import("../setup/wizard.ts");
    return await runWizard(context);
  },
});
