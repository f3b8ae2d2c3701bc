import { assertEquals } from "@std/assert";
import { parseUrgency } from "../../../src/ingest/mail/mail.ts";

Deno.test("parseUrgency() uses the most urgent of several headers", () => {
  const urgency = (headers: Record<string, string>) => parseUrgency((name) => headers[name]);
  assertEquals(urgency({}), "normal");
  assertEquals(urgency({ "x-priority": "1 (Highest)", importance: "low" }), "highest");
  assertEquals(urgency({ "x-priority": " 3", importance: "High" }), "high");
  assertEquals(urgency({ priority: "urgent" }), "high");
  assertEquals(urgency({ "x-priority": "5" }), "low");
  assertEquals(urgency({ priority: "non-urgent" }), "low");
  assertEquals(urgency({ "x-priority": "soon" }), "normal");
});
