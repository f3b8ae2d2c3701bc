import { assertEquals } from "@std/assert";
import { NOTIFY } from "../../../src/ingest/http/notify.ts";
import { answer, readOne } from "./requests.ts";

const FORM = "application/x-www-form-urlencoded";

Deno.test("NOTIFY.read() maps every field of JSON", () => {
  const body = {
    subject: "Disk full",
    message: "9 MB are free",
    severity: "error",
    origin: "nas",
    key: "disk",
    resolve: true,
    link: "https://nas.example.org",
    silent: "yes",
    format: "code",
    mentions: ["@room"],
    ttl: "2h",
    id: "a1",
  };
  assertEquals(readOne(NOTIFY, { url: "/notify", body }), {
    input: {
      subject: "Disk full",
      message: "9 MB are free",
      severity: "error",
      origin: "nas",
      key: "disk",
      resolves: true,
      link: "https://nas.example.org",
      silent: true,
      format: "code",
      mentions: ["@room"],
      ttlMs: 7_200_000,
    },
    id: "a1",
  });
});

Deno.test("NOTIFY.read() accepts the types that RouterOS makes of texts", () => {
  const body = '{"subject":1234.000000,"message":"12345678901234567890","link":false,"silent":"true","id":7.500000,' +
    '"origin":true,"remove-attach":true,"chatid":-100.000000}';
  assertEquals(readOne(NOTIFY, { headers: { "content-type": FORM }, body }), {
    input: { subject: "1234", message: "12345678901234567890", silent: true, origin: "true", link: "false" },
    id: "7.5",
  });
  const big = readOne(NOTIFY, { body: '{"subject":"x","message":12345678901234567890.000000}' });
  assertEquals(big.input.message, "12345678901234567890");
});

Deno.test("NOTIFY.read() reads text and JSON when the type says form, and a form when it says text", () => {
  const read = (type: string, body: string) => readOne(NOTIFY, { headers: { "content-type": type }, body }).input;
  assertEquals(read(FORM, "Backup failed: a=b"), { subject: "Backup failed: a=b", message: "" });
  assertEquals(read(FORM, "x=1"), { subject: "x=1", message: "" });
  assertEquals(read(FORM, "message=Disk full"), { subject: "Disk full", message: "" });
  assertEquals(read(FORM, "subject=A%20b+c&message=50%&severity=warning"), {
    subject: "A b c",
    message: "50%",
    severity: "warning",
  });
  assertEquals(read("text/plain", "subject=A&message=b"), { subject: "A", message: "b" });
  assertEquals(read("application/json", "not JSON"), { subject: "not JSON", message: "" });
  assertEquals(read("application/json", '{"subject": broken'), { subject: "", message: '{"subject": broken' });
  assertEquals(read("text/plain", ' {"title":"A"}'), { subject: "A", message: "" });
});

Deno.test("NOTIFY.read() takes the JSON and the form of Apprise, with its type and its files", () => {
  const base64 = btoa("abc");
  const attachments = [{ filename: "a.txt", base64, mimetype: "text/plain" }, { filename: "b", base64: "!" }];
  const body = { version: "1.0", title: "T", message: "m", attachments, type: "failure" };
  assertEquals(readOne(NOTIFY, { body }).input, {
    subject: "T",
    message: "m",
    severity: "error",
    attachments: [{ name: "a.txt", bytes: new TextEncoder().encode("abc") }],
    problems: ["Cannot attach b: its content is not base64"],
  });
  const form = "version=1.0&title=Form+title&message=m&type=vzdump";
  assertEquals(readOne(NOTIFY, { headers: { "content-type": FORM }, body: form }).input, {
    subject: "Form title",
    message: "m\n\ntype: vzdump",
  });
  assertEquals(
    readOne(NOTIFY, { body: { version: "7.1", title: "T", message: "m" } }).input.message,
    "m\n\nversion: 7.1",
  );
});

Deno.test("NOTIFY.read() takes the XML of Apprise with its files, and shows other XML as text", () => {
  const xml = (core: string) =>
    `<?xml version='1.0' encoding='utf-8'?>
    <soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">
    <soapenv:Body><Notification>${core}</Notification></soapenv:Body></soapenv:Envelope>`;
  const files =
    '<Attachments format="base64"><Attachment filename="a&amp;b.txt" mimetype="text/plain">YWJj</Attachment>' +
    "</Attachments>";
  const core =
    "<Version>1.1</Version><Subject>T &lt;1&gt;</Subject><Message>line 1\nline&#x20;2 &#38; &quot;</Message>" +
    "<MessageType>warning</MessageType><site>home</site>";
  assertEquals(readOne(NOTIFY, { body: xml(core + files) }).input, {
    subject: "T <1>",
    message: 'line 1\nline 2 & "\n\nsite: home',
    severity: "warning",
    attachments: [{ name: "a&b.txt", bytes: new TextEncoder().encode("abc"), type: "text/plain" }],
  });
  const others = [
    "<title>T</title> and a text",
    "<a><title>1</title><title>2</title></a>",
    "<p>unknown</p>",
    "<34>Oct 11 22:14:15 host su: failed",
    "<message>never closed",
  ];
  for (const body of others) {
    const { subject, message } = readOne(NOTIFY, { body }).input;
    assertEquals([subject, message], [body, ""]);
  }
});

