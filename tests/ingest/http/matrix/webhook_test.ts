import { assertEquals } from "@std/assert";
import { MATRIX_WEBHOOK, webhookToken } from "../../../../src/ingest/http/matrix/webhook.ts";
import { answer, readOne } from "../requests.ts";

const read = (body: unknown) => readOne(MATRIX_WEBHOOK, { url: "/webhook/t", body }).input;

Deno.test("webhookToken() finds the token in the path of a webhook", () => {
  assertEquals(["/api/v1/matrix/hook/a%20b", "/webhook/t", "/webhook", "/hooks/t"].map(webhookToken), [
    ...["a b", "t", undefined, undefined],
  ]);
});

Deno.test("MATRIX_WEBHOOK.read() takes the format of matrix-appservice-webhooks", () => {
  assertEquals(read({ displayName: "Apprise", format: "plain", text: "Title\r\na & b", avatarUrl: "https://x" }), {
    ...{ subject: "Title", message: "a & b", origin: "Apprise" },
  });
  assertEquals(read({ format: "html", text: "<h1>Title</h1><b>b</b>", msgtype: "notice" }), {
    ...{ subject: "Title", message: "<b>b</b>", format: "html", silent: true },
  });
});

Deno.test("MATRIX_WEBHOOK.read() takes the format of Slack", () => {
  const attachment = { title: "Title", text: "a &amp; &lt;b&gt;", color: "danger", title_link: "https://x", ts: 1 };
  assertEquals(read({ username: "bot", mrkdwn: false, attachments: [attachment] }), {
    ...{ subject: "Title", message: "a & <b>\n\nLink: https://x", origin: "bot", severity: "error" },
  });
});

Deno.test("MATRIX_WEBHOOK.read() takes the format of matrix-hookshot, and shows other fields", () => {
  assertEquals(read({ text: "Title\nb", html: "<p>Title</p><b>b</b>", username: "CI" }), {
    ...{ subject: "Title", message: "<b>b</b>", format: "html", origin: "CI" },
  });
  assertEquals(read({ text: "Title", job: 5 }), { subject: "Title", message: "job: 5" });
  assertEquals(read("plain text"), { subject: "plain text", message: "" });
});

Deno.test("MATRIX_WEBHOOK answers as both bridges do", () => {
  assertEquals(JSON.parse(answer(MATRIX_WEBHOOK, { body: { text: "x" } }, ["1"]).body), { success: true, ok: true });
});
