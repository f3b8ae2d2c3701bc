import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Finding } from "../../src/channels/check.ts";
import { LoopbackGotify, LoopbackTelegram, LoopbackWebhook } from "../../src/testing/mod.ts";
import { type SmtpOptions, SmtpServer, smtpSuite } from "../fakes/smtp_server.ts";
import { DoctorScene } from "./scene.ts";

const smtpTest = await smtpSuite();

/** A scene with one channel of each kind that needs no other program. */
class Kinds implements AsyncDisposable {
  readonly scene: DoctorScene;
  readonly gotify: LoopbackGotify;
  readonly telegram: LoopbackTelegram;
  readonly webhook: LoopbackWebhook;

  private constructor(
    scene: DoctorScene,
    gotify: LoopbackGotify,
    telegram: LoopbackTelegram,
    webhook: LoopbackWebhook,
  ) {
    this.scene = scene;
    this.gotify = gotify;
    this.telegram = telegram;
    this.webhook = webhook;
    scene.file("gotify", gotify.token);
    scene.file("telegram", telegram.token);
    scene.file("hook", `${webhook.url}/secret-path`);
    scene.configure("gotify", { server: gotify.url, tokenFile: scene.path("gotify") });
    scene.configure("telegram", {
      server: telegram.url,
      tokenFile: scene.path("telegram"),
      chat: ["1001", "1002"],
    });
    scene.configure("webhook", { urlFile: scene.path("hook") });
    scene.configure("exec", { command: ["/bin/true"] });
  }

  static async set(): Promise<Kinds> {
    return new Kinds(
      await DoctorScene.set(),
      await LoopbackGotify.start(),
      await LoopbackTelegram.start({ chats: ["1001", "1002"] }),
      await LoopbackWebhook.start(),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of [this.gotify, this.telegram, this.webhook, this.scene]) await part[Symbol.asyncDispose]();
  }
}

/** What is wrong, without the hints. */
function troubles(findings: readonly Finding[]): string[] {
  return findings.filter(({ state }) => state === "warning" || state === "failure").map(({ check, message }) =>
    `${check}: ${message}`
  );
}

