/** Links that run code or open local files reach no service; their text stays visible. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { composeMail } from "../../src/channels/email/message.ts";
import { renderMessage } from "../../src/channels/message.ts";
import { createNotification, type NotificationInput } from "../../src/notification/notification.ts";
import { fakeRuntime, TEST_TIME } from "../fakes/runtime.ts";
import { openChannel } from "./harness.ts";

/** Links that no client may open, in the ways in which a client could still understand them. */
const LINKS = [
  ...["javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)"],
  ...["vbscript:x", "data:text/html,<script>1</script>", "file:///etc/passwd", "blob:https://a/b"],
  ...["view-source:file:///etc/passwd", "intent://x#Intent;end", "content://x/y", "jar:file:///x!/"],
];

/** Messages with such links. */
const MESSAGES: readonly Pick<NotificationInput, "message" | "format">[] = [
  ...[
    "[see](javascript:alert(1))",
    "[see](JavaScript:alert(1))",
    "[see](< javascript:alert(1)>)",
    "[see](javascript\\:alert(1))",
    "[see](&#106;avascript:alert(1))",
    "[see](javascript&colon;alert(1))",
    "[see][x]\n\n[x]: javascript:alert(1)",
    "<javascript:alert(1)>",
    '<a href="javascript:alert(1)">see</a>',
    "[see](data:text/html,x)",
    "[see](file:///etc/passwd)",
    `${"> ".repeat(60)}[see](javascript:alert(1))`,
  ].map((message) => ({ message, format: "markdown" as const })),
  ...[
    '<a href="javascript:alert(1)">see</a>',
    '<a href="java&#9;script:alert(1)">see</a>',
    '<a href="&#1;javascript:alert(1)">see</a>',
    '<a href="//evil" href="javascript:alert(1)">see</a>',
    '<a href="data:text/html,x">see</a>',
    '<a href="file:///etc/passwd">see</a>',
    '<img src="javascript:alert(1)" alt="see">',
    '<form action="javascript:alert(1)"><button>see</button></form>',
  ].map((message) => ({ message, format: "html" as const })),
];

/** A kind of channel: its configuration, and an answer of its service that means success. */
const KINDS: Readonly<Record<string, { readonly config: Record<string, unknown>; readonly answer: unknown }>> = {
  matrix: {
    config: { homeserver: "https://m.example", accessToken: "t", room: "!a" },
    answer: { event_id: "$a" },
  },
  ntfy: { config: { server: "https://n.example", topic: "t" }, answer: { id: "a", event: "message" } },
  gotify: { config: { server: "https://g.example", token: "t" }, answer: { id: 1, appid: 1 } },
  telegram: { config: { token: "1:t", chat: 1 }, answer: { ok: true, result: { message_id: 1 } } },
  slack: { config: { url: "https://s.example/x" }, answer: { success: true } },
  webhook: { config: { url: "https://w.example/x" }, answer: {} },
};

/** Sends a notification through a channel. Returns the JSON that reached the service. */
async function send(kind: string, input: NotificationInput): Promise<Record<string, unknown>> {
  const bodies: string[] = [];
  const fetch = (_url: string, { body }: RequestInit) => {
    if (typeof body === "string") bodies.push(body);
    return Promise.resolve(Response.json(KINDS[kind].answer));
  };
  using runtime = fakeRuntime({ fetch });
  await openChannel(kind, KINDS[kind].config, runtime).send(input);
  return JSON.parse(bodies.at(-1) ?? "");
}

/** Matches an address that a client would open, in HTML or in a field for an address. */
const OPENED_REGEXP = /(href|src|action)=["'](?!https:|http:|mxc:)/i;

for (const kind of Object.keys(KINDS)) {
  Deno.test(`send() of the kind ${kind} offers no unsafe link to open, and shows its text`, async () => {
    for (const link of LINKS) {
      const body = await send(kind, { subject: "Up", link });
      assertEquals([body.click, body.link ?? null, body.extras], [
        undefined,
        null,
        kind === "gotify" ? { "client::display": { contentType: "text/plain" } } : undefined,
      ]);
      const text = JSON.stringify(body);
      assert(!OPENED_REGEXP.test(JSON.parse(`"${text.replaceAll('"', '\\"').replaceAll("\\\\", "\\")}"`)), text);
      assertStringIncludes(text, link.trim().split(/[\n<]/)[0].split(":")[0]);
    }
  });

  Deno.test(`send() of the kind ${kind} sends no message that a client renders with an unsafe link`, async () => {
    for (const input of MESSAGES) {
      const { markdown, extras, text, formatted_body, body, message } = await send(kind, { subject: "Up", ...input });
      const name = `${input.format} ${input.message}`;
      assertEquals(markdown, undefined, name);
      if (kind === "gotify") assertEquals(extras, { "client::display": { contentType: "text/plain" } }, name);
      assert(!OPENED_REGEXP.test(String(kind === "telegram" ? text : formatted_body)), name);
      const shown = String(text ?? body ?? message);
      assertStringIncludes(shown, input.message?.toString().includes("<java") ? "alert(1)" : "see", name);
      // Mattermost renders the text of the kind slack as Markdown.
      if (kind === "slack") assert(!/\]\(\s*[a-z]*script\\?:|\]\((data|file):/i.test(shown), shown);
    }
  });
}

Deno.test("composeMail() writes no unsafe link into the HTML of a mail", async () => {
  const inputs: NotificationInput[] = [
    ...LINKS.map((link) => ({ subject: "Up", link })),
    ...MESSAGES.map((message) => ({ subject: "Up", ...message })),
  ];
  for (const input of inputs) {
    const notification = createNotification(input, TEST_TIME);
    const addresses = { from: "a@example.org", to: "b@example.org", messageId: "<x@example.org>" };
    const message = await renderMessage(notification, () => {});
    const mail = composeMail(notification, message, { identity: "jump", ...addresses });
    assert(!OPENED_REGEXP.test(mail.html ?? ""), mail.html);
  }
});

Deno.test("send() of the kinds ntfy and gotify still lets clients render Markdown with ordinary links", async () => {
  for (
    const message of ["[see](https://example.org/)", "[see](/wiki)", "[data](#data)", "**data:** x", "![a](data:x)"]
  ) {
    const input = { subject: "Up", message, format: "markdown" } as const;
    assertEquals((await send("ntfy", input)).markdown, true, message);
    const { extras } = await send("gotify", input);
    assertEquals(extras, { "client::display": { contentType: "text/markdown" } }, message);
  }
  const log = "[INFO]: data: 5 rows\nfile: x [a]: b";
  assertStringIncludes(
    JSON.stringify(await send("slack", { subject: "Up", message: log })),
    JSON.stringify(log).slice(1, -1),
  );
});
