/** Completes command lines in real shells, with the scripts that `completions` prints. */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { inheritedConfig } from "../../scripts/std/argv.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { main } from "../../src/cli/main.ts";
import { denoCache } from "../fakes/deno_cache.ts";
import { findProgram } from "../fakes/find_program.ts";
import { installOrStub } from "../fakes/installed_suite.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

type Shell = "bash" | "zsh" | "fish";

/** A channel with a name that a shell must quote. */
const ODD_NAME = `my phone's "x"; $(echo)`;

interface CompletionCase {
  readonly line: string;
  readonly all?: readonly string[];
  readonly some?: readonly string[];
  readonly isOfferedByFish?: boolean;
}

/**
 * What a shell offers for a command line: exactly these words, or at least those in `some`. fish
 * does not leave out the options that are already given.
 */
const CASES: readonly CompletionCase[] = [
  { line: "", some: [...new Set(COMMANDS.map(({ name }) => name.split(" ")[0])), "help"] },
  { line: "st", all: ["status"] },
  { line: "queue ", all: ["list", "show", "retry", "drop", "export", "purge"] },
  { line: "config s", all: ["show", "schema"] },
  { line: "setup ", all: ["router"] },
  { line: "setup --ro", all: ["--room"] },
  { line: "setup router --ro", all: [] },
  { line: "setup router --for ", all: ["routeros", "netwatch", "openwrt", "opnsense"] },
  { line: "help setup r", all: ["router"] },
  { line: "help queue l", all: ["list"] },
  { line: "permissions room ", all: ["create", "list"] },
  { line: "send --f", all: ["--format"] },
  { line: "send --format ", all: ["text", "code", "markdown", "html"] },
  { line: "send -f m", all: ["markdown"] },
  { line: "send -p ", all: ["info", "warning", "error", "critical"] },
  { line: "send --silent --si", all: [], isOfferedByFish: true },
  { line: "send --channel ntfy --chan", all: ["--channel"] },
  { line: "send --channel ", all: ["ntfy", "matrix", ODD_NAME] },
  { line: "send --channel my", all: [ODD_NAME] },
  { line: "send --config other.json -c ", all: ["other"] },
  { line: "send --room ", all: ["#alerts:example.org"] },
  { line: "send --attach od", all: ["odd name.txt"] },
  { line: "send --state-dir sta", all: ["state/"] },
  { line: "send Subject ", all: [] },
  { line: "queue show ", all: ["ENTRY"] },
  { line: "queue drop ENTRY ", some: ["ENTRY"] },
  { line: "queue export od", all: ["odd name.txt"] },
  { line: "completions ", all: ["bash", "zsh", "fish", "channels", "rooms", "entries"] },
  { line: "sendmail -", some: ["--channel", "-t", "-i"] },
  { line: "run -- matrix-not", all: ["matrix-notify"] },
  { line: "run matrix-not", all: ["matrix-notify"] },
  { line: "run -k backup -- matrix-not", all: ["matrix-notify"] },
  { line: "no-such-command ", all: [] },
];

/**
 * How each shell prints what it offers: `== LINE`, and then the words. fish prints them without
 * quotes.
 */
const DRIVERS: Readonly<Record<Shell, string>> = {
  bash: String.raw`
    source ./script
    compopt() { # In a real completion, bash then completes files itself.
      case $2 in
      default) mapfile -t COMPREPLY < <(compgen -f -- "$current" | sed 's/[^[:alnum:].]/\\&/g') ;;
      dirnames) mapfile -t COMPREPLY < <(compgen -d -S / -- "$current") ;;
      esac
    }
    while IFS= read -r line; do
      echo "== $line" >>"$OUT"
      COMP_LINE=$line COMP_POINT=${"$"}{#line}
      read -ra COMP_WORDS <<<"$line"
      [[ $line == *' ' ]] && COMP_WORDS+=('')
      COMP_CWORD=$((${"$"}{#COMP_WORDS[@]} - 1))
      _matrix_notify matrix-notify
      for word in "${"$"}{COMPREPLY[@]}"; do
        # A word that is not quoted well is a syntax error, or another word.
        eval "word=$word"; printf '%s\n' "$word" >>"$OUT"
      done
    done <lines`,
  fish: String.raw`
    source ./script
    while read -l line
      echo "== $line" >>$OUT
      for offer in (complete -C "$line")
        string split -f 1 \t -- $offer >>$OUT
      end
    end <lines`,
  zsh: String.raw`
    zmodload zsh/zpty
    zpty z 'ZDOTDIR=. zsh -i'
    zpty -r z shown '*NEVER*'`,
};

