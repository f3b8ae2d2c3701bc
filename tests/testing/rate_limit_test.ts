import { assertEquals } from "@std/assert";
import { RateLimiter } from "../../src/testing/rate_limit.ts";

Deno.test("RateLimiter.take() accepts a burst, then the steady rate, for each user", () => {
  let time = 0;
  const limiter = new RateLimiter({ perSecond: 0.2, burst: 10 }, () => time);
  const take = (user = "@a:x") => limiter.take(user)?.headers?.["retry-after"] ?? "taken";
  assertEquals(Array.from({ length: 11 }, () => take()), [...Array(10).fill("taken"), "5"]);
  assertEquals([take(), take("@b:x")], ["5", "taken"], "what was denied counts for nothing");
  time = 3000;
  assertEquals([take(), limiter.take("@a:x")?.body], [
    "2",
    JSON.stringify({ errcode: "M_LIMIT_EXCEEDED", error: "Too Many Requests", retry_after_ms: 2000 }),
  ]);
  time = 5000;
  assertEquals([take(), take()], ["taken", "5"]);
});

Deno.test("RateLimiter.take() accepts everything without a limit", () => {
  const limiter = new RateLimiter(undefined, () => 0);
  assertEquals(Array.from({ length: 99 }, () => limiter.take("@a:x")).filter(Boolean), []);
});
