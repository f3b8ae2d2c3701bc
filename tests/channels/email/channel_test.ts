import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { classify } from "../../../src/delivery/classify.ts";
import { ConfigError } from "../../../src/base/errors.ts";
import { testFile } from "../../fakes/files.ts";
import { type FakeRuntime, fakeRuntime, TEST_TIME } from "../../fakes/runtime.ts";
import { type SmtpOptions, SmtpServer, smtpSuite } from "../../fakes/smtp_server.ts";
import { readMail } from "../../fakes/read_mail.ts";
import { findFullName } from "../../../src/channels/email/smtp.ts";
import { type ChannelTest, openChannel, TEST_ID } from "../harness.ts";

const smtpTest = await smtpSuite();

const LOGIN = { user: "bot", password: "corréct horse" };

interface EmailTest extends ChannelTest {
  readonly peer: SmtpServer;
  readonly runtime: FakeRuntime;
}

async function withEmail(
  options: SmtpOptions,
  config: Readonly<Record<string, unknown>>,
  body: (t: EmailTest) => Promise<void>,
) {
  using runtime = fakeRuntime();
  await using peer = await SmtpServer.start(options);
  const { security = "starttls" } = options;
  const whole = {
    server: "127.0.0.1",
    port: peer.port,
    security,
    ...(security === "none" ? {} : { caFile: peer.caFile }),
    from: "Jump host <jump@example.org>",
    to: ["root@example.org", "later@example.org"],
    ...config,
  };
  await body({ peer, runtime, ...openChannel("email", whole, runtime) });
}

smtpTest("EmailChannel.send() sends text and HTML over STARTTLS with a login, and returns the Message-ID", async () => {
  await withEmail({ login: LOGIN }, LOGIN, async ({ peer, send, channel }) => {
    assertEquals(channel.destinations, ["root@example.org", "later@example.org"]);
    const receipt = await send({
      subject: "Plätte voll",
      message: "a < b\nc",
      link: "https://example.org/",
      severity: "critical",
    });
    assertEquals(receipt, { id: `${TEST_ID}@example.org`, possibleDuplicate: false });
    await peer.waitForMails(1);
    const [{ from, to, tls, user, data }] = peer.mails;
    assertEquals([from, to, tls, user], ["jump@example.org", ["root@example.org"], true, "bot"]);
    const { headers, parts } = await readMail(data);
    assertEquals(headers["message-id"], `<${TEST_ID}@example.org>`);
    assertEquals(headers.subject, "[jump] 🚨 Plätte voll");
    assertEquals([headers.from, headers.to], ["Jump host <jump@example.org>", "root@example.org"]);
    assertEquals(Date.parse(headers.date), TEST_TIME - 5000);
    assertEquals([headers["auto-submitted"], headers.importance], ["auto-generated", "high"]);
    assertStringIncludes(headers["x-priority"], "1");
    assertEquals(parts["text/plain"], "[jump] 🚨 Plätte voll\n\na < b\nc\n\n🔗 https://example.org/");
    assertStringIncludes(parts["text/html"], "<strong>[jump] 🚨 Plätte voll</strong><br>a &lt; b<br>c<br>");
  });
});

smtpTest("EmailChannel.send() sends over TLS from the first byte, and unencrypted without a login", async () => {
  await withEmail({ security: "tls", login: LOGIN }, LOGIN, async ({ peer, send }) => {
    await send({ subject: "Up", silent: true }, { late: true });
    await peer.waitForMails(1);
    const { headers, parts } = await readMail(peer.mails[0].data);
    assertEquals([peer.mails[0].tls, peer.mails[0].user, headers.importance], [true, "bot", "low"]);
    assert(/^\[jump\] Up\n\n⏰ Queued since .*, 5 s late$/.test(parts["text/plain"]));
  });
  await withEmail({ security: "none" }, {}, async ({ peer, send }) => {
    await send({ subject: "Up" });
    await peer.waitForMails(1);
    assertEquals([peer.mails[0].tls, peer.mails[0].user], [false, null]);
  });
});

smtpTest("EmailChannel.send() never sends its password to a server without STARTTLS", async () => {
  await withEmail({ security: "none", login: LOGIN }, { security: "starttls", ...LOGIN }, async ({ peer, send }) => {
    const error = await assertRejects(() => send({ subject: "Up" }));
    const failure = classify(error);
    assertEquals(failure.class, "credentials");
    assertStringIncludes(failure.reason, "it does not offer STARTTLS, so the mail is not sent");
    assert(!Deno.inspect(error, { depth: 10 }).includes("horse"));
    assertEquals(peer.mails, []);
  });
});

