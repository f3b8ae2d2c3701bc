import { assertEquals } from "@std/assert";
import { urgencyOf } from "../../../src/ingest/mail/urgency.ts";

Deno.test("urgencyOf() takes the most urgent word of several headers", () => {
  const urgency = (headers: Record<string, string>) => urgencyOf((name) => headers[name]);
  assertEquals(urgency({}), "normal");
  assertEquals(urgency({ "x-priority": "1 (Highest)", importance: "low" }), "highest");
  assertEquals(urgency({ "x-priority": " 3", importance: "High" }), "high");
  assertEquals(urgency({ priority: "urgent" }), "high");
  assertEquals(urgency({ "x-priority": "5" }), "low");
  assertEquals(urgency({ priority: "non-urgent" }), "low");
  assertEquals(urgency({ "x-priority": "soon" }), "normal");
});
