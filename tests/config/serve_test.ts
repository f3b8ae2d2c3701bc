import { assertEquals } from "@std/assert";
import { ConfigError } from "../../src/base/errors.ts";
import { Fields } from "../../src/base/fields.ts";
import { readServe, withReaderHint } from "../../src/config/serve.ts";
import { PARSE_CONTEXT } from "../fakes/parse_context.ts";

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

/** Returns the problems of the settings of sockets on an operating system. */
function socketProblems(sockets: Record<string, { path?: string }>, os: string): readonly string[] {
  const problems: ConfigError[] = [];
  readServe(new Fields({ serve: { sockets } }, "", {}, problems), PARSE_CONTEXT, { os });
  return problems.map(({ message, place }) => `${place.setting}: ${message}`);
}

for (const [os, maxBytes] of [["linux", 100], ["darwin", 96], ["freebsd", 96]] as const) {
  Deno.test(`readServe() permits paths of sockets with up to ${maxBytes} bytes on ${os}`, () => {
    const limit = `longer than ${maxBytes} bytes, the limit for a socket`;
    const path = "/run/é/".padEnd(maxBytes - 1, "x"), name = "n".repeat(maxBytes - "/run/matrix-notify/".length);
    assertEquals(socketProblems({ a: { path }, [name]: {} }, os), []);
    assertEquals(socketProblems({ a: { path: `${path}x` }, [`${name}n`]: {}, b: { path: `${path}é` } }, os), [
      `serve.sockets.a.path: Cannot use serve.sockets.a.path: it is ${limit}`,
      `serve.sockets.${name}n: Cannot use serve.sockets.${name}n: its path /run/matrix-notify/${name}n is ${limit}`,
      `serve.sockets.b.path: Cannot use serve.sockets.b.path: it is ${limit}`,
    ]);
  });
}
