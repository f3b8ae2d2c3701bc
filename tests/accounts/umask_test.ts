/** What the commands write, as the file system has it, when the umask takes nothing away. */

import { assertEquals } from "@std/assert";
import { inheritedConfig } from "../../scripts/std/argv.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";

const ENTRY = new URL("../../mod.ts", import.meta.url).pathname;

Deno.test("login and send write files and folders that are open to their owner alone, whatever the umask", async () => {
  await using homeserver = await LoopbackHomeserver.start();
  const { userId, password } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const stateDir = Deno.makeTempDirSync({ prefix: "umask-" });
  const own = `${stateDir}/own/deeper`;
  try {
    const deno = [Deno.execPath(), "run", "-q", "-A", "--no-prompt", ...inheritedConfig(), ENTRY].join(" ");
    const script = `umask 0
      printf '%s\\n' "$PASSWORD" | ${deno} login '${userId}' --homeserver '${homeserver.url}' --state-dir '${own}' &&
      ${deno} send Hello '' --state-dir '${own}'`;
    const { code, stderr } = await new Deno.Command("sh", {
      args: ["-c", script],
      env: { PASSWORD: password, MATRIX_USER: userId, MATRIX_ROOM: room },
      stdin: "null",
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const modes = modesBelow(`${stateDir}/own`);
    const names = modes.map(([name]) => name);
    for (
      const name of ["deeper/device.json", "deeper/accounts/%40bot%3Aloopback.test.json", "deeper/queue/queue.jsonl"]
    ) {
      assertEquals(names.includes(name), true, name);
    }
    assertEquals(modes.filter(([, mode, isFolder]) => mode !== (isFolder ? 0o700 : 0o600)), []);
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
});

function modesBelow(folder: string, prefix = ""): [name: string, mode: number, isFolder: boolean][] {
  return Array.from(Deno.readDirSync(folder)).flatMap(({ name, isDirectory }) => {
    const mode = (Deno.statSync(`${folder}/${name}`).mode ?? 0) & 0o777;
    const below = isDirectory ? modesBelow(`${folder}/${name}`, `${prefix}${name}/`) : [];
    return [[`${prefix}${name}`, mode, isDirectory], ...below];
  });
}
