import { assertEquals } from "@std/assert";
import { inheritedConfig } from "../../scripts/std/argv.ts";
import { wordsFor } from "../../src/cli/called_as.ts";

Deno.test("wordsFor() makes a command of the name sendmail, wherever it lies", () => {
  assertEquals(wordsFor("/usr/sbin/sendmail", ["-t"]), ["sendmail", "-t"]);
  assertEquals(wordsFor("sendmail", []), ["sendmail"]);
  assertEquals(wordsFor("/opt/sendmail/matrix-notify", ["-t"]), ["-t"]);
});

Deno.test("mod.ts is sendmail when it is called so", async () => {
  const program = ["run", ...inheritedConfig(), "-A", new URL("../../mod.ts", import.meta.url).href];
  const { code, stderr } = await new Deno.Command("bash", {
    args: ["-c", 'exec -a /usr/sbin/sendmail "$@"', "bash", Deno.execPath(), ...program, "-bp"],
    stdin: "null",
  }).output();
  assertEquals(
    new TextDecoder().decode(stderr).split("\n")[0],
    "matrix-notify: cannot list a mail queue: this sendmail only sends a mail",
  );
  assertEquals(code, 69);
});
