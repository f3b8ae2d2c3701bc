import { assertEquals } from "@std/assert";
import { classify, type FailureClass, RESET_GAP_MS, TIMEOUT_GAP_MS } from "../../src/delivery/classify.ts";
import {
  BeforeSendingError,
  ConfigError,
  NotTheServiceError,
  ResponseError,
  TooEarlyError,
  TransportError,
} from "../../src/base/errors.ts";
import { MatrixError } from "../../src/matrix/errors.ts";

const matrix = (status: number, errcode: string) => new MatrixError("said", { status, errcode });
const other = (status: number) => new ResponseError("said", { status, errcode: "42" });

const TABLE: [what: string, error: unknown, expected: FailureClass, gapMs?: number][] = [
  ["a connection that never was", new TransportError("connect", "x"), "not-sent"],
  ["a connection that broke", new TransportError("exchange", "x"), "ambiguous", RESET_GAP_MS],
  ["no answer in time", new TransportError("timeout", "x"), "ambiguous", TIMEOUT_GAP_MS],
  ["429", matrix(429, "M_LIMIT_EXCEEDED"), "limited"],
  ["M_LIMIT_EXCEEDED with another status", matrix(400, "M_LIMIT_EXCEEDED"), "limited"],
  ["429 with an unknown errcode", matrix(429, "M_UNKNOWN"), "limited"],
  ["401 M_UNKNOWN_TOKEN", matrix(401, "M_UNKNOWN_TOKEN"), "account"],
  ["401 M_MISSING_TOKEN", matrix(401, "M_MISSING_TOKEN"), "account"],
  ["401 M_USER_LOCKED", matrix(401, "M_USER_LOCKED"), "account"],
  ["403 M_USER_SUSPENDED", matrix(403, "M_USER_SUSPENDED"), "account"],
  ["403 M_USER_DEACTIVATED", matrix(403, "M_USER_DEACTIVATED"), "account"],
  ["403 M_CONSENT_NOT_GIVEN", matrix(403, "M_CONSENT_NOT_GIVEN"), "account"],
  ["403 M_RESOURCE_LIMIT_EXCEEDED", matrix(403, "M_RESOURCE_LIMIT_EXCEEDED"), "account"],
  ["403 M_FORBIDDEN", matrix(403, "M_FORBIDDEN"), "room"],
  ["404 M_NOT_FOUND", matrix(404, "M_NOT_FOUND"), "room"],
  ["400 M_UNSUPPORTED_ROOM_VERSION", matrix(400, "M_UNSUPPORTED_ROOM_VERSION"), "room"],
  ["400 M_BAD_JSON", matrix(400, "M_BAD_JSON"), "poison"],
  ["400 M_NOT_JSON", matrix(400, "M_NOT_JSON"), "poison"],
  ["400 M_INVALID_PARAM", matrix(400, "M_INVALID_PARAM"), "poison"],
  ["400 with an unknown errcode", matrix(400, "M_UNKNOWN"), "poison"],
  ["413 M_TOO_LARGE", matrix(413, "M_TOO_LARGE"), "poison"],
  ["413 M_BAD_JSON", matrix(413, "M_BAD_JSON"), "poison"],
  ["404 M_UNRECOGNIZED", matrix(404, "M_UNRECOGNIZED"), "not-the-service"],
  ["405 M_UNRECOGNIZED", matrix(405, "M_UNRECOGNIZED"), "not-the-service"],
  ["500 M_UNKNOWN", matrix(500, "M_UNKNOWN"), "ambiguous", RESET_GAP_MS],
  ["503 M_UNKNOWN", matrix(503, "M_UNKNOWN"), "ambiguous", RESET_GAP_MS],
  ["408 of another service", other(408), "ambiguous", RESET_GAP_MS],
  ["401 of another service", other(401), "account"],
  ["403 of another service", other(403), "account"],
  ["404 of another service", other(404), "room"],
  ["400 of another service", other(400), "poison"],
  ...(["not-sent", "account", "room", "room-busy", "poison"] as const).map(
    (verdict): [string, unknown, FailureClass] => {
      return [`a verdict of the channel's own: ${verdict}`, new ResponseError("x", { status: 500, verdict }), verdict];
    },
  ),
  ["a strange status of another service", other(302), "not-the-service"],
  ["an HTML page with 200", new NotTheServiceError("x", { status: 200 }), "not-the-service"],
  ["a redirect", new NotTheServiceError("x", { status: 302 }), "not-the-service"],
  ["404 of a proxy", new NotTheServiceError("x", { status: 404 }), "not-the-service"],
  ["401 of a proxy", new NotTheServiceError("x", { status: 401 }), "not-the-service"],
  ["413 of a proxy", new NotTheServiceError("x", { status: 413 }), "poison"],
  ["429 of a proxy", new NotTheServiceError("x", { status: 429 }), "limited"],
  ["an alias that could not be asked for", new BeforeSendingError(new TransportError("timeout", "x")), "not-sent"],
  ["an alias that does not exist", new BeforeSendingError(matrix(404, "M_NOT_FOUND")), "room"],
  ["a doubt that cannot be cleared yet", new TooEarlyError("x", 5), "doubt"],
  ["502 of a proxy", new NotTheServiceError("x", { status: 502 }), "ambiguous", RESET_GAP_MS],
  ["a token file that cannot be read", new ConfigError("x"), "account"],
  ["anything unknown", new Error("x"), "ambiguous", RESET_GAP_MS],
  ["what is no error", "x", "ambiguous", RESET_GAP_MS],
];

for (const [what, error, expected, gapMs] of TABLE) {
  Deno.test(`classify() calls ${what} ${expected}`, () => {
    const failure = classify(error);
    assertEquals([failure.class, failure.gapMs], [expected, gapMs]);
  });
}

Deno.test("classify() looks at no text: a room that is named 401 holds nothing", () => {
  assertEquals(
    classify(new MatrixError("no room 401 M_UNKNOWN_TOKEN", { status: 404, errcode: "M_NOT_FOUND" })).class,
    "room",
  );
});

Deno.test("classify() keeps what the server said", () => {
  const failure = classify(
    new MatrixError("slow down", { status: 429, errcode: "M_LIMIT_EXCEEDED", retryAfterMs: 4293 }),
  );
  assertEquals(failure, {
    class: "limited",
    reason: "slow down",
    status: 429,
    errcode: "M_LIMIT_EXCEEDED",
    retryAfterMs: 4293,
  });
});
