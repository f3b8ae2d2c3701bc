import { assertEquals } from "@std/assert";
import { inheritedConfig } from "../../scripts/std/argv.ts";
import { withCommandOf } from "../../src/cli/program_name.ts";

Deno.test("withCommandOf() adds the command sendmail if the program name is sendmail, in any directory", () => {
  assertEquals(withCommandOf("/usr/sbin/sendmail", ["-t"]), ["sendmail", "-t"]);
  assertEquals(withCommandOf("sendmail", []), ["sendmail"]);
  assertEquals(withCommandOf("/opt/sendmail/matrix-notify", ["-t"]), ["-t"]);
});

Deno.test("mod.ts runs the command sendmail if it is started with the name sendmail", async () => {
  const program = ["run", ...inheritedConfig(), "-A", new URL("../../mod.ts", import.meta.url).href];
  const { code, stderr } = await new Deno.Command("bash", {
    args: ["-c", 'exec -a /usr/sbin/sendmail "$@"', "bash", Deno.execPath(), ...program, "-bp"],
    stdin: "null",
  }).output();
  assertEquals(
    new TextDecoder().decode(stderr).split("\n")[0],
    "matrix-notify: cannot list a mail queue: matrix-notify sendmail can only send mails",
  );
  assertEquals(code, 69);
});
