import { assertEquals } from "@std/assert";
import { ConfigError } from "../../src/base/errors.ts";
import { withReaderHint } from "../../src/config/serve.ts";

Deno.test("withReaderHint() does not tell a user to share a file that only serve needs", () => {
  const message = "Cannot use serve.http.senders.core1.tokenFile /etc/matrix-notify/core1.token: permission is denied";
  const place = { setting: "serve.http.senders.core1.tokenFile" };
  const cause = new Deno.errors.PermissionDenied();
  const error = withReaderHint(new ConfigError(message, { hint: "run: chgrp GROUP", cause, place }));
  assertEquals(error.hint, "only the user of serve needs this file: run this command as that user, usually root");
  assertEquals([error.place, error.cause], [place, cause]);
  const missing = new ConfigError(message, { hint: "create it", cause: new Deno.errors.NotFound() });
  assertEquals(withReaderHint(missing), missing);
});
