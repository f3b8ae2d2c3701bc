/** Writes the completion scripts for packages. */

import { ensureDir } from "@std/fs";
import { join } from "@std/path";
import { COMMANDS } from "../../src/cli/commands.ts";
import { bashScript } from "../../src/cli/completions/bash.ts";
import { fishScript } from "../../src/cli/completions/fish.ts";
import { readGrammar } from "../../src/cli/completions/grammar.ts";
import { zshScript } from "../../src/cli/completions/zsh.ts";

/**
 * The files of the scripts, relative to `share/` of the prefix of an installation. Debian uses
 * `zsh/vendor-completions/` for zsh.
 */
const COMPLETION_FILES = {
  bash: "bash-completion/completions/matrix-notify",
  zsh: "zsh/site-functions/_matrix-notify",
  fish: "fish/vendor_completions.d/matrix-notify.fish",
} as const;

/**
 * Writes the scripts into a directory, which stands for `share/` of the prefix.
 *
 * @returns the paths of the files, relative to the directory; see {@linkcode COMPLETION_FILES}
 */
export async function writeCompletions(directory: string): Promise<readonly string[]> {
  const grammar = await readGrammar(COMMANDS);
  const scripts = { bash: bashScript(grammar), zsh: zshScript(grammar), fish: fishScript(grammar) };
  for (const shell of ["bash", "zsh", "fish"] as const) {
    const path = join(directory, COMPLETION_FILES[shell]);
    await ensureDir(join(path, ".."));
    await Deno.writeTextFile(path, scripts[shell]);
  }
  return Object.values(COMPLETION_FILES);
}
