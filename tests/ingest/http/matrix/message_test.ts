import { assertEquals, assertNotEquals } from "@std/assert";
import { isMessage, MATRIX, refuseAsMatrix } from "../../../../src/ingest/http/matrix/message.ts";
import type { RequestContext } from "../../../../src/ingest/http/request.ts";
import { NOW, request } from "../requests.ts";

const URL_V3 = "/_matrix/client/v3/rooms/%21rules%3Amatrix-notify/send/m.room.message/1";
const TEXT = { msgtype: "m.text", body: "Disk full" };

function read(url: string, body: unknown = TEXT, context: Partial<RequestContext> = {}) {
  return MATRIX.read(request({ method: "PUT", url, body }), { now: NOW, ...context });
}

function idOf(...given: Parameters<typeof read>): string | undefined {
  return read(...given).notifications[0].id;
}

Deno.test("isMessage() knows the paths of all versions, and POST without a transaction id", () => {
  const path = (version: string, rest = "/1") => `/_matrix/client/${version}/rooms/!a:b/send/m.room.message${rest}`;
  const put = ["v3", "r0", "v1", "api/v1", "unstable"].map((version) => isMessage("PUT", path(version)));
  assertEquals(put, [true, true, true, true, true]);
  assertEquals(isMessage("POST", path("r0", "")), true);
  assertEquals(isMessage("POST", path("r0")), false);
  assertEquals(isMessage("GET", path("r0")), false);
  assertEquals(isMessage("PUT", path("v9")), false);
  assertEquals(isMessage("PUT", path("v3").replace("m.room.message", "m.reaction")), false);
});

Deno.test("MATRIX.read() sends to the channel of the room, and answers with the id as event_id", () => {
  const channels = [{ name: "phone", kind: "ntfy", destinations: ["t"] }];
  const { notifications, answer } = read(URL_V3.replace("%21rules", "%23phone"), TEXT, { channels });
  assertEquals(notifications.map(({ input, channels }) => [input, channels]), [
    [{ subject: "Disk full", message: "" }, ["phone"]],
  ]);
  assertEquals(answer(["id-1", "id-2"]), {
    ...{ status: 200, headers: { "Content-Type": "application/json" }, body: '{"event_id":"$id-1"}' },
  });
});

Deno.test("MATRIX.read() gives a repeated request the same key, and every other request another one", () => {
  const id = idOf(URL_V3);
  assertEquals(idOf(URL_V3), id);
  assertEquals(idOf(URL_V3.replace("%21", "!").replace("%3A", ":").replace("/v3/", "/r0/")), id);
  assertNotEquals(idOf(URL_V3.replace("/1", "/2")), id);
  assertNotEquals(idOf(URL_V3.replace("rules", "other")), id);
  assertNotEquals(idOf(URL_V3, TEXT, { device: "D" }), id);
  // Apprise with an access token sends the files and the text with one transaction id.
  assertNotEquals(idOf(URL_V3, { ...TEXT, body: "other" }), id);
  assertEquals(idOf(URL_V3.replace("/1", "")), undefined);
});

Deno.test("MATRIX.read() knows a message of matrix-notify by its id, even with a new note", () => {
  const own = { ...TEXT, "dev.matrix-notify.id": "0" };
  assertEquals(idOf(URL_V3, { ...own, body: "late" }), idOf(URL_V3, own));
});

Deno.test("MATRIX.read() takes a body that is not JSON as the text, and answers a muted message", () => {
  const { notifications: [{ input }], answer } = read(URL_V3, '{"body": "a "quoted" text"}');
  assertEquals(input, { subject: "", message: '{"body": "a "quoted" text"}' });
  assertEquals(JSON.parse(answer([]).body).event_id.startsWith("$muted-"), true);
});

Deno.test("refuseAsMatrix() answers with the errcodes of the Client-Server API", () => {
  const error = (...given: Parameters<typeof refuseAsMatrix>) => {
    const { status, headers, body } = refuseAsMatrix(...given);
    const { errcode, retry_after_ms } = JSON.parse(body);
    return [status, errcode, retry_after_ms, headers["Retry-After"]];
  };
  assertEquals(error("unauthorized"), [401, "M_UNKNOWN_TOKEN", undefined, undefined]);
  assertEquals(error("no-token"), [401, "M_MISSING_TOKEN", undefined, undefined]);
  assertEquals(error("forbidden"), [403, "M_FORBIDDEN", undefined, undefined]);
  assertEquals(error("too-large"), [413, "M_TOO_LARGE", undefined, undefined]);
  assertEquals(error("too-many", 1500), [429, "M_LIMIT_EXCEEDED", 1500, "2"]);
  assertEquals(error("unavailable"), [503, "M_UNKNOWN", undefined, undefined]);
});
