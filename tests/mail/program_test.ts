import { assertEquals, assertStringIncludes } from "@std/assert";
import { startPostfix } from "../../scripts/mail/postfix.ts";
import type { MailServer } from "../../scripts/mail/server.ts";
import { until } from "../../scripts/synapse/until.ts";
import { createLogs, findMissingLine } from "../fakes/long_texts.ts";
import { readMail } from "../fakes/read_mail.ts";
import { runCli, StateFolder } from "../synapse/cli.ts";
import { AUTHORITY, mailSuite } from "./harness.ts";

const OTHER_AUTHORITY = AUTHORITY.replace("authority.pem", "self_signed_authority.pem");

const postfixTest = await mailSuite(() =>
  startPostfix({
    mailboxes: ["root@example.test", "logs@example.test"],
    services: { smtp: { smtpd_tls_security_level: "encrypt" } },
  })
);

/** Writes the configuration of an email channel, and returns the environment that selects it. */
async function configure(
  state: StateFolder,
  postfix: MailServer,
  settings: Readonly<Record<string, string>>,
) {
  const file = `${state.path}/config.json`;
  const addresses = { server: "127.0.0.1", port: postfix.port(), from: "jump@example.test", to: "root@example.test" };
  await Deno.writeTextFile(
    file,
    JSON.stringify({ channels: { mail: { kind: "email", ...addresses, ...settings } } }),
  );
  return { MATRIX_NOTIFY_CONFIG: file };
}

postfixTest("matrix-notify trusts caFile and the usual authorities, also in the background", async (postfix) => {
  const cases = [
    ["caFile", { caFile: AUTHORITY }, {}],
    ["usual", { caFile: OTHER_AUTHORITY }, { DENO_CERT: AUTHORITY }],
  ] as const;
  for (const [subject, settings, env] of cases) {
    await using state = await StateFolder.create();
    const config = await configure(state, postfix, settings);
    for (const [at, wait] of ["0s", "30s"].entries()) {
      const { code, stderr } = await runCli(["send", "--wait", wait, `${subject} ${at}`], {
        stateDir: state.path,
        env: { ...config, ...env },
      });
      assertEquals(code, 0, stderr);
    }
  }
  const subjects = (await postfix.waitForMails(4)).map((mail) => /^Subject: \[.*\] (.*)$/m.exec(mail)?.[1]);
  assertEquals(subjects.toSorted(), ["caFile 0", "caFile 1", "usual 0", "usual 1"]);
});

postfixTest("matrix-notify delivers every line of twelve logs, in order, after an outage", async (postfix) => {
  await using state = await StateFolder.create();
  const env = await configure(state, postfix, { caFile: AUTHORITY, to: "logs@example.test" });
  const logs = createLogs();
  await postfix.stop();
  for (const { subject, message, format = "text", severity = "info" } of logs) {
    const args = ["send", "--wait", "0s", "--format", format, "--severity", severity, subject];
    const sent = await runCli(args, { stateDir: state.path, env, stdin: message });
    assertEquals(sent.code, 0, sent.stderr);
  }
  await postfix.startAgain();
  const flushed = await runCli(["flush", "--now"], { stateDir: state.path, env });
  assertEquals(flushed.code, 0, flushed.stderr);
  const probe = async () => {
    const mails = await postfix.waitForMails(1, "logs@example.test");
    const texts = await Promise.all(mails.map(async (mail) => (await readMail(mail)).parts["text/plain"]));
    const whole = texts.join("\n");
    return whole.includes(logs[11].message.split("\n")[199]) ? whole : undefined;
  };
  const whole = await until(probe, { what: "the last line" });
  assertEquals(findMissingLine(whole, logs), undefined);
  for (const { subject } of logs) assertStringIncludes(whole, subject ?? "");
});
