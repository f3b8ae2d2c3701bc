import { assertEquals } from "@std/assert";
import { nearest } from "../../src/base/nearest.ts";

Deno.test("nearest() finds what was probably meant, and nothing where nothing is near", () => {
  const known = ["send", "flush", "status", "queue list"];
  assertEquals(nearest("sned", known), "send");
  assertEquals(nearest("FLUHS", known), "flush");
  assertEquals(nearest("queue lst", known), "queue list");
  assertEquals(nearest("xylophone", known), undefined);
  assertEquals(nearest("x", []), undefined);
});

Deno.test("nearest() finds nothing in a word that shares no letter", () => {
  assertEquals(nearest("5", ["id"]), undefined);
});
