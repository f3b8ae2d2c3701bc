/**
 * Reads the arguments of this program as bytes. `Deno.args` replaces bytes that are not UTF-8 by
 * U+FFFD. The original bytes are in `/proc`. Deno allows this program to read `/proc` only if the
 * program has all permissions. Therefore the program `cat` reads the bytes.
 *
 * @module
 */

/** The maximum time for reading the arguments, in milliseconds. */
const ANSWER_MS = 2000;

/** Returns the bytes of each argument, or undefined if the arguments cannot be read as bytes. */
export async function readArgumentBytes(): Promise<readonly Uint8Array[] | undefined> {
  try {
    const { stdout } = await new Deno.Command("/bin/sh", {
      args: ["-c", "exec cat /proc/$PPID/cmdline"],
      clearEnv: true,
      env: { PATH: "/usr/bin:/bin" },
      stdin: "null",
      stderr: "null",
      signal: AbortSignal.timeout(ANSWER_MS),
    }).output();
    const all = splitAtZeros(stdout);
    const words = all.slice(Math.max(0, all.length - Deno.args.length));
    const shown = words.map((word) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(word));
    return JSON.stringify(shown) === JSON.stringify(Deno.args) ? words : undefined;
  } catch {
    return undefined;
  }
}

function splitAtZeros(bytes: Uint8Array): readonly Uint8Array[] {
  const words: Uint8Array[] = [];
  for (let start = 0, end = bytes.indexOf(0); end >= 0; start = end + 1, end = bytes.indexOf(0, start)) {
    words.push(bytes.subarray(start, end));
  }
  return words;
}
