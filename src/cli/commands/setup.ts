/** `setup`: sets up a Matrix channel. The code of its steps is in `src/cli/setup/`. */

import { type Command, defineCommand } from "../command.ts";
import { SETUP_OPTIONS } from "../setup/options.ts";

export const setup: Command = defineCommand({
  operands: "",
  options: SETUP_OPTIONS,
  details: [
    "On a terminal, setup asks for every value that no option gives. You can run setup again: it offers the " +
    "current login and room as defaults. Other channels and settings in the configuration file are not changed.",
    "Exit 0: the test message is in the room. Exit 75: the message is queued, or the account has no invite " +
    "yet; run setup again. Exit 130: you pressed Ctrl-C; the configuration file is unchanged.",
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
