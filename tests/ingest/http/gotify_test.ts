import { assertEquals } from "@std/assert";
import { GOTIFY } from "../../../src/ingest/http/gotify.ts";
import { answer, NOW, readOne } from "./requests.ts";

Deno.test("GOTIFY.read() maps every field of JSON", () => {
  const body = {
    appid: 5,
    message: "**Backup** finished",
    title: "Backup",
    priority: 8,
    extras: {
      "client::display": { contentType: "text/markdown" },
      "client::notification": { click: { url: "https://example.org" }, bigImageUrl: "https://example.org/a.png" },
      "android::action": { onReceive: { intentUrl: "https://example.org/intent" } },
      "home::appliances::lighting::on": { brightness: 15 },
    },
    other: "kept",
  };
  assertEquals(readOne(GOTIFY, { url: "/message", body }).input, {
    subject: "Backup",
    message: "**Backup** finished\n\nImage: https://example.org/a.png\n" +
      'home::appliances::lighting::on: {"brightness":15}\nother: kept',
    format: "markdown",
    severity: "error",
    link: "https://example.org",
  });
});

Deno.test("GOTIFY.read() takes a form, multipart, the query and plain text", () => {
  const expected = { subject: "T", message: "m" };
  const read = (headers: Record<string, string>, body: string, url = "/message?token=x") =>
    readOne(GOTIFY, { url, headers, body }).input;
  assertEquals(read({ "Content-Type": "application/x-www-form-urlencoded" }, "title=T&message=m&priority=5"), expected);
  const multipart = '--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nT\r\n--b\r\n' +
    'Content-Disposition: form-data; name="message"\r\n\r\nm\r\n--b--\r\n';
  assertEquals(read({ "Content-Type": "multipart/form-data; boundary=b" }, multipart), expected);
  assertEquals(read({}, "", "/message?title=T&message=m&token=x"), expected);
  assertEquals(read({}, "Just text").subject, "Just text");
});

Deno.test("GOTIFY.read() maps each priority", () => {
  const level = (priority: unknown) => {
    const { severity, silent, problems } = readOne(GOTIFY, { body: { message: "m", priority } }).input;
    return severity ?? (silent ? "silent" : problems?.[0]);
  };
  assertEquals([-1, 0, 3, 4, 7, 8, 9, 10, 99, "5", null].map(level), [
    ...["silent", "silent", "silent", undefined, undefined, "error", "error", "critical", "critical"],
    ...[undefined, undefined],
  ]);
  assertEquals(level("high"), 'Cannot use priority "high": it is not a number');
});

Deno.test("GOTIFY answers with the message, and with errors as a Gotify server does", () => {
  const { status, body } = answer(GOTIFY, { body: { title: "T", message: "m", priority: 5 } }, ["00000002-0000"]);
  assertEquals(status, 200);
  assertEquals(JSON.parse(body), {
    ...{ id: 1, appid: 1, message: "m", title: "T", priority: 5 },
    date: new Date(NOW).toISOString(),
  });
  assertEquals(JSON.parse(GOTIFY.refuse("unauthorized").body), {
    error: "Unauthorized",
    errorCode: 401,
    errorDescription: "you need to provide a valid access token or user credentials to access this api",
  });
});
