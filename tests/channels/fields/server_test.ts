import { assertEquals } from "@std/assert";
import { SECRET_FORMS } from "../../../src/channels/fields/server.ts";

Deno.test("SECRET_FORMS.token says what is wrong with a token that was copied badly", () => {
  const { problemOf } = SECRET_FORMS.token;
  assertEquals(["syt_token", "a\"b'", '"'].map(problemOf), [undefined, undefined, undefined]);
  assertEquals(problemOf(""), "it is empty");
  assertEquals(problemOf('"syt_token"'), "it must be the token without quotes");
  assertEquals(problemOf("'syt_token'"), "it must be the token without quotes");
  assertEquals(problemOf("Bearer syt_token"), "it must be one token of visible ASCII characters");
});
