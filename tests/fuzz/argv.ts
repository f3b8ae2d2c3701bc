/**
 * Fuzzes command lines in this process: every command with random options, values and words. The
 * process may write only to its temporary directory, and may not start programs.
 *
 * @module
 */

import { COMMANDS } from "../../src/cli/commands.ts";
import type { Command } from "../../src/cli/command.ts";
import { type Dice, seededDice } from "../faults/crash_dice.ts";
import { type Fuzzer, FuzzHost } from "./fuzzer.ts";
import { hostileText, pick } from "./hostile.ts";

/** A command with its words. */
interface KnownCommand {
  readonly words: readonly string[];
  readonly command: Command;
}

/** Words that are right somewhere. */
const WORDS = [
  "Disk full",
  "@bot:loopback.test",
  "#alerts:loopback.test",
  "!a:b",
  "-",
  "--",
  "0",
  "5s",
  "1h",
  "true",
  "-t",
];

/** The demo starts processes, and `serve` runs until it is stopped; `program.ts` plays `run`. */
const LEFT_OUT = ["demo", "serve"];

/** Keeps a word from naming a file outside of the directory of the case. */
function harmless(word: string, directory: string): string {
  return /(?:^|=)[/~]|\.\.\//.test(word) ? `${directory}/x${word.length}` : word;
}

function createWord({ command }: KnownCommand, dice: Dice): string {
  const { options } = command;
  const option = options.length === 0 ? undefined : pick(dice, options);
  switch (dice(8)) {
    case 0:
      return hostileText(dice);
    case 1:
      return `--${hostileText(dice)}`;
    case 2:
      return `--${option?.name}=${hostileText(dice)}`;
    case 3:
    case 4:
      return `--${option?.name}`;
    case 5:
      return `-${pick(dice, [..."hvVtiqfFbs", "é", "\x1b"])}`;
    default:
      return pick(dice, WORDS);
  }
}

async function play(known: readonly KnownCommand[], dice: Dice): Promise<string> {
  using host = new FuzzHost({ MATRIX_HOMESERVER: "http://127.0.0.1:1", MATRIX_ACCESS_TOKEN: "t", MATRIX_ROOM: "!a:b" });
  host.env.MATRIX_NOTIFY_CONFIG = host.write("config.json", '{"background":false}');
  host.fetch = () =>
    dice(2) === 0
      ? Promise.reject(new TypeError("client error (Connect): refused"))
      : Promise.resolve(new Response('{"event_id":"$x","user_id":"@bot:loopback.test","versions":["v1.11"]}'));
  const chosen = pick(dice, known);
  const many = dice(20) === 0 ? 2000 : 6;
  const words = Array.from({ length: dice(many) }, () => harmless(createWord(chosen, dice), host.directory));
  const start = dice(10) === 0 ? [harmless(hostileText(dice), host.directory)] : chosen.words;
  await host.run(
    [...start, ...words],
    dice(2) === 0 ? { stdin: hostileText(dice) } : { typed: [hostileText(dice), "\n"] },
  );
  await host.run(["status"]);
  return chosen.words.join(" ");
}

export const argv: Fuzzer = {
  name: "argv",
  async open() {
    const entries = COMMANDS.filter(({ name }) => !LEFT_OUT.includes(name));
    const known = await Promise.all(
      entries.map(async ({ name, load }) => ({ words: name.split(" "), command: await load() })),
    );
    return { play: async (seed) => await play(known, seededDice(seed)), async [Symbol.asyncDispose]() {} };
  },
};
