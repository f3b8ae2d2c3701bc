/** `completions`: prints a completion script, and the values that the scripts offer. */

import { type Command, type CommandContext, defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { EXIT } from "../exit_codes.ts";

/** What the command prints, by its operand. */
const PRINTERS: Readonly<Record<string, (context: CommandContext) => Promise<readonly string[]>>> = {
  bash: async ({ commands }) => [(await import("../completions/bash.ts")).bashScript(await readAll(commands))],
  zsh: async ({ commands }) => [(await import("../completions/zsh.ts")).zshScript(await readAll(commands))],
  fish: async ({ commands }) => [(await import("../completions/fish.ts")).fishScript(await readAll(commands))],
  channels: async (context) => (await import("../completions/values.ts")).listChannels(context),
  rooms: async (context) => (await import("../completions/values.ts")).listRooms(context),
  entries: async (context) => (await import("../completions/values.ts")).listEntries(context),
};

export const completions: Command = defineCommand({
  operands: Object.keys(PRINTERS).join("|"),
  options: [],
  details: [
    "With bash, zsh or fish, completions prints a script. The script completes commands, options and their values " +
    "when you press Tab. For all users, write the script as root to " +
    "/usr/share/bash-completion/completions/matrix-notify, /usr/share/zsh/site-functions/_matrix-notify or " +
    "/usr/share/fish/vendor_completions.d/matrix-notify.fish. The examples show the files for one user. For zsh, " +
    "write this line into ~/.zshrc, above the line with compinit: fpath=(~/.zfunc $fpath). bash needs the package " +
    'bash-completion to find the file. Without the package, add this line to ~/.bashrc: eval "$(matrix-notify ' +
    'completions bash)"',
    "With the word channels, rooms or entries, completions prints a list, one line each: the names of the channels, " +
    "the rooms of the channels, or the ids of the entries in the queue. The scripts use these lists. No network is " +
    "needed.",
  ],
  examples: [
    "mkdir -p ~/.local/share/bash-completion/completions\n" +
    "matrix-notify completions bash \\\n  > ~/.local/share/bash-completion/completions/matrix-notify",
    "mkdir -p ~/.zfunc\nmatrix-notify completions zsh > ~/.zfunc/_matrix-notify",
    "mkdir -p ~/.config/fish/completions\n" +
    "matrix-notify completions fish > ~/.config/fish/completions/matrix-notify.fish",
  ],
  run,
});

async function run(context: CommandContext): Promise<number> {
  const [what] = context.args.operands;
  if (!Object.hasOwn(PRINTERS, what)) {
    const { nearest } = await import("../../base/nearest.ts");
    const near = nearest(what, Object.keys(PRINTERS));
    throw new UsageError(
      `Cannot print completions for "${what}": it must be one of ${Object.keys(PRINTERS).join(", ")}`,
      near === undefined ? "example: matrix-notify completions bash" : `did you mean ${near}?`,
    );
  }
  for (const text of await PRINTERS[what](context)) context.ui.data(text);
  return EXIT.ok;
}

async function readAll(commands: CommandContext["commands"]) {
  const { readGrammar } = await import("../completions/grammar.ts");
  return await readGrammar(commands);
}