smtpTest("EmailChannel.send() rejects a server with an unknown authority", async () => {
  await withEmail({ login: LOGIN }, { ...LOGIN, caFile: undefined }, async ({ peer, send }) => {
    const failure = classify(await assertRejects(() => send({ subject: "Up" })));
    assertEquals([failure.class, peer.mails.length], ["not-sent", 0], failure.reason);
  });
});

smtpTest("EmailChannel.send() classifies the answers of the server", async () => {
  await withEmail({ login: LOGIN, size: 60_000 }, LOGIN, async ({ peer, send }) => {
    const cases = [
      ["unknown", "rejected", 550],
      ["later", "destination-busy", 450],
      ["full", "destination-busy", 452],
      ["greylisted", "destination-busy", 451],
      ["over", "destination-busy", 552],
      ["quota", "destination-busy", 552],
      ["late-quota", "destination-busy", 552],
      ["elsewhere", "destination", 554],
      ["exim-relay", "destination", 550],
      ["spf", "destination", 550],
      ["helo", "credentials", 504],
      ["unlisted", "credentials", 550],
      ["not-owned", "credentials", 553],
      ["goodbye", "not-sent", 421],
      ["poison", "rejected", 554],
      ["cut", "not-sent", undefined],
      ["drop", "in-doubt", undefined],
    ] as const;
    for (const [local, expected, status] of cases) {
      const destination = `${local}@example.org`;
      const failure = classify(await assertRejects(() => send({ subject: "Up" }, { destination })));
      assertEquals([failure.class, failure.status], [expected, status], `${local}: ${failure.reason}`);
    }
    await peer.waitForMails(1);
    assertEquals(
      peer.mails.map(({ to }) => to),
      [["drop@example.org"]],
      "the server has taken the mail, without an answer",
    );
  });
  await withEmail({ login: LOGIN }, { ...LOGIN, password: "wr0ng" }, async ({ send }) => {
    const error = await assertRejects(() => send({ subject: "Up" }));
    assertEquals([classify(error).class, classify(error).status], ["credentials", 535]);
    assert(!Deno.inspect(error, { depth: 10 }).includes("wr0ng"));
  });
  await withEmail({ security: "none" }, { from: "stranger@example.org" }, async ({ send }) => {
    assertEquals(classify(await assertRejects(() => send({ subject: "Up" }))).class, "credentials");
  });
  await withEmail({ security: "none", size: 1000 }, {}, async ({ send }) => {
    const failure = classify(await assertRejects(() => send({ subject: "Up", message: "x".repeat(2000) })));
    assertEquals([failure.class, failure.status], ["rejected", 552], failure.reason);
  });
  await withEmail({ security: "none" }, {}, async ({ peer, send }) => {
    await peer.end();
    assertEquals(classify(await assertRejects(() => send({ subject: "Up" }))).class, "not-sent");
  });
});

smtpTest(
  "EmailChannel.send() times out, and knows that a silent server may have accepted the mail",
  async () => {
    await withEmail({ security: "none" }, {}, async ({ peer, send, runtime }) => {
      const destination = "hang@example.org";
      const waiting = assertRejects(() => send({ subject: "Up" }, { destination }));
      await peer.waitForMails(1);
      runtime.expireTimeouts();
      const failure = classify(await waiting);
      assertEquals([failure.class, failure.reason], ["in-doubt", "No answer from 127.0.0.1 within 30 s"]);

      const controller = new AbortController();
      const stopped = assertRejects(() => send({ subject: "Up" }, { destination, signal: controller.signal }));
      await peer.waitForMails(2);
      controller.abort(new Error("Stopped by SIGTERM"));
      assertEquals(await stopped, controller.signal.reason);
    });
  },
);

