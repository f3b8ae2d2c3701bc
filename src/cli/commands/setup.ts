/** `setup` and `setup router`. The code of their steps is in `src/cli/setup/`. */

import { type Command, defineCommand } from "../command.ts";
import { ROUTER_OPTIONS, SETUP_OPTIONS } from "../setup/options.ts";

export const setup: Command = defineCommand({
  operands: "",
  options: SETUP_OPTIONS,
  details: [
    "On a terminal, setup asks for each value that you did not give as an option. You can run setup again: the " +
    "current login and room are then the defaults. In the configuration file, setup changes only one channel (see " +
    "--channel).",
    "Exit 0: the test message is in the room. Exit 75: the message is queued; or the account was not invited to the " +
    "room in time. If the invite is missing, invite the account, and run setup again. Exit 130: you pressed Ctrl-C; " +
    "the configuration file is unchanged.",
    "For a router, see setup router.",
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

export const router: Command = defineCommand({
  operands: "[NAME]",
  options: ROUTER_OPTIONS,
  details: [
    "setup router adds a sender to serve.http in the configuration file, with a new token and the network of the " +
    "router. Then it prints the script for the router to standard output. The script contains the address of this " +
    "host and the token. Paste the script into a terminal of the router. Later runs print the same token.",
    "KIND is routeros (a module for the scripts of a RouterOS router, with a queue), netwatch (alerts of netwatch in " +
    "RouterOS), openwrt (a command, and alerts about the interface wan) or opnsense (a script for Monit). " +
    "docs/routers.md describes all steps.",
  ],
  examples: [
    "matrix-notify setup router core1",
    "matrix-notify setup router core1 \\\n  --address 192.168.88.2 --network 192.168.88.1 --yes",
    "matrix-notify setup router core1 --for netwatch --yes",
  ],
  async run(context) {
    const { setUpRouter } = await import("../setup/router.ts");
    return await setUpRouter(context);
  },
});
