/** The modes of the files that commands write with umask 0. */

import { assertEquals } from "@std/assert";
import { inheritedConfig } from "../../scripts/std/argv.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";

const ENTRY = new URL("../../mod.ts", import.meta.url).pathname;

const STATE_FILES = ["device.json", "accounts/%40bot%3Aloopback.test.json", "queue/queue.jsonl"].map((name) =>
  `deeper/${name}`
);

Deno.test("login and send write files and folders that only the owner can read, with umask 0", async () => {
  await umaskTest(
    STATE_FILES,
    ({ deno, login, own, room }) =>
      `${login} login "$USER_ID" --state-dir '${own}/deeper' --homeserver "$HOMESERVER" &&
    MATRIX_USER="$USER_ID" MATRIX_ROOM='${room}' ${deno} send Hello '' --state-dir '${own}/deeper'`,
  );
});

Deno.test("setup writes files and folders that only the owner can read, with umask 0", async () => {
  await umaskTest(
    [...STATE_FILES, "config/deep/config.json"],
    ({ login, own, room }) =>
      `${login} setup --user "$USER_ID" --state-dir '${own}/deeper' --homeserver "$HOMESERVER" --password-file - \\
      --room '${room}' --config '${own}/config/deep/config.json' --yes`,
  );
});

/** The parts of a script. */
interface Parts {
  /** The command that starts the program. */
  readonly deno: string;
  /** The same, with the password on standard input. */
  readonly login: string;
  /** A folder that does not exist yet. */
  readonly own: string;
  readonly room: string;
}

/** Runs a script with umask 0, and checks the modes of all files that it wrote. */
async function umaskTest(expected: readonly string[], script: (parts: Parts) => string): Promise<void> {
  await using homeserver = await LoopbackHomeserver.start();
  const { userId, password } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const folder = Deno.makeTempDirSync({ prefix: "umask-" });
  const own = `${folder}/own`;
  try {
    const deno = [Deno.execPath(), "run", "-q", "-A", "--no-prompt", ...inheritedConfig(), ENTRY].join(" ");
    const login = `printf '%s\\n' "$PASSWORD" | ${deno}`;
    const { code, stderr } = await new Deno.Command("sh", {
      args: ["-c", `umask 0\n${script({ deno, login, own, room })}`],
      env: { PASSWORD: password, USER_ID: userId, HOMESERVER: homeserver.url },
      stdin: "null",
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const modes = listModes(own);
    const names = modes.map(([name]) => name);
    for (const name of expected) assertEquals(names.includes(name), true, name);
    assertEquals(modes.filter(([, mode, isFolder]) => mode !== (isFolder ? 0o700 : 0o600)), []);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function listModes(folder: string, prefix = ""): [name: string, mode: number, isFolder: boolean][] {
  return Array.from(Deno.readDirSync(folder)).flatMap(({ name, isDirectory }) => {
    const mode = (Deno.statSync(`${folder}/${name}`).mode ?? 0) & 0o777;
    const below = isDirectory ? listModes(`${folder}/${name}`, `${prefix}${name}/`) : [];
    return [[`${prefix}${name}`, mode, isDirectory], ...below];
  });
}