smtpTest(
  "EmailChannel.send() prevents a subject from adding a header, and cuts a mail to the limit of every server",
  async () => {
    await withEmail({ security: "none" }, {}, async ({ peer, send }) => {
      await send({ subject: "Up\r\nBcc: victim@example.org\r\n\r\nbody", message: "ä".repeat(25_000) }, { late: true });
      await peer.waitForMails(1);
      const [{ to, data }] = peer.mails;
      const { headers, parts } = await readMail(data);
      assertEquals([to, headers.bcc], [["root@example.org"], undefined]);
      assertEquals(headers.subject, "[jump] Up Bcc: victim@example.org body");
      assertEquals(Object.keys(parts), ["text/plain"]);
      assert(/✂ Cut here: \d+ of 50000 bytes are missing\nä+\n\n⏰ Queued since/.test(parts["text/plain"]));
      assert(data.length <= 64 * 1024, `${data.length}`);
    });
  },
);

smtpTest("EmailChannel.send() says QUIT after a refusal", async () => {
  await withEmail({ security: "none" }, {}, async ({ peer, send }) => {
    for (const local of ["unknown", "greylisted"]) {
      await assertRejects(() => send({ subject: "Up" }, { destination: `${local}@example.org` }));
    }
    await peer.waitForQuits(2);
  });
});

smtpTest("EmailChannel.send() uses the EHLO name of the settings, and explains a name that is refused", async () => {
  await withEmail({ security: "none" }, { ehloName: "jump.example.org" }, async ({ peer, send }) => {
    await send({ subject: "Up" });
    await peer.waitForMails(1);
    assertEquals(peer.mails[0].helo, "jump.example.org");
  });
  await withEmail({ security: "none", greeting: "helo" }, {}, async ({ send }) => {
    const failure = classify(await assertRejects(() => send({ subject: "Up" })));
    assertEquals([failure.class, failure.status], ["credentials", 550], failure.reason);
    assertStringIncludes(failure.reason, 'set "ehloName"');
  });
  await withEmail({ security: "none", greeting: "busy" }, {}, async ({ send }) => {
    const failure = classify(await assertRejects(() => send({ subject: "Up" })));
    assertEquals([failure.class, failure.status], ["not-sent", 421], failure.reason);
  });
});

smtpTest("EmailChannel.send() sends internationalized domains in ASCII", async () => {
  const addresses = { from: '"Sprung, Host" <jump@exämple.org>', to: '"Doe, John" <john@exämple.org>' };
  await withEmail({ security: "none" }, addresses, async ({ peer, send }) => {
    const { id } = await send({ subject: "Up" }, { destination: addresses.to });
    await peer.waitForMails(1);
    assertEquals(id, `${TEST_ID}@xn--exmple-cua.org`);
    const [{ from, to, data }] = peer.mails;
    assertEquals([from, to], ["jump@xn--exmple-cua.org", ["john@xn--exmple-cua.org"]]);
    const { headers } = await readMail(data);
    assertEquals(headers["message-id"], `<${TEST_ID}@xn--exmple-cua.org>`);
    assertEquals(headers.from, '"Sprung, Host" <jump@xn--exmple-cua.org>');
    assertEquals(headers.to, '"Doe, John" <john@xn--exmple-cua.org>');
  });
});

smtpTest("EmailChannel.send() explains a server that expects TLS immediately, or does not", async () => {
  await withEmail({ security: "tls" }, { security: "none", caFile: undefined }, async ({ send }) => {
    const failure = classify(await assertRejects(() => send({ subject: "Up" }, { timeoutMs: 200 })));
    assertStringIncludes(failure.reason, 'expects TLS immediately, as on port 465, set "security"');
  });
  await withEmail({}, { security: "tls" }, async ({ send }) => {
    const failure = classify(await assertRejects(() => send({ subject: "Up" })));
    assertEquals(failure.class, "not-sent");
    assertStringIncludes(failure.reason, 'set "security" to "starttls", as on port 587');
  });
  await withEmail({ security: "none" }, { server: "localhost", port: 1 }, async ({ send }) => {
    const failure = classify(await assertRejects(() => send({ subject: "Up" })));
    assertStringIncludes(failure.reason, "Cannot send mail through localhost:1: Connection refused");
  });
});

Deno.test("findFullName() finds the name of a host with its domain", () => {
  const hosts = "127.0.0.1 localhost\n# 192.0.2.9 jump.old.example jump\n192.0.2.1\tjump.example.org jump # us\n";
  assertEquals(findFullName("jump.example.net", () => hosts), "jump.example.net");
  assertEquals(findFullName("jump", () => hosts), "jump.example.org");
  assertEquals(findFullName("other", () => hosts), undefined);
});

