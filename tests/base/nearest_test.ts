import { assertEquals } from "@std/assert";
import { nearest } from "../../src/base/nearest.ts";

Deno.test("nearest() finds the word that was meant, and nothing if no word is close", () => {
  const known = ["send", "flush", "status", "queue list"];
  assertEquals(nearest("sned", known), "send");
  assertEquals(nearest("FLUHS", known), "flush");
  assertEquals(nearest("queue lst", known), "queue list");
  assertEquals(nearest("xylophone", known), undefined);
  assertEquals(nearest("x", []), undefined);
});

Deno.test("nearest() ignores words that share no letter", () => {
  assertEquals(nearest("5", ["id"]), undefined);
});
