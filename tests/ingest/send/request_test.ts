import { assertEquals, assertThrows } from "@std/assert";
import { InvalidNotificationError } from "../../../src/base/errors.ts";
import { readSendRequest, type SendRequest, writeSendRequest } from "../../../src/ingest/send/request.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const FORM = "application/x-www-form-urlencoded";

/** Removes the fields without a value. */
function given({ input, options }: SendRequest): unknown {
  return JSON.parse(JSON.stringify({ input, options }));
}

Deno.test("readSendRequest() reads a form, JSON and a plain text", () => {
  const form = readSendRequest(
    encode("subject=Disk+full&mention=%40a%3Ab&mention=%40room&resolve=1&ttl=2h"),
    FORM,
  );
  assertEquals(form.input.subject, "Disk full");
  assertEquals(form.input.mentions, ["@a:b", "@room"]);
  assertEquals([form.input.resolves, form.input.silent, form.input.ttlMs], [true, false, 7_200_000]);
  const json = readSendRequest(
    encode('{"subject": 5, "silent": true, "wait": "0", "channel": ["a", "b"]}'),
    "application/json",
  );
  assertEquals([json.input.subject, json.input.silent, json.options.waitMs], ["5", true, 0]);
  assertEquals(json.options.channels, ["a", "b"]);
  const text = readSendRequest(encode("Disk full\n/dev/sda1"), "text/plain");
  assertEquals(text.input.message, encode("Disk full\n/dev/sda1"));
});

Deno.test("readSendRequest() reads what writeSendRequest() wrote, byte for byte", async () => {
  const message = new Uint8Array([13, 10, 10, 13, 0, 255, 254]);
  const request: SendRequest = {
    input: {
      ...{ subject: "a\r\nb\nc", format: "code", severity: "critical", link: "https://example.org", silent: true },
      ...{ origin: "ups", key: "k\nk", resolves: true, mentions: ["@room"], ttlMs: 1500, problems: ["One", "Two"] },
    },
    options: { channels: ["a"], room: "!r", id: "i d", waitMs: 2500, untilDelivered: true },
  };
  const files = [{ name: 'ü"\n.txt', type: "text/plain", bytes: message }];
  const response = new Response(writeSendRequest({ ...request, input: { ...request.input, message } }, files));
  const body = await response.bytes();
  const read = readSendRequest(body, response.headers.get("content-type") ?? "");
  assertEquals(read.input.message, message);
  assertEquals(read.input.attachments, files);
  const { message: _, attachments: __, ...input } = read.input;
  assertEquals(given({ ...read, input }), given(request));
});

for (
  const [body, type, message] of [
    ["subject=a&colour=red", FORM, 'Cannot use field "colour": there is no such field'],
    ["subject=a&severity=bad", FORM, 'Cannot use severity "bad": it must be one of info, warning, error, critical'],
    ["subject=a&ttl=soon", FORM, 'Cannot use ttl "soon": it is not a duration'],
    ["subject=a&require=read", FORM, 'Cannot use require "read": the only possible value is delivered'],
    ["[1]", "application/json", "Cannot read the request: it is not a JSON object"],
    ['{"subject": {"a": 1}}', "application/json", 'Cannot use field "subject": it must be a text'],
    ["--x", "multipart/form-data; boundary=y", "Cannot read the request: its form is not valid"],
  ]
) {
  Deno.test(`readSendRequest() refuses ${body}`, () => {
    assertThrows(() => readSendRequest(encode(body), type), InvalidNotificationError, message);
  });
}

Deno.test("readSendRequest() refuses a form with too many fields, and JSON with too many values or bytes", () => {
  const fields = (count: number) => new Array(count).fill("mention=%40room").join("&");
  assertEquals((readSendRequest(encode(fields(999)), FORM)).input.mentions?.length, 999);
  const part = (name: string) => `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\na\r\n`;
  const parts = (count: number) => `${part("mention").repeat(count)}--x--\r\n`;
  const multipart = "multipart/form-data; boundary=x";
  assertEquals((readSendRequest(encode(parts(999)), multipart)).input.mentions?.length, 999);
  for (
    const [body, type, limit] of [
      [fields(1000), FORM, "999 fields"],
      [parts(1000), multipart, "999 fields"],
      [`{"mention":[${"1,".repeat(200_000)}1]}`, "application/json", "200000 values"],
      [`{"message":"${"x".repeat(2 ** 24)}"}`, "application/json", "16 MiB"],
      [`message=${"x".repeat(2 ** 24)}`, FORM, "16 MiB"],
    ]
  ) {
    assertThrows(
      () => readSendRequest(encode(body), type),
      InvalidNotificationError,
      `it has more than ${limit}`,
    );
  }
});