Deno.test("email/kind.ts accepts every valid form of an address", () => {
  using runtime = fakeRuntime();
  for (
    const to of [
      '"Doe, John" <john@example.org>',
      '"Doe \\"JD\\" John"<john@example.org>',
      "Jürgen <jürgen@exämple.org>",
      "root@[192.0.2.1]",
      "root@[IPv6:2001:db8::1]",
    ]
  ) {
    const { channel } = openChannel("email", { server: "mail.exämple.org", from: "a@example.org", to }, runtime);
    assertEquals(channel.destinations, [to]);
  }
});

Deno.test("email/kind.ts rejects invalid settings, and every way to send a password unencrypted", () => {
  using runtime = fakeRuntime();
  const good = { server: "mail.example.org", from: "a@example.org", to: "b@example.org" };
  const cases: readonly (readonly [config: Record<string, unknown>, message: string])[] = [
    [{ server: undefined }, "Missing channels.email.server"],
    [{ to: "Doe, John <john@example.org>" }, "channels.email.to: it must be an address"],
    [{ ehloName: "jump host" }, "channels.email.ehloName: it must be a full host name"],
    [{ server: "mail.example.org:25" }, "channels.email.server: it is not a host name"],
    [{ from: undefined }, "Missing channels.email.from"],
    [{ from: "a@example.org\nBcc: c@example.org" }, "channels.email.from: it must be an address"],
    [{ from: "a" }, "channels.email.from: it must be an address"],
    [{ to: [] }, "channels.email.to"],
    [
      { to: ["b@example.org", "b@example.org"] },
      "channels.email.to: it must be a string or an array of strings, without empty or repeated strings",
    ],
    [{ to: "b@example.org, c@example.org" }, "channels.email.to: it must be an address"],
    [{ to: "b@example.org>\r\nDATA" }, "channels.email.to: it must be an address"],
    [{ security: "ssl" }, 'channels.email.security: it must be "starttls", "tls" or "none"'],
    [{ ...LOGIN, security: "none" }, "channels.email.security: the password would be sent unencrypted"],
    [{ user: "bot" }, "channels.email.user: channels.email.password is not set"],
    [{ ...LOGIN, passwordFile: "/x" }, "channels.email.password: channels.email.passwordFile is set too"],
    [
      { port: 465 },
      "channels.email.port: on port 465, servers expect TLS immediately, but starttls begins without encryption",
    ],
    [{ port: 0 }, "channels.email.port: it must be a whole number from 1 to 65535"],
    [{ subject: "x" }, "channels.email.subject: there is no such key"],
  ];
  for (const [config, message] of cases) {
    const error = assertThrows(() => openChannel("email", { ...good, ...config }, runtime), ConfigError);
    assertStringIncludes(error.message, message);
  }
});

smtpTest(
  "EmailChannel.send() sends files with the text, and the text alone if the server does not accept them",
  async () => {
    const attachments = [
      testFile("Übersicht.csv", "text/csv", "Ordner;Größe\n"),
      testFile("dump.txt", "text/plain", "x\n".repeat(20_000)),
    ];
    await withEmail({}, {}, async ({ peer, send }) => {
      await send({ subject: "Up", message: "Text" }, { attachments });
      await peer.waitForMails(1);
      const { parts, files } = await readMail(peer.mails[0].data);
      assertEquals(parts["text/plain"], "[jump] Up\n\nText");
      const base64 = ({ content }: { readonly content: string }) => new TextEncoder().encode(content).toBase64();
      assertEquals(files, attachments.map((file) => [file.name, file.type, base64(file)]));
      assertEquals(peer.mails[0].data.match(/Content-Type: text\/(csv|plain); charset=utf-8;/g)?.length, 2);
    });
    await withEmail({ size: 20_000 }, {}, async ({ peer, send, warnings }) => {
      await send({ subject: "Up", message: "Text" }, { attachments });
      await peer.waitForMails(1);
      const { parts, files } = await readMail(peer.mails[0].data);
      const missing = "📎 Übersicht.csv (15 bytes) was not sent here\n\n📎 dump.txt (39.1 KiB) was not sent here";
      assertEquals([parts["text/plain"], files], [`[jump] Up\n\nText\n\n${missing}`, []]);
      assertEquals(warnings.length, 1);
      assertStringIncludes(warnings[0], "the mail is sent without Übersicht.csv (15 bytes), dump.txt (39.1 KiB)");
    });
  },
);
