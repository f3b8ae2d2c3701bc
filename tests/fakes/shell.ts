/** Runs our program in shell scripts: with pipes, redirections and devices such as `/dev/full`. */

import { inheritedConfig } from "../../scripts/std/argv.ts";

const ENTRY = new URL("../../src/main.ts", import.meta.url).pathname;

/** The result of a script. */
export interface ShellResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Returns the command line of our program, quoted for a shell. */
export function programWords(): string {
  const words = [Deno.execPath(), "run", "--quiet", "--no-prompt", "-A", ...inheritedConfig(), ENTRY];
  return words.map((word) => `'${word}'`).join(" ");
}

/**
 * Runs a script. In the script, `matrix-notify` is our program.
 *
 * @param env variables that are set in addition to the environment of the test
 */
export async function runShell(script: string, env: Readonly<Record<string, string>> = {}): Promise<ShellResult> {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", script.replaceAll(/\bmatrix-notify /g, `${programWords()} `)],
    env: { ...env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

/** Returns the environment in which our program sends to the room of a scene. */
export function sceneEnv(
  { homeserver, accessToken, room, stateDir }: {
    readonly homeserver: { readonly url: string };
    readonly accessToken: string;
    readonly room: string;
    readonly stateDir: string;
  },
): Record<string, string> {
  return {
    MATRIX_HOMESERVER: homeserver.url,
    MATRIX_ACCESS_TOKEN: accessToken,
    MATRIX_ROOM: room,
    MATRIX_NOTIFY_STATE_DIR: stateDir,
    MATRIX_NOTIFY_CONFIG: "",
  };
}
