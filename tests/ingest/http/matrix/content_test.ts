import { assertEquals } from "@std/assert";
import { readContent } from "../../../../src/ingest/http/matrix/content.ts";

/** Reads the content of an event. The server has the upload `up-1`. */
function read(content: Readonly<Record<string, unknown>>) {
  return readContent(content, (id) => id === "up-1" ? "/state/uploads/up-1" : undefined).input;
}

Deno.test("readContent() splits a text into subject and message", () => {
  assertEquals(read({ msgtype: "m.text", body: "Disk full\nsda1\n 98 %" }), {
    subject: "Disk full",
    message: "sda1\n 98 %",
  });
  assertEquals(read({ msgtype: "m.text", body: "# Title\r\ntext" }), { subject: "Title", message: "text" });
  assertEquals(read({ msgtype: "m.text", body: "# 5 disks" }), { subject: "# 5 disks", message: "" });
});

Deno.test("readContent() sends HTML as HTML", () => {
  const content = { msgtype: "m.text", body: "Disk full\nbold", format: "org.matrix.custom.html" };
  assertEquals(read({ ...content, formatted_body: "<h1>Disk full</h1><b>bold</b>" }), {
    ...{ subject: "Disk full", message: "<b>bold</b>", format: "html" },
  });
  assertEquals(read({ ...content, formatted_body: '<a href="https://x">a</a>' }), {
    ...{ subject: "", message: '<a href="https://x">a</a>', format: "html" },
  });
  assertEquals(read({ ...content, format: "other", formatted_body: "<b>x</b>" }), {
    ...{ subject: "Disk full", message: "bold" },
  });
});

Deno.test("readContent() maps msgtype, mentions, link, and the fields of matrix-notify", () => {
  assertEquals(
    read({
      msgtype: "m.notice",
      body: "[jump] ❌ Backup failed\ntext",
      external_url: "https://example.org/1",
      "m.mentions": { user_ids: ["@a:example.org"], room: true },
      "m.relates_to": { "m.in_reply_to": { event_id: "$1" } },
      "dev.matrix-notify.id": "0",
      "dev.matrix-notify.severity": "error",
      "dev.matrix-notify.origin": "cron",
      "dev.matrix-notify.key": "backup",
      "com.example.other": 1,
    }),
    {
      subject: "[jump] Backup failed",
      message: "text",
      severity: "error",
      origin: "cron",
      link: "https://example.org/1",
      silent: true,
      mentions: ["@room", "@a:example.org"],
    },
  );
  assertEquals(read({ msgtype: "m.emote", body: "waves" }), { subject: "waves", message: "" });
  assertEquals(read({ msgtype: "m.location", body: "Home", geo_uri: "geo:1,2" }), {
    subject: "Home",
    message: "Location: geo:1,2",
  });
});

Deno.test("readContent() takes the new content of an edit", () => {
  const edit = { msgtype: "m.text", body: "* new", "m.new_content": { msgtype: "m.text", body: "new" } };
  assertEquals(read(edit), { subject: "new", message: "" });
  assertEquals(read({ ...edit, "m.new_content": "bad" }), { subject: "* new", message: "" });
});

Deno.test("readContent() attaches an uploaded file", () => {
  const url = "mxc://matrix-notify/up-1", info = { mimetype: "image/png", w: 1, h: 1 };
  const file = (name: string) => ({ path: "/state/uploads/up-1", name, type: "image/png" });
  assertEquals(read({ msgtype: "m.image", body: "graph.png", url, info }), {
    ...{ subject: "File: graph.png", message: "", attachments: [file("graph.png")] },
  });
  assertEquals(read({ msgtype: "m.file", body: "Load\ntoday", filename: "graph.png", url, info }), {
    ...{ subject: "Load", message: "today", attachments: [file("graph.png")] },
  });
  assertEquals(read({ msgtype: "m.file", body: "a", url }).attachments, [{ path: "/state/uploads/up-1", name: "a" }]);
});

Deno.test("readContent() shows why a file cannot be attached", () => {
  const problem = (content: Readonly<Record<string, unknown>>) => {
    const { attachments, problems } = read({ msgtype: "m.image", body: "a.png", ...content });
    return [attachments, ...problems ?? []];
  };
  assertEquals(problem({ url: "mxc://matrix-notify/up-2" }), [
    undefined,
    "Cannot attach a.png: the uploaded file is not here any more",
  ]);
  assertEquals(problem({ url: "mxc://example.org/up-1" }), [
    undefined,
    "Cannot attach a.png: mxc://example.org/up-1 is on another server",
  ]);
  assertEquals(read({ msgtype: "m.image", body: "Title", url: "https://example.org/a.png" }), {
    ...{ subject: "Title", message: "Image: https://example.org/a.png" },
  });
});

Deno.test("readContent() shows an event without a body as it is", () => {
  assertEquals(read({ msgtype: "m.text", text: "other" }), {
    subject: "",
    message: '{\n  "msgtype": "m.text",\n  "text": "other"\n}',
  });
});
