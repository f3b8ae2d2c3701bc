/** Servers that speak SMTP without end, or lie. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ResponseError, TransportError } from "../../../src/base/errors.ts";
import { sendMail } from "../../../src/channels/email/smtp.ts";
import { fakeRuntime } from "../../fakes/runtime.ts";

type Write = (text: string) => Promise<boolean>;

/**
 * Sends a mail to a server that only writes. `Write` returns false if the client closed the
 * connection.
 */
async function mailTo(serve: (write: Write, runtime: ReturnType<typeof fakeRuntime>) => Promise<void>) {
  using runtime = fakeRuntime();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = (async () => {
    const connection = await listener.accept();
    const writer = connection.writable.getWriter();
    connection.readable.pipeTo(new WritableStream()).catch(() => {});
    await serve((text) => writer.write(new TextEncoder().encode(text)).then(() => true, () => false), runtime);
    await writer.close().catch(() => {});
  })();
  const addresses = { from: "a@example.org", to: "b@example.org" };
  const content = { ...addresses, subject: "Up", date: new Date(0), messageId: "<a@example.org>", headers: {} };
  const server = {
    host: "127.0.0.1",
    port: listener.addr.port,
    security: "none",
    hostname: "jump.example.org",
  } as const;
  try {
    await sendMail(server, {
      envelope: addresses,
      content: { ...content, text: "x", textEncoding: "base64", attachments: [] },
    }, { timeout: runtime.timeout, timeoutMs: 5000 });
  } finally {
    listener.close();
    await served;
  }
}

/** The most that a test server writes, in bytes. */
const MAX_WRITTEN = 64 * 2 ** 20;

for (
  const [name, start, part] of [
    ["a greeting without end", "220 ", "x"],
    ["a greeting of lines without end", "", "220-x\r\n"],
    ["answers without end", "", "220 x\r\n"],
    ["extensions without end", "220 x\r\n250-x\r\n", "250-SIZE\r\n"],
  ] as const
) {
  Deno.test(`sendMail() stops reading ${name}`, async () => {
    let written = 0;
    await assertRejects(
      () =>
        mailTo(async (write) => {
          await write(start);
          const text = part.repeat(Math.ceil(65_536 / part.length));
          while (written < MAX_WRITTEN && await write(text)) written += text.length;
        }),
      TransportError,
      "does not use SMTP",
    );
    assert(written < MAX_WRITTEN, "the client read everything");
  });
}

Deno.test("sendMail() ends at its time limit although the server goes on writing", async () => {
  const error = await assertRejects(
    () =>
      mailTo(async (write, runtime) => {
        for (let count = 0; await write("220-x\r\n"); count++) if (count === 10) runtime.expireTimeouts();
      }),
    TransportError,
    "No answer from 127.0.0.1 within 5 s",
  );
  assertEquals(error.phase, "connect");
});

Deno.test("sendMail() shows only the beginning of a long refusal", async () => {
  const error = await assertRejects(
    () => mailTo(async (write) => void await write(`554 ${"no ".repeat(20_000)}\r\n`)),
    ResponseError,
  );
  assertStringIncludes(error.message, "127.0.0.1 answered the connection: 554 no no");
  assert(error.message.length < 400, `${error.message.length}`);
});
