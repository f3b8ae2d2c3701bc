/**
 * Runs Deno as on a host that has never loaded matrix-notify: with an empty home and an empty
 * cache.
 */

import type { LoopbackHomeserver } from "../../src/testing/mod.ts";

/** The host, and the Matrix channel in its environment. */
export interface NewHost {
  /** The empty directory for the home, the cache and the queue. */
  readonly directory: string;
  readonly homeserver: LoopbackHomeserver;
  readonly accessToken: string;
  readonly room: string;
}

/** Returns the whole environment of a process on the host. */
export function environmentOf({ directory, homeserver, accessToken, room }: NewHost): Record<string, string> {
  return {
    HOME: directory,
    DENO_DIR: `${directory}/deno`,
    XDG_STATE_HOME: `${directory}/state`,
    MATRIX_HOMESERVER: homeserver.url,
    MATRIX_ACCESS_TOKEN: accessToken,
    MATRIX_ROOM: room,
    NO_COLOR: "1",
  };
}

/** Runs `deno run` with these arguments in the directory of the host. */
export async function runDeno(
  host: NewHost,
  args: readonly string[],
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", ...args],
    cwd: host.directory,
    clearEnv: true,
    env: environmentOf(host),
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Returns the subjects of the messages in the room, without the name of the host. */
export function subjectsIn({ homeserver, room }: NewHost): string[] {
  return homeserver.events(room).map(({ content }) => String(content.body).replace(/^\[.*?\] /, "").split("\n")[0]);
}
