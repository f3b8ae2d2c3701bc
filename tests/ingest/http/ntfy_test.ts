import { assertEquals } from "@std/assert";
import { NTFY, topicOf } from "../../../src/ingest/http/ntfy.ts";
import { formatActions } from "../../../src/ingest/http/ntfy_extras.ts";
import { answer, NOW, readOne, type RequestParts } from "./requests.ts";

function read(parts: RequestParts) {
  return readOne(NTFY, { url: "/alerts", ...parts }).input;
}

Deno.test("NTFY.read() takes the text, with the topic as origin", () => {
  assertEquals(read({ body: "Backup successful 😀" }), {
    subject: "Backup successful 😀",
    message: "",
    origin: "alerts",
  });
  assertEquals(read({ method: "PUT", body: "" }).subject, "triggered");
});

Deno.test("NTFY.read() maps every published header, with all of its names", () => {
  const expected = {
    subject: "⚠️ 💀 Größe",
    message: "Remote access\n\nAttachment: flower.jpg https://example.org/flower.jpg\nTags: daily-backup",
    severity: "critical" as const,
    origin: "alerts",
    link: "https://example.org/",
  };
  const long = {
    "X-Title": "Größe",
    "X-Priority": "urgent",
    "X-Tags": "warning,skull, daily-backup",
    "X-Click": "https://example.org/",
    "X-Attach": "https://example.org/flower.jpg",
    "X-Filename": "flower.jpg",
    "X-Icon": "https://example.org/icon.png",
    "X-Cache": "no",
    "X-Firebase": "no",
  };
  const short = {
    "ti": "-",
    "t": "Größe",
    "p": "5",
    "ta": "warning,skull,daily-backup",
    "click": "https://example.org/",
    "a": "https://example.org/flower.jpg",
    "f": "flower.jpg",
  };
  for (const headers of [long, short]) assertEquals(read({ headers, body: "Remote access" }), expected);
  const query = new URLSearchParams(short);
  assertEquals(read({ url: `/alerts?${query}`, body: "Remote access" }), expected);
});

Deno.test("NTFY.read() maps each priority, and ignores the header Priority of browsers", () => {
  const priority = (value: string) => {
    const { severity, silent, problems } = read({ headers: { Priority: value }, body: "x" });
    return severity ?? (silent ? "silent" : problems?.[0]);
  };
  assertEquals(["1", "min", "2", "low", "3", "default", "4", "high", "5", "max", "urgent"].map(priority), [
    ...["silent", "silent", "silent", "silent", undefined, undefined],
    ...["warning", "warning", "critical", "critical", "critical"],
  ]);
  assertEquals(priority("u=1, i"), undefined);
  assertEquals(priority("9"), 'Cannot use priority "9": it is not known');
});

Deno.test("NTFY.read() decodes encoded words, UTF-8 and Latin-1 in headers", () => {
  const subject = (title: string) => read({ headers: { Title: title }, body: "x" }).subject;
  assertEquals(subject("=?UTF-8?B?8J+HqfCfh6o=?= Größe"), "🇩🇪 Größe");
  assertEquals(subject("=?utf-8?Q?Gr=C3=B6=C3=9Fe?="), "Größe");
});