Deno.test("NOTIFY.read() splits a text into its first line and the rest", () => {
  assertEquals(readOne(NOTIFY, { body: "Disk full\n\n \n 9 MB\n" }).input, {
    subject: "Disk full",
    message: " 9 MB\n",
  });
  const long = "x".repeat(300);
  assertEquals(readOne(NOTIFY, { body: `${long}\ny` }).input, { subject: "", message: `${long}\ny` });
  assertEquals(readOne(NOTIFY, { body: "[nas] Disk full\n9 MB" }).input, {
    subject: "[nas] Disk full",
    message: "9 MB",
  });
  for (const message of ["[1,\n2]", '{"cut": "of']) assertEquals(readOne(NOTIFY, { body: message }).input.subject, "");
});

Deno.test("NOTIFY.read() reads bytes that are not UTF-8 as text, also in a form", () => {
  const latin1 = Uint8Array.from("Größe", (character) => character.charCodeAt(0));
  assertEquals(readOne(NOTIFY, { body: latin1 }).input.subject, "Größe");
  const form = "message=Gr%F6%DFe&subject=%E2%9C%85";
  assertEquals(readOne(NOTIFY, { body: form }).input, { subject: "✅", message: "Größe" });
});

Deno.test("NOTIFY.read() shows fields without a meaning, so that nothing is lost", () => {
  const body = { text: "Hello", disk: { name: "sda", size: 4 }, title: "T", tags: ["a"], empty: "", none: null };
  assertEquals(readOne(NOTIFY, { body }).input, {
    subject: "T",
    message: 'Hello\n\ndisk: {"name":"sda","size":4}\ntags: ["a"]',
  });
  assertEquals(readOne(NOTIFY, { body: { a: 1, b: "x\ny" } }).input, { subject: "a: 1", message: "b:\nx\ny" });
  assertEquals(readOne(NOTIFY, { body: { title: "A", subject: "B", message: "C", body: "D" } }).input, {
    subject: "A",
    message: "C\n\nsubject: B\nbody: D",
  });
});

Deno.test("NOTIFY.read() shows JSON with more than 200,000 values as text, and counts no commas in texts", () => {
  const many = `{"subject":"s","list":[${"[],".repeat(200_000)}0]}`;
  const { input } = readOne(NOTIFY, { url: "/notify", body: many });
  assertEquals([input.subject, input.message], ["", many]);
  const message = `${String.raw`a,[{\\"`.repeat(100_000)}\\`;
  const { input: whole } = readOne(NOTIFY, { url: "/notify", body: { subject: "s", message } });
  assertEquals([whole.subject, whole.message], ["s", message]);
});

Deno.test("NOTIFY.read() shows JSON or a form with more than 1000 fields as text", () => {
  const names = Array.from({ length: 1001 }, (_, at) => `k${at}`);
  const json = JSON.stringify(Object.fromEntries(names.map((name) => [name, "v"])));
  assertEquals(readOne(NOTIFY, { body: json }).input.message, json);
  const form = `message=x&${names.map((name) => `${name}=v`).join("&")}`;
  assertEquals(readOne(NOTIFY, { body: form }).input.message, form);
});

Deno.test("NOTIFY.read() takes the query, but shows no token", () => {
  const url = "/notify?subject=Up&severity=warn&token=secret&auth=secret&room=kitchen";
  assertEquals(readOne(NOTIFY, { url, body: "x" }).input, {
    subject: "Up",
    message: "x\n\nroom: kitchen",
    severity: "warning",
  });
});

Deno.test("NOTIFY.read() resolves when the status says so and there is a key", () => {
  const read = (body: object) => readOne(NOTIFY, { body: { subject: "s", ...body } }).input;
  assertEquals(read({ key: "k", status: "resolved" }).resolves, true);
  assertEquals(read({ key: "k", status: "ok" }).message, "status: ok");
  assertEquals(read({ key: "k", status: "firing" }).resolves, undefined);
  assertEquals(read({ status: "resolved" }).resolves, undefined);
  assertEquals(read({ key: "k", resolved: "no" }).resolves, undefined);
});

Deno.test("NOTIFY.read() shows values that it cannot use as problems", () => {
  const { problems } =
    readOne(NOTIFY, { body: { subject: "s", severity: "purple", ttl: "soon", format: "rtf" } }).input;
  assertEquals(problems, [
    'Cannot use severity "purple": it is not known',
    'Cannot use ttl "soon": it is not a duration',
    'Cannot use format "rtf": it is not known',
  ]);
});

Deno.test("NOTIFY.read() attaches the files of a multipart form", () => {
  const type = "multipart/form-data; boundary=xyz";
  const body = '--xyz\r\nContent-Disposition: form-data; name="subject"\r\n\r\nReport\r\n--xyz\r\n' +
    'Content-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nabc\r\n--xyz--\r\n';
  assertEquals(readOne(NOTIFY, { headers: { "content-type": type }, body }).input, {
    subject: "Report",
    message: "",
    attachments: [{ name: "a.txt", bytes: new TextEncoder().encode("abc"), type: "text/plain" }],
  });
});

Deno.test("NOTIFY.read() prefers the header Idempotency-Key to the field", () => {
  const headers = { "Idempotency-Key": "h" };
  assertEquals(readOne(NOTIFY, { headers, body: { subject: "s", id: "f" } }).id, "h");
});

Deno.test("NOTIFY answers 202 with the ids, 200 to uclient-fetch, and one line of JSON to a refused request", () => {
  assertEquals(answer(NOTIFY, { body: "x" }, ["a", "b"]), {
    status: 202,
    headers: { "Content-Type": "application/json" },
    body: '{"ids":["a","b"]}',
  });
  assertEquals(answer(NOTIFY, { body: "x", headers: { "User-Agent": "uclient-fetch" } }, ["a"]).status, 200);
  const { status, body } = NOTIFY.refuse("unauthorized");
  assertEquals([status, body], [401, '{"error":"a token is missing or wrong"}']);
});
