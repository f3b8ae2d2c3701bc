/** `setup`: sets up a Matrix channel. The steps are in `setup/`. */

import { type Command, defineCommand } from "../command.ts";
import { SETUP_OPTIONS } from "../setup/options.ts";

export const setup: Command = defineCommand({
  operands: "",
  options: SETUP_OPTIONS,
  details: [
    "On a terminal, setup asks for what the options do not say. You can run it again: it offers the login and " +
    "the room that exist. Other channels and keys of the configuration file stay.",
    "Exit 0: the test message is in the room. Exit 75: the message is queued, or the account has no invite " +
    "yet; run setup again. Exit 130: stopped with Ctrl-C; the configuration is unchanged.",
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
