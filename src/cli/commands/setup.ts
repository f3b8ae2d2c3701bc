/** `setup`: sets up a Matrix channel. The code of its steps is in `src/cli/setup/`. */

import { type Command, defineCommand } from "../command.ts";
import { SETUP_OPTIONS } from "../setup/options.ts";

export const setup: Command = defineCommand({
  operands: "",
  options: SETUP_OPTIONS,
  details: [
    "On a terminal, setup asks for each value that you did not give as an option. You can run setup again: the " +
    "current login and room are then the defaults. In the configuration file, setup changes only one channel (see --channel).",
    "Exit 0: the test message is in the room. Exit 75: the message is queued, or the account did not get an invite in " +
    "time. In the second case, invite the account and run setup again. Exit 130: you pressed Ctrl-C; the configuration " +
    "file is unchanged.",
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
