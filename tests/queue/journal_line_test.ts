import { assert, assertEquals, assertThrows } from "@std/assert";
import { crc32 } from "../../src/base/crc32.ts";
import { InvalidNotificationError } from "../../src/base/errors.ts";
import type { JournalRecord } from "../../src/queue/record.ts";
import { decodeLine, encodeRecord, isUnfinished, MAX_LINE_BYTES } from "../../src/queue/journal_line.ts";
import { JsonStore, StoredJson } from "../../src/queue/stored_json.ts";

const id = "00000000-0000-4000-8000-000000000001";

/**
 * Each record on disk. A change here changes the format: later versions must still read old
 * journals.
 */
const ON_DISK: [JournalRecord, string][] = [
  [
    { t: "hdr", time: 1, host: "jump" },
    '{"v":1,"t":"hdr","time":1,"host":"jump","c":"CHECKSUM"}\n',
  ],
  [
    {
      t: "enq",
      id,
      time: 1,
      channel: "matrix",
      destination: "!r",
      notification: { subject: "ä" },
      expires: 9,
      key: "k",
    },
    `{"v":1,"t":"enq","id":"${id}","time":1,"channel":"matrix","destination":"!r","expires":9,"key":"k","notification":{"subject":"ä"},"c":"CHECKSUM"}\n`,
  ],
  [
    {
      ...{ t: "enq", id, time: 1, channel: "matrix", destination: "!r", notification: { subject: "📎" }, expires: 9 },
      ...{ idempotencyKey: "a 1", files: [id], attachmentIndex: 1 },
    },
    `{"v":1,"t":"enq","id":"${id}","time":1,"channel":"matrix","destination":"!r","expires":9,"idempotencyKey":"a 1","files":["${id}"],"attachmentIndex":1,"notification":{"subject":"📎"},"c":"CHECKSUM"}\n`,
  ],
  [
    {
      t: "enq",
      id,
      time: 1,
      channel: "phone",
      destination: "alerts",
      notification: {},
      expires: 9,
      fallbackFor: { "00000000-0000-4000-8000-000000000002": 7 },
    },
    `{"v":1,"t":"enq","id":"${id}","time":1,"channel":"phone","destination":"alerts","expires":9,"fallbackFor":{"00000000-0000-4000-8000-000000000002":7},"notification":{},"c":"CHECKSUM"}\n`,
  ],
  [
    { t: "att", id, n: 1, time: 1 },
    `{"v":1,"t":"att","id":"${id}","n":1,"time":1,"c":"CHECKSUM"}\n`,
  ],
  [
    {
      t: "nack",
      id,
      n: 1,
      time: 1,
      class: "rate-limited",
      reason: "429",
      status: 429,
      errcode: "M_LIMIT_EXCEEDED",
      next: 5,
      notBefore: 5,
    },
    `{"v":1,"t":"nack","id":"${id}","n":1,"time":1,"class":"rate-limited","reason":"429","status":429,"errcode":"M_LIMIT_EXCEEDED","next":5,"notBefore":5,"c":"CHECKSUM"}\n`,
  ],
  [
    { t: "nack", id, n: 1, time: 1, class: "in-doubt", reason: "r", next: 5, notBefore: 5, killed: true },
    `{"v":1,"t":"nack","id":"${id}","n":1,"time":1,"class":"in-doubt","reason":"r","next":5,"notBefore":5,"killed":true,"c":"CHECKSUM"}\n`,
  ],
  [
    { t: "ack", id, time: 1, receipt: "$e", via: "put", possibleDuplicate: true },
    `{"v":1,"t":"ack","id":"${id}","time":1,"receipt":"$e","via":"put","possibleDuplicate":true,"c":"CHECKSUM"}\n`,
  ],
  [
    { t: "dead", id, time: 1, reason: "too large", status: 413, errcode: "M_TOO_LARGE" },
    `{"v":1,"t":"dead","id":"${id}","time":1,"reason":"too large","status":413,"errcode":"M_TOO_LARGE","c":"CHECKSUM"}\n`,
  ],
  [{ t: "retry", id, time: 1, expires: 9 }, `{"v":1,"t":"retry","id":"${id}","time":1,"expires":9,"c":"CHECKSUM"}\n`],
  [{ t: "drop", id, time: 1 }, `{"v":1,"t":"drop","id":"${id}","time":1,"c":"CHECKSUM"}\n`],
  [
    { t: "snap", id, attempts: 2, inFlight: { n: 2, time: 5 }, inDoubt: { since: 3, until: 4 } },
    `{"v":1,"t":"snap","id":"${id}","attempts":2,"inFlight":{"n":2,"time":5},"inDoubt":{"since":3,"until":4},"c":"CHECKSUM"}\n`,
  ],
  [
    {
      t: "chan",
      channel: "matrix",
      failures: 1,
      wait: { class: "not-sent", reason: "r", since: 1, next: 5, notBefore: 0 },
    },
    '{"v":1,"t":"chan","channel":"matrix","failures":1,"wait":{"class":"not-sent","reason":"r","since":1,"next":5,"notBefore":0},"c":"CHECKSUM"}\n',
  ],
  [
    { t: "batch", id: "D", time: 1, channel: "matrix", destination: "!r", members: ["a", "b"] },
    '{"v":1,"t":"batch","id":"D","time":1,"channel":"matrix","destination":"!r","members":["a","b"],"c":"CHECKSUM"}\n',
  ],
  [
    { t: "lane", channel: "matrix", destination: "!r", delivered: [1, 2] },
    '{"v":1,"t":"lane","channel":"matrix","destination":"!r","delivered":[1,2],"c":"CHECKSUM"}\n',
  ],
  [
    {
      t: "incident",
      channel: "matrix",
      destination: "!r",
      key: "k",
      receipt: "$e",
      isShared: true,
      title: "Up",
      since: 1,
      lastDelivery: 2,
      count: 3,
    },
    '{"v":1,"t":"incident","channel":"matrix","destination":"!r","key":"k","receipt":"$e","isShared":true,"title":"Up","since":1,"lastDelivery":2,"count":3,"c":"CHECKSUM"}\n',
  ],
  [{ t: "flush", time: 1 }, '{"v":1,"t":"flush","time":1,"c":"CHECKSUM"}\n'],
];