Deno.test("NTFY.read() takes JSON at the root, with every published field", () => {
  const body = {
    topic: "mytopic",
    message: "Disk space is low at 5.1 GB",
    title: "Low disk space alert",
    tags: ["warning", "cd", "site"],
    priority: 4,
    attach: "https://example.org/space.jpg",
    filename: "diskspace.jpg",
    click: "https://example.org/xyz",
    icon: "https://example.org/icon.png",
    actions: [{ action: "view", label: "Admin panel", url: "https://example.org/admin" }],
    markdown: true,
    email: "phil@example.org",
    call: "+1222334444",
    delay: "30min",
    cache: "no",
    firebase: "no",
    sequence_id: "s1",
    unknown: "kept",
  };
  assertEquals(read({ url: "/", body }), {
    subject: "⚠️ 💿 Low disk space alert",
    message: "Disk space is low at 5.1 GB\n\n" +
      "Attachment: diskspace.jpg https://example.org/space.jpg\nTags: site\nunknown: kept\n\n" +
      "→ Admin panel: https://example.org/admin",
    format: "markdown",
    severity: "warning",
    origin: "mytopic",
    link: "https://example.org/xyz",
    key: "mytopic/s1",
    problems: [
      'Cannot delay the notification until "30min": it was sent at once',
      "Cannot send a mail to phil@example.org: configure a channel for it",
      "Cannot call +1222334444: this server makes no phone calls",
    ],
  });
});

Deno.test("NTFY.read() takes JSON with parameters in headers and in the query, as Apprise sends it", () => {
  const headers = {
    "X-Priority": "5",
    "X-Tags": "warning",
    "X-Title": "not used",
    "X-Actions": "view, Open, https://a",
  };
  const body = { topic: "t", title: "T", message: "m" };
  assertEquals(read({ url: "/?click=https%3A%2F%2Fb", headers, body }), {
    subject: "⚠️ T",
    message: "m\n\n→ Open: https://a",
    severity: "critical",
    origin: "t",
    link: "https://b",
  });
});

Deno.test("NTFY.read() attaches a body with a file name, and a body that is no text", () => {
  const bytes = Uint8Array.of(0x89, 0x50, 0, 1);
  assertEquals(read({ method: "PUT", headers: { Filename: "flower.png" }, body: bytes }), {
    subject: "File: flower.png",
    message: "",
    origin: "alerts",
    attachments: [{ name: "flower.png", bytes }],
  });
  const attached = (a: string) => read({ headers: { a }, body: "" }).subject;
  assertEquals(attached("https://example.org/a/App.apk?x=/y"), "File: App.apk");
  assertEquals(attached("https://example.org/"), "File: example.org");
  assertEquals(read({ method: "PUT", body: bytes }).attachments, [{ name: "attachment.bin", bytes }]);
  assertEquals(read({ headers: { f: "a.log", m: "See file\\nnow" }, body: "log" }).subject, "See file");
});

Deno.test("NTFY.read() reads a text that is not UTF-8, where ntfy would make a file of it", () => {
  assertEquals(read({ body: Uint8Array.of(0x47, 0x72, 0xf6, 0xdf, 0x65) }).subject, "Größe");
  const long = "y".repeat(10_000);
  assertEquals(read({ headers: { Title: "T" }, body: long }).message, long);
});

Deno.test("NTFY.read() publishes with GET and the query", () => {
  assertEquals(read({ method: "GET", url: "/alerts/trigger?title=A&message=B&markdown=1" }), {
    subject: "A",
    message: "B",
    format: "markdown",
    origin: "alerts",
  });
});

Deno.test("NTFY.read() reads Markdown from the type of the content", () => {
  const { subject, format } = read({ headers: { "Content-Type": "text/markdown" }, body: "**b**" });
  assertEquals([subject, format], ["alerts", "markdown"]);
});

Deno.test("NTFY.read() takes the sequence id from the path", () => {
  assertEquals(read({ url: "/alerts/backup-7", body: "x" }).key, "alerts/backup-7");
  assertEquals(read({ url: "/alerts/trigger?sid=s1", body: "x" }).key, "alerts/s1");
});

