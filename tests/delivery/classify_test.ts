import { assertEquals } from "@std/assert";
import {
  classify,
  type FailureClass,
  MAX_FOREIGN_WAIT_MS,
  RESET_GAP_MS,
  TIMEOUT_GAP_MS,
} from "../../src/delivery/classify.ts";
import {
  ConfigError,
  DestinationError,
  NotSentError,
  NotTheServiceError,
  ResponseError,
  TooEarlyError,
  TransportError,
} from "../../src/base/errors.ts";
import { MatrixError } from "../../src/matrix/errors.ts";

const matrix = (status: number, errcode: string) => new MatrixError("said", { status, errcode });
const other = (status: number) => new ResponseError("said", { status, errcode: "42" });

const CLASSES = [
  "not-sent",
  "in-doubt",
  "rate-limited",
  "credentials",
  "destination",
  "destination-busy",
  "rejected",
  "not-the-service",
] as const;

const TABLE: [what: string, error: unknown, expected: FailureClass, gapMs?: number][] = [
  ["a failed connection", new TransportError("connect", "x"), "not-sent"],
  ["a broken connection", new TransportError("exchange", "x"), "in-doubt", RESET_GAP_MS],
  ["a timeout", new TransportError("timeout", "x"), "in-doubt", TIMEOUT_GAP_MS],
  ["429 of another service", other(429), "rate-limited"],
  ["400 M_BAD_JSON", matrix(400, "M_BAD_JSON"), "rejected"],
  ["400 M_NOT_JSON", matrix(400, "M_NOT_JSON"), "rejected"],
  ["400 M_INVALID_PARAM", matrix(400, "M_INVALID_PARAM"), "rejected"],
  ["400 with an unknown errcode", matrix(400, "M_UNKNOWN"), "rejected"],
  ["413 M_TOO_LARGE", matrix(413, "M_TOO_LARGE"), "rejected"],
  ["413 M_BAD_JSON", matrix(413, "M_BAD_JSON"), "rejected"],
  ["500 M_UNKNOWN", matrix(500, "M_UNKNOWN"), "in-doubt", RESET_GAP_MS],
  ["503 M_UNKNOWN", matrix(503, "M_UNKNOWN"), "in-doubt", RESET_GAP_MS],
  ["408 of another service", other(408), "in-doubt", RESET_GAP_MS],
  ["401 of another service", other(401), "credentials"],
  ["403 of another service", other(403), "credentials"],
  ["404 of another service", other(404), "destination"],
  ["400 of another service", other(400), "rejected"],
  ...CLASSES.map((failureClass): [string, unknown, FailureClass, number?] => [
    `an answer that its kind classified as ${failureClass},`,
    new ResponseError("x", { status: 400, failureClass }),
    failureClass,
    failureClass === "in-doubt" ? RESET_GAP_MS : undefined,
  ]),
  ["a refusal that the errcode explains better than its status", matrix(403, "M_FORBIDDEN"), "destination"],
  ["an unexpected status of another service", other(302), "not-the-service"],
  ["an HTML page with 200", new NotTheServiceError("x", { status: 200 }), "not-the-service"],
  ["a redirect", new NotTheServiceError("x", { status: 302 }), "not-the-service"],
  ["404 of a proxy", new NotTheServiceError("x", { status: 404 }), "not-the-service"],
  ["401 of a proxy", new NotTheServiceError("x", { status: 401 }), "not-the-service"],
  ["413 of a proxy", new NotTheServiceError("x", { status: 413 }), "rejected"],
  ["429 of a proxy", new NotTheServiceError("x", { status: 429 }), "rate-limited"],
  ["an alias that could not be resolved", new NotSentError(new TransportError("timeout", "x")), "not-sent"],
  ["an alias that does not exist", new NotSentError(matrix(404, "M_NOT_FOUND")), "destination"],
  ["a room that cannot be read back yet", new TooEarlyError("x", 5), "unverified"],
  ["502 of a proxy", new NotTheServiceError("x", { status: 502 }), "in-doubt", RESET_GAP_MS],
  ["a token file that cannot be read", new ConfigError("x"), "credentials"],
  ["a destination that a setting forbids", new NotSentError(new DestinationError("x")), "destination"],
  ["an unknown error", new Error("x"), "in-doubt", RESET_GAP_MS],
  ["a thrown string", "x", "in-doubt", RESET_GAP_MS],
];

for (const [what, error, expected, gapMs] of TABLE) {
  Deno.test(`classify() calls ${what} ${expected}`, () => {
    const failure = classify(error);
    assertEquals([failure.class, failure.gapMs], [expected, gapMs]);
  });
}

Deno.test("classify() ignores texts: a room named 401 holds no channel", () => {
  assertEquals(
    classify(new MatrixError("no room 401 M_UNKNOWN_TOKEN", { status: 404, errcode: "M_NOT_FOUND" })).class,
    "destination",
  );
});

Deno.test("classify() keeps status, errcode and wait of the response", () => {
  const failure = classify(
    new MatrixError("slow down", { status: 429, errcode: "M_LIMIT_EXCEEDED", retryAfterMs: 4293 }),
  );
  assertEquals(failure, {
    class: "rate-limited",
    reason: "slow down",
    status: 429,
    errcode: "M_LIMIT_EXCEEDED",
    retryAfterMs: 4293,
  });
});

Deno.test("classify() limits the wait of a foreign page to 15 min, with every status", () => {
  for (const status of [200, 302, 404, 429, 503]) {
    for (const retryAfterMs of [MAX_FOREIGN_WAIT_MS - 1, MAX_FOREIGN_WAIT_MS, MAX_FOREIGN_WAIT_MS + 1]) {
      const failure = classify(new NotTheServiceError("x", { status, retryAfterMs }));
      assertEquals(failure.retryAfterMs, Math.min(retryAfterMs, 900_000));
    }
  }
  assertEquals(classify(matrix(429, "M_LIMIT_EXCEEDED")).retryAfterMs, undefined);
});