for (const [record, line] of ON_DISK) {
  Deno.test(`encodeRecord() writes ${record.t} in the documented form, and decodeLine() reads it`, () => {
    const bytes = encodeRecord(record);
    const text = new TextDecoder().decode(bytes);
    assertEquals(text.replace(/"c":"[0-9a-f]{8}"/, '"c":"CHECKSUM"'), line);
    const { c: _, ...written } = JSON.parse(text);
    assertEquals(decodeLine(bytes.subarray(0, -1)), { record: written });
    const stored = decodeLine(bytes.subarray(0, -1), new JsonStore());
    assertEquals(JSON.parse(JSON.stringify(stored)), { record: written }, "parsed when it is needed");
    assertEquals(new TextDecoder().decode(bytes), text, "the line is not changed");
  });
}

Deno.test("decodeLine() stores the notification as text, wherever its name occurs", () => {
  const hostile = ',"notification":{"a":1}';
  const record: JournalRecord = {
    ...{ t: "enq", id, time: 1, channel: hostile, destination: "ä", expires: 9, fallbackFor: { notification: 1 } },
    notification: { subject: hostile, message: `"}${hostile}` },
  } as const;
  const decoded = decodeLine(encodeRecord(record).subarray(0, -1), new JsonStore());
  assert(typeof decoded === "object" && decoded.record.t === "enq");
  const { notification, ...rest } = decoded.record;
  assert(notification instanceof StoredJson);
  assertEquals(encodeRecord(decoded.record), encodeRecord(record));
  assert(notification.text !== undefined, "the notification was copied, and not parsed");
  assertEquals([{ ...rest, notification: notification.value }], [{ v: 1, ...record }]);
  assertEquals(encodeRecord(decoded.record), encodeRecord(record));
});

