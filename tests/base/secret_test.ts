import { assertEquals } from "@std/assert";
import { hideSecrets, hideSecretsInData, rememberSecret, Secret } from "../../src/base/secret.ts";

Deno.test("Secret.reveal() remembers the secret, and the secret itself is never shown", () => {
  const secret = new Secret(() => "tk_0123456789");
  assertEquals(hideSecrets("bad tk_0123456789"), "bad tk_0123456789");
  assertEquals(secret.reveal(), "tk_0123456789");
  assertEquals(hideSecrets("bad tk_0123456789"), "bad [secret]");
  assertEquals([String(secret), JSON.stringify({ secret }), Deno.inspect(secret)], [
    "[secret]",
    '{"secret":"[secret]"}',
    "[secret]",
  ]);
});

Deno.test("rememberSecret() hides path, query and password of an address, but not its host or plain words", () => {
  rememberSecret("https://bob:hunt%24er2@hooks.example.org/services/T0A1/join/x7Gq-2?key=Zy9w8v7u6");
  const hidden = ["T0A1", "x7Gq-2", "Zy9w8v7u6", "hunt$er2", "/services/T0A1/join/x7Gq-2", "key=Zy9w8v7u6"];
  for (const part of hidden) assertEquals(hideSecrets(`bad ${part} `), "bad [secret] ", part);
  const shown = ["hooks.example.org", "services", "join", "bob"];
  for (const part of shown) assertEquals(hideSecrets(`bad ${part} `), `bad ${part} `);
  assertEquals(hideSecretsInData("join"), "join");
});

Deno.test("rememberSecret() hides the token of a header, but not the name of its scheme", () => {
  rememberSecret("Bearer q1w2e3r4t5");
  rememberSecret(`Basic ${btoa("carl:o9i8u7y6")}`);
  assertEquals(
    hideSecrets("no Bearer q1w2e3r4t5, no Basic o9i8u7y6, carl"),
    "no Bearer [secret], no Basic [secret], carl",
  );
});
