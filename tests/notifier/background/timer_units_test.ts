import { assertEquals, assertMatch } from "@std/assert";
import { PERMISSION_TABLE } from "../../../src/base/permission_table.ts";
import { VARIABLES } from "../../../src/base/variables.ts";
import { unitPermissions } from "../../../src/notifier/background/permissions.ts";
import { quoteWord } from "../../../src/notifier/background/timer_units.ts";
import { permissionFlags } from "../../../src/runtime/permissions.ts";

Deno.test("quoteWord() writes a word so that systemd changes nothing in it", () => {
  const cases: Readonly<Record<string, string>> = {
    "/usr/bin/deno": "/usr/bin/deno",
    "--allow-sys=hostname,uid": "--allow-sys=hostname,uid",
    "%i": "%i",
    "/srv/my backups": '"/srv/my backups"',
    "50%": '"50%%"',
    "$HOME": '"$$HOME"',
    'a"b\\c': '"a\\"b\\\\c"',
    "a\nExecStart=/evil\rb\t": '"a\\x0aExecStart=/evil\\x0db\\x09"',
    "": '""',
  };
  for (const [word, quoted] of Object.entries(cases)) assertEquals(quoteWord(word), quoted);
  assertEquals(quoteWord("A=$b c", "environment"), '"A=$b c"');
  assertEquals(quoteWord("/srv/$b c", "path"), '"/srv/$b c"');
});

Deno.test("unitPermissions() lets a unit write only to the state directory, and run only what the command needs", () => {
  const access = {
    ...{ stateDir: "/s", configFiles: ["/c.json"], unitDir: "/u", hosts: ["example.org:443"], usesAnyHost: false },
    ...{ files: ["/token"], programs: [] as string[] },
  };
  const flags = (command: "flush" | "service alert", programs: readonly string[] = []) =>
    permissionFlags(unitPermissions(command, { ...access, programs })).map((flag) => flag.replace(/kill.*/, "kill"));
  const variables = (command: string) => PERMISSION_TABLE[command].env.flatMap((group) => VARIABLES[group]);
  assertEquals(flags("flush"), [
    ...["--allow-net", "--allow-read", "--allow-write=/s"],
    `--allow-env=${[...new Set(variables("flush"))].join(",")}`,
    "--allow-sys=hostname,uid",
  ]);
  assertMatch(flags("flush", ["/bin/tell"]).join(" "), / --allow-run=\/bin\/tell,/);
  assertMatch(flags("service alert").join(" "), / --allow-run=\S+,\/bin\/sh,systemctl,journalctl,/);
});
