import { assertEquals } from "@std/assert";
import type { ResponseClass } from "../../src/base/errors.ts";
import { MatrixError } from "../../src/matrix/errors.ts";

const STATUS_DECIDES = undefined;

const TABLE: readonly [status: number, errcode: string, expected: ResponseClass | undefined][] = [
  [429, "M_LIMIT_EXCEEDED", "rate-limited"],
  [400, "M_LIMIT_EXCEEDED", "rate-limited"],
  [429, "M_UNKNOWN", "rate-limited"],
  [401, "M_UNKNOWN_TOKEN", "credentials"],
  [401, "M_MISSING_TOKEN", "credentials"],
  [401, "M_USER_LOCKED", "credentials"],
  [403, "M_USER_SUSPENDED", "credentials"],
  [403, "M_USER_DEACTIVATED", "credentials"],
  [403, "M_CONSENT_NOT_GIVEN", "credentials"],
  [403, "M_RESOURCE_LIMIT_EXCEEDED", "credentials"],
  [403, "M_FORBIDDEN", "destination"],
  [404, "M_NOT_FOUND", "destination"],
  [400, "M_UNSUPPORTED_ROOM_VERSION", "destination"],
  [404, "M_UNRECOGNIZED", "not-the-service"],
  [405, "M_UNRECOGNIZED", "not-the-service"],
  [413, "M_UNRECOGNIZED", STATUS_DECIDES],
  [413, "M_BAD_JSON", STATUS_DECIDES],
  [413, "M_TOO_LARGE", STATUS_DECIDES],
  [400, "M_BAD_JSON", STATUS_DECIDES],
  [500, "M_UNKNOWN", STATUS_DECIDES],
  [400, "constructor", STATUS_DECIDES],
];

for (const [status, errcode, expected] of TABLE) {
  Deno.test(`MatrixError.failureClass is ${expected} for ${status} ${errcode}`, () => {
    assertEquals(new MatrixError("said", { status, errcode }).failureClass, expected);
  });
}

Deno.test("MatrixError.hint says how to fix a problem of the account, and is undefined for other errcodes", () => {
  const hintOf = (errcode: string) => new MatrixError("said", { status: 403, errcode }).hint;
  assertEquals(hintOf("M_USER_LOCKED"), "ask the homeserver's administrator to unlock the account");
  assertEquals(["M_FORBIDDEN", "M_UNKNOWN", "toString"].map(hintOf), Array(3).fill(undefined));
});