Deno.test("examine() looks at channels of each kind, and sends nothing", async () => {
  await using kinds = await Kinds.set();
  const { scene, gotify, telegram, webhook } = kinds;
  const findings = await scene.examine();
  const found = findings.filter(({ check }) => /^(gotify|telegram|webhook|exec)\//.test(check));
  assertEquals(
    found.map(({ check, state, message }) => `${check} ${state}: ${message}`),
    [
      `gotify/connection ok: ${gotify.url} answers`,
      "gotify/clock ok: the clock of this host differs from the server's clock by less than a minute",
      "gotify/server ok: it is Gotify 3.0.0",
      "gotify/token ok: the token belongs to an application, which can send messages",
      `telegram/connection ok: ${telegram.url} answers`,
      "telegram/clock ok: the clock of this host differs from the server's clock by less than a minute",
      "telegram/bot ok: the token belongs to @loopback_bot",
      "telegram/chat ok: the bot knows 1001, 1002",
      `webhook/connection ok: ${webhook.url} answers`,
      "webhook/clock ok: the clock of this host differs from the server's clock by less than a minute",
      "webhook/address skipped: not checked: only a message can test the address (doctor --send)",
      "exec/program ok: /bin/true exists and is executable",
      "exec/permission ok: matrix-notify may run the program",
    ],
  );
  assertEquals([gotify.messages, telegram.messages("1001"), webhook.deliveries], [[], [], []]);
  assertEquals(webhook.requests.map(({ method, path }) => `${method} ${path}`), ["HEAD /"]);
});

/** One way to break it, and all that is to be said of that. */
interface Broken {
  readonly name: string;
  readonly bring: (kinds: Kinds) => void | Promise<void>;
  readonly says: string;
  /** What else says the same. */
  readonly also?: string;
  readonly hint: string;
}

const BROKEN: readonly Broken[] = [
  {
    name: "a Gotify server that is down",
    bring: ({ gotify }) => gotify.stop(),
    says: "gotify/connection: Cannot connect to 127.0.0.1",
    hint: "check that the server runs",
  },
  {
    name: "another server in the place of Gotify",
    bring: ({ scene }) => scene.configure("gotify", { server: scene.ntfy.url }),
    says: "gotify/server: 127.0.0.1",
    hint: "another program answers at this address",
  },
  {
    name: "a client's token in the place of an application's",
    bring: ({ scene, gotify }) => scene.file("gotify", gotify.clientToken),
    says: "gotify/token: the token belongs to a client",
    hint: "the token of an application",
  },
  {
    name: "an unknown token of Gotify",
    bring: ({ scene }) => scene.file("gotify", "A-unknown"),
    says: "gotify/token: the server rejects the token",
    hint: "the token of an application",
  },
  {
    name: "a Telegram server that is down",
    bring: ({ telegram }) => telegram.stop(),
    says: "telegram/connection: Cannot connect to 127.0.0.1",
    hint: "check that the server runs",
  },
  {
    name: "a bot's token that was revoked",
    bring: ({ scene }) => scene.file("telegram", "123456:AArevoked"),
    says: "telegram/bot: 127.0.0.1",
    hint: "BotFather",
  },
  {
    name: "what is no bot's token",
    bring: ({ scene }) => scene.file("telegram", "AArevoked"),
    says: "configuration: Cannot use channels.telegram.tokenFile",
    also: "telegram/bot",
    hint: "",
  },
  {
    name: "a chat that the bot was thrown out of",
    bring: ({ telegram }) => telegram.block("1002"),
    says: "telegram/chat: chat 1002: 127.0.0.1",
    hint: "add the bot to the group again",
  },
  {
    name: "a webhook's host that is down",
    bring: ({ webhook }) => webhook.stop(),
    says: "webhook/connection: Cannot connect to 127.0.0.1",
    hint: "check that the server runs",
  },
  {
    name: "a webhook's address that is none",
    bring: ({ scene }) => scene.file("hook", "hooks.example.org/x"),
    says: "configuration: Cannot use channels.webhook.urlFile",
    hint: "",
  },
  {
    name: "a program that is not there",
    bring: ({ scene }) => scene.configure("exec", { command: [scene.path("nothing")] }),
    says: "exec/program: there is no program",
    hint: "fix command",
  },
  {
    name: "a program that is a directory",
    bring: ({ scene }) => scene.configure("exec", { command: [scene.directory] }),
    says: "is a directory",
    hint: "set command to the complete path of the program",
  },
  {
    name: "a program that no user may execute",
    bring: ({ scene }) => scene.configure("exec", { command: [scene.path("hook")] }),
    says: "is not executable",
    hint: "chmod +x",
  },
  {
    name: "a program that every user can change",
    bring({ scene }) {
      scene.file("tell", "#!/bin/sh\n");
      Deno.chmodSync(scene.path("tell"), 0o777);
      scene.configure("exec", { command: [scene.path("tell")] });
    },
    says: "is not safe: other users can write to it (its mode is 0777)",
    hint: "chmod go-w",
  },
  {
    name: "programs that may not be run",
    bring: ({ scene }) => void (scene.host = { ...scene.host, mayRun: () => false }),
    says: "exec/permission: Deno does not have the permission to run /bin/true",
    hint: "--allow-run",
  },
];

for (const { name, bring, says, also, hint } of BROKEN) {
  Deno.test(`examine() names the cause of ${name}`, async () => {
    await using kinds = await Kinds.set();
    await bring(kinds);
    const findings = await kinds.scene.examine();
    const found = troubles(findings);
    assertEquals(found.length, also === undefined ? 1 : 2, found.join("\n"));
    assertStringIncludes(found.at(-1) ?? "", also ?? says);
    assertStringIncludes(found[0], says);
    const { hint: printed = "" } = findings.find(({ state }) => state === "warning" || state === "failure") ?? {};
    assertStringIncludes(printed, hint);
    assertEquals(JSON.stringify(findings).includes("secret-path"), false, "a webhook's address is a secret");
  });
}

const LOGIN = { user: "bot", password: "corréct horse" };

/** Examines a mail channel. */
async function examineMail(options: SmtpOptions, settings: Readonly<Record<string, unknown>>): Promise<Finding[]> {
  await using peer = await SmtpServer.start(options);
  await using scene = await DoctorScene.set();
  scene.file("password", LOGIN.password);
  scene.configure("email", {
    server: "127.0.0.1",
    port: peer.port,
    security: options.security,
    caFile: options.security === "none" ? undefined : peer.caFile,
    from: "jump@example.org",
    to: "root@example.org",
    ...settings,
  });
  const findings = await scene.examine();
  assertEquals(peer.mails, []);
  return findings.filter(({ check }) => check.startsWith("email/"));
}

smtpTest("examine() connects to a mail server and logs in, and sends nothing", async () => {
  await using scene = await DoctorScene.set();
  scene.file("password", LOGIN.password);
  const login = { user: LOGIN.user, passwordFile: scene.path("password") };
  for (const security of ["starttls", "tls"] as const) {
    const findings = await examineMail({ security, login: LOGIN }, login);
    assertEquals(findings.map(({ check, state }) => `${check} ${state}`), ["email/connection ok", "email/login ok"]);
    assertEquals(findings[1].message, "bot is logged in");
  }
  const [connection, without] = await examineMail({ security: "none" }, {});
  assertStringIncludes(connection.message, "the connection is not encrypted");
  assertEquals([without.state, without.message], [
    "ok",
    "the channel does not log in, because no password is configured",
  ]);
});

smtpTest("examine() says what is wrong with a mail server or its password, and never shows that", async () => {
  const wrong = await examineMail({ security: "starttls", login: LOGIN }, { user: "bot", password: "wr0ng" });
  assertEquals(wrong.map(({ check, state }) => `${check} ${state}`), ["email/connection ok", "email/login failure"]);
  assertStringIncludes(wrong[1].hint ?? "", "fix user and password");
  const clear = await examineMail({ security: "none" }, { security: "starttls", user: "bot", password: "wr0ng" });
  assertEquals(clear.map(({ state }) => state), ["failure", "skipped"]);
  assertStringIncludes(clear[0].message, "does not offer STARTTLS");
  const stranger = await examineMail({ security: "starttls" }, { caFile: undefined });
  assertStringIncludes(stranger[0].message, "its certificate is not signed by a trusted authority");
  assertStringIncludes(stranger[0].hint ?? "", "caFile");
  const nowhere = await examineMail({ security: "none" }, { server: "mail.invalid" });
  assertStringIncludes(nowhere[0].message, "the name mail.invalid was not found (DNS)");
  const down = await examineMail({ security: "none" }, { port: 1 });
  assertStringIncludes(down[0].message, "Cannot send mail through 127.0.0.1:");
  assertStringIncludes(down[0].hint ?? "", "check that the server runs");
  assertEquals(JSON.stringify([wrong, clear, stranger, down]).includes("wr0ng"), false);
});