/** The start file of zsh: completes each line in the line editor, as the user does. */
const ZSHRC = String.raw`
  PS1= LISTMAX=10000
  fpath=($PWD/functions $fpath)
  autoload -Uz compinit && compinit -u -D
  compadd() {
    if [[ ${"$"}{@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
    local -a hits; builtin compadd -A hits "$@"
    local hit; for hit in $hits; do print -r -- "${"$"}{(Q)hit}$([[ -d $hit ]] && echo /)" >>$OUT; done
    builtin compadd "$@"
  }
  play() {
    local line
    for line in "${"$"}{(@f)$(<lines)}"; do
      print -r -- "== $line" >>$OUT
      BUFFER=$line CURSOR=$#line
      zle list-choices
    done
    BUFFER=exit; zle accept-line
  }
  zle -N play; zle-line-init() { zle play }; zle -N zle-line-init
`;

/** Creates a directory with the program, a configuration, a queue of one entry, and files. */
async function createScene(shell: Shell) {
  const directory = await Deno.makeTempDir({ prefix: "completions-" });
  const write = (name: string, text: string, mode = 0o600) =>
    Deno.writeTextFile(`${directory}/${name}`, text, { mode });
  const ntfy = { kind: "ntfy", server: "http://127.0.0.1:1", topic: "alerts" };
  const matrix = { homeserver: "http://127.0.0.1:1", accessToken: "secret", room: "#alerts:example.org" };
  await write("config.json", JSON.stringify({ channels: { ntfy, matrix, [ODD_NAME]: ntfy } }));
  await write("other.json", JSON.stringify({ channels: { other: ntfy } }));
  await write("odd name.txt", "");
  const source = fromFileUrl(new URL("../../src/main.ts", import.meta.url));
  for (const folder of ["bin", "functions", "home", "state"]) {
    await Deno.mkdir(`${directory}/${folder}`, { mode: 0o700 });
  }
  const program = [Deno.execPath(), "run", "-A", "-q", ...inheritedConfig(), source].map((word) => `'${word}'`).join(
    " ",
  );
  await write("bin/matrix-notify", `#!/bin/sh\nexec ${program} "$@"\n`, 0o700);
  await write(".zshrc", ZSHRC);
  await write("driver", DRIVERS[shell]);
  const env = {
    PATH: `${directory}/bin:/usr/bin:/bin`,
    HOME: `${directory}/home`,
    OUT: `${directory}/out`,
    TERM: "dumb",
    LC_ALL: "C.UTF-8",
    DENO_DIR: denoCache(),
    MATRIX_NOTIFY_CONFIG: `${directory}/config.json`,
    MATRIX_NOTIFY_STATE_DIR: `${directory}/state`,
  };
  const run = async (command: string, ...args: string[]) => {
    const { stdout, stderr } = await new Deno.Command(command, { args, cwd: directory, env, clearEnv: true }).output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  };
  await run(`${directory}/bin/matrix-notify`, ..."send Full --wait 0 --no-background --channel ntfy".split(" "));
  const [id] = (await run(`${directory}/bin/matrix-notify`, "completions", "entries")).split("\t");
  const script = await run(`${directory}/bin/matrix-notify`, "completions", shell);
  await write("script", script);
  await write("functions/_matrix-notify", script);
  await write("lines", CASES.map(({ line }) => `matrix-notify ${line.replace("ENTRY", id)}\n`).join(""));
  await write("out", "");
  return { directory, run, id };
}

/** Returns what the shell offers for each line. */
async function completeAll(shell: Shell): Promise<readonly (readonly string[])[]> {
  const { directory, run, id } = await createScene(shell);
  try {
    const options = { bash: ["--norc", "--noprofile"], zsh: ["-f"], fish: ["--no-config"] }[shell];
    const trouble = await run(await findProgram(shell), ...options, "driver");
    assertEquals(trouble, "", shell);
    const [, ...parts] = (await Deno.readTextFile(`${directory}/out`)).split(/^== .*\n/m);
    return parts.map((part) => part.split("\n").filter((word) => word !== "").map((word) => word.replace(id, "ENTRY")));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

for (const shell of ["bash", "zsh", "fish"] as const) {
  const title = `completions ${shell} completes commands, options, files, channels, entries and command lines`;
  const stub = await installOrStub(shell, () => findProgram(shell));
  if (stub) stub(title);
  else {
    Deno.test(title, async () => {
      const offers = await completeAll(shell);
      assertEquals(offers.length, CASES.length);
      for (const [i, { line, all, some = [], isOfferedByFish }] of CASES.entries()) {
        if (shell === "fish" && isOfferedByFish) continue;
        const offered = [...new Set(offers[i])].toSorted();
        if (all !== undefined) assertEquals(offered, all.toSorted(), `${shell}: ${line}`);
        for (const word of some) assert(offered.includes(word), `${shell}: ${line}: no ${word} in ${offered}`);
      }
    });
  }
}

Deno.test("completions refuses another shell, and names the nearest", async () => {
  using runtime = fakeRuntime();
  assertEquals(await main(["completions", "bsh"], runtime), 64);
  assert(runtime.err().includes("did you mean bash?"), runtime.err());
});
