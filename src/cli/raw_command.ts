/**
 * Starts a command with arguments that are not UTF-8. In `Deno.args`, bytes that are not UTF-8 are
 * replaced with U+FFFD (�), and `Deno.Command` accepts only text. Therefore matrix-notify starts a
 * shell and gives it the bytes as octal numbers. The shell starts the command with `exec`.
 *
 * @module
 */

import { readArgumentBytes } from "../runtime/argument_bytes.ts";

const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The script of the shell. Each argument is a word of the command with a prefix: `r` means octal
 * numbers, and `=` means plain text. The script decodes the words and starts the command.
 */
const SCRIPT = `
for word do
  shift
  case $word in
  r*) word=$(printf '%b.' "\${word#r}"); word=\${word%.} ;;
  *) word=\${word#=} ;;
  esac
  set -- "$@" "$word"
done
exec "$@"
`;

/**
 * Creates the command line that starts a command with its exact bytes.
 *
 * @param command the words of the command, which are the last words in the command line of this
 *   process
 * @returns undefined if the bytes cannot be read, for example without `/proc`
 */
export async function createRawCommand(command: readonly string[]): Promise<readonly string[] | undefined> {
  const words = (await readArgumentBytes())?.slice(-command.length) ?? [];
  const isSame = command.every((word, i) => words[i] !== undefined && DECODER.decode(words[i]) === word);
  if (!isSame) return undefined;
  return [
    "/bin/sh",
    "-c",
    SCRIPT,
    "sh",
    ...command.map((word, i) => word.includes("\ufffd") ? encode(words[i]) : `=${word}`),
  ];
}

/** Encodes bytes for `printf %b`: each byte as an octal number, such as `\0344`. */
function encode(bytes: Uint8Array): string {
  return `r${Array.from(bytes, (byte) => `\\0${byte.toString(8).padStart(3, "0")}`).join("")}`;
}