Deno.test("NTFY.read() fills a template with the JSON in the body, and shows the JSON if it cannot", () => {
  const template = (query: Record<string, string>, body: unknown = { host: "pc", error: { level: 3 } }) => {
    const { subject, message, problems } = read({ url: `/alerts?${new URLSearchParams(query)}`, body });
    return [subject, message, problems?.[0]];
  };
  const title = "{{.host}}: {{ .error.level }}";
  assertEquals(template({ tpl: "yes", t: title, m: "On {{.host}}{{.none}}" }), ["pc: 3", "On pc", undefined]);
  assertEquals(template({ template: "1", title }), ["pc: 3", '{"host":"pc","error":{"level":3}}', undefined]);
  assertEquals(template({ tpl: "no", t: "{{.host}}" }, "text"), ["{{.host}}", "text", undefined]);
  const whole = "of ntfy: the whole text is shown";
  for (const t of ["{{range .a}}x{{end}}", "{{.a | upper}}", "{{if .a}}"]) {
    assertEquals(template({ tpl: "yes", t }, '{"a":1}'), ["", '{"a":1}', `Cannot apply the template ${whole}`]);
  }
  const long = JSON.stringify({ a: "x".repeat(1000) });
  assertEquals(template({ tpl: "yes", m: "{{.a}}".repeat(2000) }, long)[2], `Cannot apply the template ${whole}`);
  assertEquals(template({ tpl: "yes", t: title }, "no JSON"), ["no JSON", "", `Cannot apply the template ${whole}`]);
  assertEquals(template({ tpl: "github", t: "T" }, "{}"), ["T", "{}", `Cannot apply the template github ${whole}`]);
});

Deno.test("formatActions() shows the actions of JSON and of the short format, but no headers", () => {
  const short = 'view, "Look, \\"quotes\\"", https://example.org, clear=true; ' +
    "http, Close door, https://door.example.org/, method=PUT, headers.Authorization=Bearer zAzsx1sk.., body='{\"a\":1}'; " +
    "broadcast, Take picture, extras.cmd=pic; copy, Copy code, 1234";
  assertEquals(
    formatActions(short),
    '→ Look, "quotes": https://example.org\n' +
      '→ Close door: PUT https://door.example.org/: {"a":1}\n→ Take picture\n→ Copy code: 1234',
  );
  assertEquals(formatActions('[{"action":"http","label":"L","url":"http://x"}]'), "→ L: POST http://x");
  assertEquals(formatActions('view, "never closed'), '→ "never closed');
  assertEquals(formatActions("http, L, https://x, clear=true, now"), "→ L: POST https://x: now");
  assertEquals(formatActions(";;,,;"), "");
});

Deno.test("topicOf() knows the paths of topics", () => {
  assertEquals(["/a-B_1", "/a/publish", "/a/b", "/a/json", "/a/b/c", "/", "/" + "x".repeat(65), "/ä"].map(topicOf), [
    ...["a-B_1", "a", "a", undefined, undefined, undefined, undefined, undefined],
  ]);
});

Deno.test("NTFY answers with the message, and with errors as an ntfy server does", () => {
  const parts = { url: "/alerts", headers: { Title: "T", Priority: "4", Tags: "a, b", Click: "https://x" }, body: "m" };
  const { status, body } = answer(NTFY, parts, ["0123abcd-4567-89ab-cdef-000000000000"]);
  assertEquals(status, 200);
  assertEquals(JSON.parse(body), {
    id: "0123abcd4567",
    time: NOW / 1000,
    expires: NOW / 1000 + 43_200,
    event: "message",
    topic: "alerts",
    title: "T",
    message: "m",
    priority: 4,
    tags: ["a", "b"],
    click: "https://x",
  });
  const file = { method: "PUT", url: "/a", headers: { f: "a.txt", p: "urgent" }, body: "abc" };
  const { message, attachment, priority } = JSON.parse(answer(NTFY, file, []).body);
  assertEquals([message, attachment.size, priority], ["You received a file: a.txt", 3, 5]);
  const get = { method: "GET", url: "/a/send?message=Hello" };
  assertEquals(JSON.parse(answer(NTFY, get, []).body).message, "Hello");
  const refused = NTFY.refuse("forbidden");
  assertEquals([refused.status, JSON.parse(refused.body).code], [403, 40301]);
});