Deno.test("decodeLine() reads an entry whose notification is not the last field", () => {
  const body =
    `{"v":1,"t":"enq","id":"${id}","time":1,"channel":"c","destination":"d","notification":{"a":1},"expires":9`;
  const line = new TextEncoder().encode(`${body},"c":"${crc32(new TextEncoder().encode(body))}"}`);
  assertEquals(decodeLine(line, new JsonStore()), { record: JSON.parse(`${body}}`) });
});

Deno.test("StoredJson.value is undefined if the text is not JSON", () => {
  assertEquals(new JsonStore().add(new TextEncoder().encode('{"a":1},"b":2')).value, undefined);
});

Deno.test("decodeLine() accepts a line with the checksum of another program", () => {
  const line = '{"v":1,"t":"hdr","time":1,"host":"jump","c":"ed963348"}';
  assertEquals(typeof decodeLine(new TextEncoder().encode(line)), "object");
});

Deno.test("decodeLine() finds every single flipped bit", () => {
  const good = encodeRecord({ t: "ack", id, time: 1, receipt: "$e", via: "put" }).subarray(0, -1);
  for (let at = 0; at < good.length * 8; at++) {
    const bad = good.slice();
    bad[at >> 3] ^= 1 << (at & 7);
    assertEquals(decodeLine(bad), "damaged", `bit ${at}`);
  }
});

Deno.test("decodeLine() finds every line that was cut", () => {
  const good = encodeRecord({ t: "ack", id, time: 1, receipt: "$e", via: "put" }).subarray(0, -1);
  for (let length = 0; length < good.length; length++) assertEquals(decodeLine(good.subarray(0, length)), "damaged");
});

Deno.test("isUnfinished() is true for a cut line, and false for a damaged one", () => {
  const good = encodeRecord({ t: "ack", id, time: 1, receipt: "$e", via: "put" }).subarray(0, -1);
  for (let length = 1; length < good.length; length++) assertEquals(isUnfinished(good.subarray(0, length)), true);
  const flipped = good.slice();
  flipped[20] ^= 1;
  const text = (line: string) => new TextEncoder().encode(line);
  for (const line of [flipped, text("garbage"), text('{"v"; {'), new Uint8Array(100)]) {
    assertEquals(isUnfinished(line), false);
  }
});

Deno.test("decodeLine() ignores a carriage return", () => {
  const line = encodeRecord({ t: "flush", time: 1 });
  line[line.length - 1] = 0x0d;
  assertEquals(typeof decodeLine(line), "object");
});

Deno.test("decodeLine() returns `unknown` for later versions and unknown types", () => {
  const later = encodeRecord({ t: "later", time: 1 } as unknown as JournalRecord).subarray(0, -1);
  assertEquals(decodeLine(later), "unknown");
  const version2 = encodeRecord({ v: 2, t: "flush", time: 1 } as unknown as JournalRecord).subarray(0, -1);
  assertEquals(decodeLine(version2), "unknown");
});

Deno.test("encodeRecord() rejects a line that is too long", () => {
  const notification = "x".repeat(MAX_LINE_BYTES);
  assertThrows(
    () => encodeRecord({ t: "enq", id, time: 1, channel: "m", destination: "!r", notification, expires: 9 }),
    InvalidNotificationError,
    "Cannot queue the notification: it is larger than 128 KiB",
  );
});

Deno.test("decodeLine() finds a record without a required field, in spite of its checksum", () => {
  const good = { t: "enq", id, time: 1, channel: "m", destination: "!r", notification: {}, expires: 9 };
  const decode = (record: object) => decodeLine(encodeRecord(record as JournalRecord).subarray(0, -1));
  assertEquals(typeof decode(good), "object");
  for (
    const change of [
      { id: {} },
      { channel: undefined },
      { destination: 5 },
      { notification: null },
      {
        expires: "soon",
      },
      { key: 7 },
      { fallbackFor: [] },
      { fallbackFor: { p: "soon" } },
    ]
  ) {
    assertEquals(decode({ ...good, ...change }), "damaged", JSON.stringify(change));
  }
  assertEquals(decode({ t: "nack", id, n: 1, time: 1, class: "destination", reason: {}, next: 5 }), "damaged");
});
